import { parseDurationMs } from "../../../../protocol/kinds/duration";

/**
 * How objects are encrypted in etcd: an EncryptionConfiguration (apiserver.config.k8s.io/v1). Source: "Encrypting Confidential Data at Rest".
 */
export interface EncryptionRule {
  /** "secrets", "deployments.apps", "*.apps", "*." for the core group, "*.*". */
  readonly resources: readonly string[];
  /** The first encrypts; all of them are tried for reading. */
  readonly providers: readonly Provider[];
}

export type Provider =
  | { readonly type: "identity" }
  | KmsProvider
  | { readonly type: "aescbc" | "aesgcm" | "secretbox"; readonly keys: readonly EncryptionKey[] };

/** A plug-in that keeps the keys outside of the cluster: KMS v2. */
export interface KmsProvider {
  readonly type: "kms";
  readonly name: string;
  /** "unix:///run/kms.sock". */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

export interface EncryptionKey {
  readonly name: string;
  /** Base64. */
  readonly secret: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads a parsed file. The answer of problems names each place: `resources[0].providers[0].aescbc.keys[0].secret: …`; never a key's value. */
export function readEncryptionConfiguration(
  value: unknown,
): { readonly ok: true; readonly rules: readonly EncryptionRule[] } | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const wrong = (at: string, why: string) => void problems.push(`${at}: ${why}`);
  const document = recordAt(value);
  if (document === undefined) return { ok: false, problems: ["expected an EncryptionConfiguration"] };
  if (document.apiVersion !== "apiserver.config.k8s.io/v1")
    wrong("apiVersion", `expected apiserver.config.k8s.io/v1, found ${JSON.stringify(document.apiVersion ?? null)}`);
  if (document.kind !== "EncryptionConfiguration")
    wrong("kind", `expected EncryptionConfiguration, found ${JSON.stringify(document.kind ?? null)}`);
  const listed = Array.isArray(document.resources) ? document.resources : [];
  if (listed.length === 0) wrong("resources", "Required value: at least one item is required");
  const rules = listed.map((each, index) => readRule(recordAt(each) ?? {}, `resources[${index}]`, wrong));
  const names = rules.flatMap(({ providers }) => providers.flatMap((each) => (each.type === "kms" ? [each.name] : [])));
  const twice = new Set(names.filter((name, index) => names.indexOf(name) < index));
  for (const name of twice) wrong("resources", `Invalid value: duplicate KMS provider name ${name}, names must be unique`);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rules };
}

type Wrong = (at: string, why: string) => void;

function readRule(rule: Json, at: string, wrong: Wrong): EncryptionRule {
  const resources = Array.isArray(rule.resources) ? rule.resources.map(String) : [];
  if (resources.length === 0) wrong(`${at}.resources`, "Required value: at least one item is required");
  resources.forEach((name, index) => {
    const place = `${at}.resources[${index}]`;
    if (name !== name.toLowerCase())
      wrong(place, `Invalid value: ${JSON.stringify(name)}: resource name should not contain capital letters`);
    else if (
      name === "*" ||
      name.includes("/") ||
      !/^(\*|[a-z0-9-]+)(\.(\*|[a-z0-9.-]*))?$/.test(name) ||
      (/\.\*$/.test(name) && name !== "*.*")
    )
      wrong(place, `Invalid value: ${JSON.stringify(name)}: expected a resource such as secrets or deployments.apps, *.GROUP, *. or *.*`);
    else if (resources.indexOf(name) < index) wrong(place, `Duplicate value: ${JSON.stringify(name)}`);
    else if (name === "events" || name === "events.events.k8s.io") wrong(place, "Invalid value: events are not encrypted");
  });
  const providers = Array.isArray(rule.providers) ? rule.providers : [];
  if (providers.length === 0) wrong(`${at}.providers`, "Required value: provider is required");
  return {
    resources,
    providers: providers.map((each, index) => readProvider(recordAt(each) ?? {}, `${at}.providers[${index}]`, wrong)),
  };
}

const keyBytes = { aescbc: [16, 24, 32], aesgcm: [16, 24, 32], secretbox: [32] } as const;

function readProvider(provider: Json, at: string, wrong: Wrong): Provider {
  const names = Object.keys(provider);
  const [name = ""] = names;
  const none: Provider = { type: "identity" };
  if (names.length !== 1) {
    wrong(
      at,
      names.length === 0
        ? "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
        : "more than one provider specified in a single element, should split into different list elements",
    );
    return none;
  }
  if (name === "identity") return none;
  if (name === "kms") return readKms(recordAt(provider.kms) ?? {}, `${at}.kms`, wrong);
  if (name !== "aescbc" && name !== "aesgcm" && name !== "secretbox") {
    wrong(`${at}.${name}`, "unknown provider; known are kms, aescbc, aesgcm, secretbox, identity");
    return none;
  }
  const listed = recordAt(provider[name])?.keys;
  const keys = (Array.isArray(listed) ? listed : []).map((each) => recordAt(each) ?? {});
  if (keys.length === 0) wrong(`${at}.${name}.keys`, "Required value: at least one key is required");
  const read = keys.map((key, index): EncryptionKey => {
    const place = `${at}.${name}.keys[${index}]`;
    const secret = typeof key.secret === "string" ? key.secret.trim() : "";
    const sizes: readonly number[] = keyBytes[name];
    if (typeof key.name !== "string" || key.name === "" || key.name.includes(":"))
      wrong(`${place}.name`, "Required value: a name without colons is required");
    if (secret === "") wrong(`${place}.secret`, "Required value: secret is required");
    else if (!/^[A-Za-z0-9+/]+={0,2}$/.test(secret)) wrong(`${place}.secret`, "secret must be base64 encoded");
    else if (!sizes.includes(Buffer.from(secret, "base64").length))
      wrong(
        `${place}.secret`,
        `secret is not of the expected length, got ${Buffer.from(secret, "base64").length}, expected one of [${sizes.join(" ")}]`,
      );
    return { name: String(key.name ?? ""), secret };
  });
  read.forEach((key, index) => {
    if (read.findIndex(({ name: other }) => other === key.name) < index)
      wrong(`${at}.${name}.keys[${index}].name`, `Duplicate value: ${JSON.stringify(key.name)}`);
  });
  return { type: name, keys: read };
}

function readKms(kms: Json, at: string, wrong: Wrong): KmsProvider {
  const { apiVersion = "v1", name, endpoint, timeout = "3s", cachesize } = kms;
  for (const field of Object.keys(kms))
    if (!["apiVersion", "name", "endpoint", "timeout", "cachesize"].includes(field))
      wrong(`${at}.${field}`, "unknown field; known are apiVersion, name, endpoint, timeout");
  if (apiVersion === "v1")
    wrong(`${at}.apiVersion`, "KMSv1 is deprecated and is not there in this cluster, as it is off in a real one: use apiVersion v2");
  else if (apiVersion !== "v2")
    wrong(
      `${at}.apiVersion`,
      `Invalid value: ${JSON.stringify(apiVersion)}: unsupported apiVersion for KMS provider, only v1 and v2 are supported`,
    );
  if (typeof name !== "string" || name === "") wrong(`${at}.name`, "Required value: name is a mandatory field for a provider");
  else if (name.includes(":"))
    wrong(`${at}.name`, `Invalid value: ${JSON.stringify(name)}: invalid KMS provider name, must not contain ':'`);
  if (cachesize !== undefined) wrong(`${at}.cachesize`, "Invalid value: cachesize is not supported in v2");
  const path = typeof endpoint === "string" ? /^([a-z]+):\/\/(.*)$/.exec(endpoint) : undefined;
  if (endpoint === undefined || endpoint === "") wrong(`${at}.endpoint`, "Required value: endpoint is a mandatory field for a provider");
  else if (!path)
    wrong(`${at}.endpoint`, `Invalid value: ${JSON.stringify(endpoint)}: invalid endpoint for kms provider, expected unix:///PATH`);
  else if (path[1] !== "unix")
    wrong(
      `${at}.endpoint`,
      `Invalid value: ${JSON.stringify(endpoint)}: unsupported scheme ${JSON.stringify(path[1])} for KMS provider, only unix is supported`,
    );
  const timeoutMs = typeof timeout === "string" ? parseDurationMs(timeout) : undefined;
  if (timeoutMs === undefined || timeoutMs <= 0)
    wrong(`${at}.timeout`, `Invalid value: ${JSON.stringify(timeout)}: timeout should be a positive value`);
  return { type: "kms", name: String(name ?? ""), endpoint: String(endpoint ?? ""), timeoutMs: timeoutMs ?? 0 };
}

function recordAt(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The providers for a resource, by the first rule that names it; undefined where none does. */
export function providersFor(rules: readonly EncryptionRule[], group: string, plural: string): readonly Provider[] | undefined {
  const names = [group === "" ? plural : `${plural}.${group}`, `*.${group}`, "*.*"];
  return rules.find(({ resources }) => resources.some((each) => names.includes(each)))?.providers;
}
