import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Authority, daySeconds, type Issued } from "./certificates";
import { type JoinToken, newToken } from "./join/token";
import { LiveSecrets } from "./secrets";

/** The cluster's keys: made once, and kept where there is a data directory. */
export interface Pki {
  readonly authority: Authority;
  /** etcd trusts an authority of its own: what the cluster's signs, such as nodes' certificates, opens no door of etcd. */
  readonly etcdAuthority: Authority;
  /** Signs what API servers show to aggregated servers, which believe whatever they say of users: nobody else gets a certificate of it. */
  readonly frontProxyAuthority: Authority;
  readonly secrets: LiveSecrets;
  readonly joinToken: JoinToken;
  /** Resolves when all keys are there; until then the secrets refuse to sign. A new RSA key takes a while, and nobody needs it at once. */
  readonly complete: Promise<void>;
}

/** Reads the keys in `directory` or makes them; with no directory they last as long as the process. Throws an Error that names a file it cannot use. */
export function loadPki(directory: string | undefined): Pki {
  const keys = new Map<string, KeyObject>();
  const complete = loadServiceAccountKey(directory, keys);
  const authority = loadAuthority(directory, "ca.json", "wavetank");
  const etcdAuthority = loadAuthority(directory, "etcd-ca.json", "wavetank-etcd");
  const frontProxyAuthority = loadAuthority(directory, "front-proxy-ca.json", "wavetank-front-proxy");
  const joinToken = stored(
    directory,
    "join-token.json",
    (text) => ({ ...readToken(text), authorityHash: authority.publicKeyHash }),
    () => newToken(authority.publicKeyHash),
    ({ id, secret }) => JSON.stringify({ id, secret }),
  );
  if (directory !== undefined) writeFileSync(join(directory, "ca.crt"), authority.certificate);
  return { authority, etcdAuthority, frontProxyAuthority, joinToken, secrets: new LiveSecrets(authority, keys), complete };
}

function loadAuthority(directory: string | undefined, name: string, commonName: string): Authority {
  return stored(
    directory,
    name,
    (text) => Authority.load(readIssued(text)),
    () => Authority.create(commonName),
    ({ certificate, privateKey }) => JSON.stringify({ certificate, key: privateKey }),
  );
}

function loadServiceAccountKey(directory: string | undefined, keys: Map<string, KeyObject>): Promise<void> {
  const name = "service-account";
  const file = directory === undefined ? undefined : join(directory, "sa.key");
  if (file !== undefined && existsSync(file)) {
    keys.set(
      name,
      readStored(file, (pem) => createPrivateKey(pem)),
    );
    return Promise.resolve();
  }
  return promisify(generateKeyPair)("rsa", { modulusLength: 2048 }).then(({ privateKey }) => {
    // On disk before anything is signed with it: a token must outlive the process.
    if (file !== undefined) writePrivately(file, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    keys.set(name, privateKey);
  });
}

/** A serving certificate for a front, an API server or the hub, valid for these names beside localhost. */
export function servingCertificate(authority: Authority, commonName: string, names: readonly string[]): Issued {
  const all = [...new Set(["localhost", "127.0.0.1", "::1", ...names])];
  return authority.issue({ subject: { commonName, organizations: [] }, usages: ["server"], names: all, ttlSeconds: 365 * daySeconds });
}

/** What kubectl shows to be cluster-admin: user kubernetes-admin of group system:masters, as kubeadm's admin.conf. */
export function adminCertificate(authority: Authority): Issued {
  return authority.issue({
    subject: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
    usages: ["client"],
    names: [],
    ttlSeconds: 365 * daySeconds,
  });
}

/** What an etcd client shows, which may do everything there, also where users and roles are enabled: it speaks for root. */
export function etcdClientCertificate(etcdAuthority: Authority): Issued {
  return etcdAuthority.issue({
    subject: { commonName: "root", organizations: [] },
    usages: ["client"],
    names: [],
    ttlSeconds: 365 * daySeconds,
  });
}

function stored<T>(directory: string | undefined, name: string, read: (text: string) => T, make: () => T, write: (value: T) => string): T {
  if (directory === undefined) return make();
  const file = join(directory, name);
  if (existsSync(file)) return readStored(file, read);
  const value = make();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  writePrivately(file, write(value));
  return value;
}

function readStored<T>(file: string, read: (text: string) => T): T {
  try {
    return read(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: cannot be used: ${(error as Error).message}`);
  }
}

/** Writes a file that only its owner can read, as a whole or not at all. */
export function writePrivately(file: string, content: string): void {
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, content, { mode: 0o600, flush: true });
  renameSync(aside, file);
}

function readIssued(text: string): Issued {
  const { certificate, key } = JSON.parse(text) as { certificate?: unknown; key?: unknown };
  if (typeof certificate !== "string" || typeof key !== "string") throw new Error("expected a certificate and a key");
  return { certificate, key };
}

function readToken(text: string): { readonly id: string; readonly secret: string } {
  const { id, secret } = JSON.parse(text) as { id?: unknown; secret?: unknown };
  if (typeof id !== "string" || typeof secret !== "string") throw new Error("expected an id and a secret");
  return { id, secret };
}
