import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse, stringify } from "yaml";
import { writePrivately } from "../runtime/live/pki";
import { InputError } from "./load";
import { makeFolders } from "./make-folders";

export interface Access {
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

interface Named {
  readonly name: string;
}

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
      cluster: { server: access.server, "certificate-authority-data": base64(access.authority) },
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
