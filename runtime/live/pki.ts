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
  readonly secrets: LiveSecrets;
  readonly joinToken: JoinToken;
  /** PEM of the public key that service accounts' tokens are checked with. */
  readonly serviceAccountKey: KeyObject;
}

/** Reads the keys in `directory` or makes them; with no directory they last as long as the process. Throws an Error that names a file it cannot use. */
export async function loadPki(directory: string | undefined): Promise<Pki> {
  const serviceAccountKey = await stored(directory, "sa.key", readKey, newServiceAccountKey, (key) => pemOf(key));
  const authority = await stored(
    directory,
    "ca.json",
    (text) => Authority.load(JSON.parse(text) as Issued),
    async () => Authority.create("wavetank"),
    ({ certificate, privateKey }) => JSON.stringify({ certificate, key: privateKey }),
  );
  const joinToken = await stored(
    directory,
    "join-token.json",
    (text) => ({ ...readToken(text), authorityHash: authority.publicKeyHash }),
    async () => newToken(authority.publicKeyHash),
    ({ id, secret }) => JSON.stringify({ id, secret }),
  );
  if (directory !== undefined) writeFileSync(join(directory, "ca.crt"), authority.certificate);
  return { authority, serviceAccountKey, joinToken, secrets: new LiveSecrets(authority, new Map([["service-account", serviceAccountKey]])) };
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

async function stored<T>(
  directory: string | undefined,
  name: string,
  read: (text: string) => T,
  make: () => Promise<T>,
  write: (value: T) => string,
): Promise<T> {
  if (directory === undefined) return make();
  const file = join(directory, name);
  if (existsSync(file)) {
    try {
      return read(readFileSync(file, "utf8"));
    } catch (error) {
      throw new Error(`${file}: cannot be used: ${(error as Error).message}`);
    }
  }
  const value = await make();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  writePrivately(file, write(value));
  return value;
}

/** Writes a file that only its owner can read, as a whole or not at all. */
export function writePrivately(file: string, content: string): void {
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, content, { mode: 0o600, flush: true });
  renameSync(aside, file);
}

async function newServiceAccountKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)("rsa", { modulusLength: 2048 })).privateKey;
}

function readKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function readToken(text: string): { readonly id: string; readonly secret: string } {
  const { id, secret } = JSON.parse(text) as { id?: unknown; secret?: unknown };
  if (typeof id !== "string" || typeof secret !== "string") throw new Error("expected an id and a secret");
  return { id, secret };
}
