import { readFileSync } from "node:fs";
import { InputError } from "./exit";
import { authorityOf, endpoint } from "./up-options";

/** The flags of `wavetank up` for an etcd outside. */
export interface StorageFlags {
  readonly storage?: string;
  readonly storageCacert?: string;
  readonly storageCert?: string;
  readonly storageKey?: string;
}

/** A real etcd behind the API servers, as the user gave it. */
export interface StorageOptions {
  /** As it stood on the command line, for messages. */
  readonly given: string;
  /** "HOST:PORT" of each member. */
  readonly authorities: readonly string[];
  readonly tls: StorageTls | null;
}

/** Files, PEM; null where none was given. */
export interface StorageTls {
  readonly cacert: StorageFile | null;
  readonly cert: StorageFile | null;
  readonly key: StorageFile | null;
}

export interface StorageFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** "http" and "https" are what etcdctl and kube-apiserver call the same two. */
const withTls = new Map([
  ["etcd", false],
  ["http", false],
  ["etcds", true],
  ["https", true],
]);
const form = "expected etcd://HOST:PORT[,HOST:PORT…], or etcds:// for TLS";
const fileFlags = ["cacert", "cert", "key"] as const;

/** Reads --storage and the flags beside it. Throws an InputError that names the flag and what was expected. */
export function readStorage(flags: StorageFlags): StorageOptions | undefined {
  const beside = { cacert: flags.storageCacert, cert: flags.storageCert, key: flags.storageKey };
  const given = flags.storage;
  if (given === undefined) {
    const lonely = fileFlags.find((name) => beside[name] !== undefined);
    if (lonely !== undefined) throw new InputError(`--storage-${lonely}: is for a storage outside: give --storage etcds://HOST:PORT too`);
    return undefined;
  }
  const [hosts = "", query, ...more] = given.split("?");
  const parts = hosts.split(",");
  const scheme = /^([a-z]+):\/\//.exec(parts[0]!)?.[1] ?? "";
  const tls = withTls.get(scheme);
  if (tls === undefined || more.length > 0) throw new InputError(`--storage ${given}: ${form}`);
  const authorities = parts.map((part) => {
    const [, ownScheme, rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(part)!;
    if (ownScheme !== undefined && ownScheme !== scheme)
      throw new InputError(`--storage ${given}: ${ownScheme}:// beside ${scheme}://: all members are spoken to in one way`);
    const { host, port } = endpoint("--storage", rest.replace(/\/$/, ""), form);
    if (host === "0.0.0.0" || port === 0) throw new InputError(`--storage ${given}: ${form}`);
    return authorityOf(host, port);
  });
  const twice = authorities.find((authority, i) => authorities.indexOf(authority) !== i);
  if (twice !== undefined) throw new InputError(`--storage ${given}: ${twice} is there twice`);
  return { given, authorities, tls: readTls(given, tls, beside, query) };
}

type Beside = { readonly [name in (typeof fileFlags)[number]]: string | undefined };

/** The files are given as flags or as parameters of the address. */
function readTls(given: string, tls: boolean, beside: Beside, query: string | undefined): StorageTls | null {
  const files = new Map<string, StorageFile>();
  for (const name of fileFlags) if (beside[name] !== undefined) files.set(name, readFile(`--storage-${name}`, beside[name]));
  for (const [name, path] of new URLSearchParams(query ?? "")) {
    if (!(fileFlags as readonly string[]).includes(name))
      throw new InputError(`--storage ${given}: unknown parameter "${name}"; there are ${fileFlags.join(", ")}`);
    if (files.has(name)) throw new InputError(`--storage ${given}: "${name}" is given twice`);
    files.set(name, readFile(`--storage ${given}: ${name}`, path));
  }
  if (!tls && files.size > 0) throw new InputError(`--storage ${given}: speaks without TLS; with certificates write etcds://`);
  if (files.has("cert") !== files.has("key"))
    throw new InputError(`--storage ${given}: a client certificate needs both, --storage-cert and --storage-key`);
  return tls ? { cacert: files.get("cacert") ?? null, cert: files.get("cert") ?? null, key: files.get("key") ?? null } : null;
}

function readFile(what: string, path: string): StorageFile {
  try {
    const bytes = readFileSync(path);
    if (!bytes.includes("-----BEGIN ")) throw new Error("is not PEM");
    return { path, bytes };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(`${what} ${path}: ${code === "ENOENT" ? "no such file" : message}`);
  }
}
