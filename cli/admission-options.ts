import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { type AdmissionSettings, readAdmissionConfiguration } from "../actors/api-server/admission/configuration";
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
  const { imagePolicy, ...others } = recordOf(configuration);
  if (rest.name !== "ImagePolicyWebhook" || typeof recordOf(imagePolicy).kubeConfigFile !== "string") return { ...rest, configuration };
  const kubeconfig = resolve(dirname(near), String(recordOf(imagePolicy).kubeConfigFile));
  const access = accessOf(kubeconfig, `${flag} ${file}: kubeConfigFile`);
  return { ...rest, configuration: { ...others, imagePolicy: { ...recordOf(imagePolicy), access } } };
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
