import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse, stringify } from "yaml";
import { writePrivately } from "../runtime/live/pki";
import { InputError } from "./exit";
import { makeFolders } from "./make-folders";

export interface Access {
  readonly server: string;
  /** Where the cluster's faults are begun and ended. */
  readonly control: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

interface Named {
  readonly name: string;
}

/** kubectl keeps extensions that it does not know. */
const controlExtension = "wavetank.control";
const cluster = "wavetank";
const user = "wavetank-admin";
const base64 = (pem: string) => Buffer.from(pem).toString("base64");

/**
 * Writes the access of kubernetes-admin into a kubeconfig, as cluster, user and context of names of their own, and makes it the current
 * context. What else a file holds already is kept. Throws an InputError where the file there is no kubeconfig.
 */
export function writeKubeconfig(file: string, access: Access): void {
  const config = readConfig(file);
  const put = (list: unknown, entry: Named) => [...((list ?? []) as readonly Named[]).filter(({ name }) => name !== entry.name), entry];
  const merged = {
    ...config,
    apiVersion: "v1",
    kind: "Config",
    clusters: put(config.clusters, {
      name: cluster,
      cluster: {
        server: access.server,
        "certificate-authority-data": base64(access.authority),
        extensions: [{ name: controlExtension, extension: { address: access.control } }],
      },
    } as Named),
    users: put(config.users, {
      name: user,
      user: { "client-certificate-data": base64(access.certificate), "client-key-data": base64(access.key) },
    } as Named),
    contexts: put(config.contexts, { name: cluster, context: { cluster, user } } as Named),
    "current-context": cluster,
  };
  try {
    makeFolders(dirname(file));
    writePrivately(file, stringify(merged, { lineWidth: 0 }));
  } catch (error) {
    throw new InputError(`--kubeconfig ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function readConfig(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  const refuse = (why: string) => new InputError(`${file}: ${why}; nothing was written to it`);
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8")) ?? {};
  } catch (error) {
    throw refuse(`cannot be read as a kubeconfig: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof value !== "object" || Array.isArray(value)) throw refuse("is not a kubeconfig");
  const config = value as Record<string, unknown>;
  if (Object.keys(config).length > 0 && config.kind !== "Config")
    throw refuse(`is not a kubeconfig: its kind is ${JSON.stringify(config.kind)}, not "Config"`);
  for (const key of ["clusters", "users", "contexts"])
    if (config[key] !== undefined && config[key] !== null && !Array.isArray(config[key]))
      throw refuse(`is not a kubeconfig: ${key} is not a list`);
  return config;
}

/** How a kubeconfig that `up` wrote lets one control the cluster. */
export interface Control {
  readonly address: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Reads the control of the cluster of the current context. Throws an InputError that says what the file lacks. */
export function readControl(file: string): Control {
  if (!existsSync(file))
    throw new InputError(`${file}: no such file; expected the kubeconfig that \`wavetank up\` wrote (--kubeconfig FILE)`);
  const refuse = (what: string) => new InputError(`${file}: ${what}; expected the kubeconfig that \`wavetank up\` wrote`);
  const config = readConfig(file) as Readonly<Record<string, unknown>>;
  const named = <T>(list: unknown, name: unknown) => ((list ?? []) as readonly (Named & T)[]).find((entry) => entry.name === name);
  const context = named<{ readonly context?: { readonly cluster?: string; readonly user?: string } }>(
    config.contexts,
    config["current-context"],
  )?.context;
  if (!context) throw refuse("there is no current context");
  const at = named<{ readonly cluster?: Readonly<Record<string, unknown>> }>(config.clusters, context.cluster)?.cluster;
  const who = named<{ readonly user?: Readonly<Record<string, unknown>> }>(config.users, context.user)?.user;
  const address = named<{ readonly extension?: { readonly address?: unknown } }>(at?.extensions, controlExtension)?.extension?.address;
  if (typeof address !== "string") throw refuse(`the cluster of its current context, ${String(context.cluster)}, is none of Wavetank's`);
  const pem = (from: Readonly<Record<string, unknown>> | undefined, field: string) => {
    const value = from?.[field];
    if (typeof value !== "string") throw refuse(`${field} is missing`);
    return Buffer.from(value, "base64").toString();
  };
  return {
    address,
    authority: pem(at, "certificate-authority-data"),
    certificate: pem(who, "client-certificate-data"),
    key: pem(who, "client-key-data"),
  };
}
