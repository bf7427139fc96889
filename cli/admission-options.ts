import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { type AdmissionSettings, readAdmissionConfiguration } from "../actors/api-server/admission/configuration";
import { credentialOf } from "./audit-webhook-access";
import { accessOf } from "./authorization-options";
import { InputError } from "./exit";
import { readText } from "./read-text";

const flag = "--admission-control-config-file";

/** Plug-ins that do nothing unless they are told what. */
const withoutDefault = [
  ["EventRateLimit", "eventRateLimit"],
  ["ImagePolicyWebhook", "imagePolicy"],
] as const;

/**
 * Reads an AdmissionConfiguration and the files that it names, seen from its folder. `enabled` are the plug-ins that were asked for. Throws an
 * InputError that names the file and the place.
 */
export function readAdmission(file: string | undefined, enabled: string): AdmissionSettings {
  const settings = file === undefined ? {} : readFileOf(file);
  for (const [name, part] of withoutDefault)
    if (enabled.split(",").includes(name) && settings[part] === undefined)
      throw new InputError(`--enable-admission-plugins: ${name} needs its configuration, by ${flag}`);
  return settings;
}

function readFileOf(file: string): AdmissionSettings {
  const document = yamlOf(file);
  const plugins = recordOf(document).plugins;
  const whole = !Array.isArray(plugins) ? document : { ...recordOf(document), plugins: plugins.map((entry) => withFiles(file, entry)) };
  const read = readAdmissionConfiguration(whole);
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${flag} ${file}: ${problem}`).join("\n"));
  return read.settings;
}

/** An entry with what its own file says, and with what the kubeconfig says that it names. */
function withFiles(file: string, entry: unknown): unknown {
  const { path, ...rest } = recordOf(entry);
  const near = typeof path === "string" && path !== "" ? resolve(dirname(file), path) : file;
  const configuration = near === file ? rest.configuration : yamlOf(near);
  if (rest.name === "ValidatingAdmissionWebhook" || rest.name === "MutatingAdmissionWebhook")
    return { ...rest, configuration: withUsers(recordOf(configuration), near, file) };
  const { imagePolicy, ...others } = recordOf(configuration);
  if (rest.name !== "ImagePolicyWebhook" || typeof recordOf(imagePolicy).kubeConfigFile !== "string") return { ...rest, configuration };
  const kubeconfig = resolve(dirname(near), String(recordOf(imagePolicy).kubeConfigFile));
  const access = accessOf(kubeconfig, `${flag} ${file}: kubeConfigFile`);
  return { ...rest, configuration: { ...others, imagePolicy: { ...recordOf(imagePolicy), access } } };
}

/** What a webhook plug-in is told, with the users of the kubeconfig that it names; that of the current context comes for who has no other. */
function withUsers(configuration: Readonly<Record<string, unknown>>, near: string, file: string): unknown {
  const { kubeConfigFile } = configuration;
  if (typeof kubeConfigFile !== "string" || kubeConfigFile === "") return configuration;
  const kubeconfig = resolve(dirname(near), kubeConfigFile);
  const { users: listed, contexts, "current-context": current } = recordOf(yamlOf(kubeconfig));
  const entries = (list: unknown) => (Array.isArray(list) ? list.map(recordOf) : []);
  const users = entries(listed).map(({ name, user }) => {
    const given = recordOf(user);
    if (Object.keys(given).some((field) => field.startsWith("client-")))
      throw new InputError(`${flag} ${file}: ${kubeconfig}: users: ${String(name)}: client certificates are not there for webhooks`);
    return { name: String(name), headers: Object.entries(credentialOf(given, kubeconfig)) };
  });
  const context = recordOf(entries(contexts).find(({ name }) => name === current)?.context);
  const standard = users.find(({ name }) => current && name === context.user);
  return { ...configuration, users: [...users, ...(standard ? [{ ...standard, name: "" }] : [])] };
}

function yamlOf(file: string): unknown {
  try {
    return parse(readText(file));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${flag} ${file}: this is no YAML`);
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
