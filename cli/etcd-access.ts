import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "../runtime/live/certificates";
import { etcdClientCertificate, writePrivately } from "../runtime/live/pki";
import { makeFolders } from "./make-folders";

/** What `etcdctl` needs to reach a cluster's etcd. */
export interface EtcdAccess {
  readonly endpoints: readonly string[];
  /** Files, PEM; null where none is needed. */
  readonly cacert: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export type WrittenAccess = EtcdAccess & { readonly cacert: string; readonly cert: string; readonly key: string };

/** Writes a new client certificate, its key and the authority of etcd into a directory of their own. */
export function writeEtcdAccess(directory: string, endpoints: readonly string[], etcdAuthority: Authority): WrittenAccess {
  const { certificate, key } = etcdClientCertificate(etcdAuthority);
  makeFolders(directory, { mode: 0o700 });
  const access = { endpoints, cacert: join(directory, "ca.crt"), cert: join(directory, "client.crt"), key: join(directory, "client.key") };
  writeFileSync(access.cacert, etcdAuthority.certificate);
  writeFileSync(access.cert, certificate);
  writePrivately(access.key, key);
  return access;
}

/** A command to paste. */
export function etcdctlCommand({ endpoints, cacert, cert, key }: EtcdAccess): string {
  const files = Object.entries({ cacert, cert, key }).flatMap(([flag, file]) => (file === null ? [] : [quoted(`--${flag}=${file}`)]));
  return ["etcdctl", `--endpoints=${endpoints.join(",")}`, ...files].join(" ");
}

function quoted(argument: string): string {
  return /^[\w./:=,@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
