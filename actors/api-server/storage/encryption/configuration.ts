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
  | { readonly type: "aescbc" | "aesgcm" | "secretbox"; readonly keys: readonly EncryptionKey[] };

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
  if (name === "kms") {
    wrong(`${at}.kms`, "key management services are not there in this cluster: use aescbc, aesgcm or secretbox");
    return none;
  }
  if (name !== "aescbc" && name !== "aesgcm" && name !== "secretbox") {
    wrong(`${at}.${name}`, "unknown provider; known are aescbc, aesgcm, secretbox, identity");
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

function recordAt(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The providers for a resource, by the first rule that names it; undefined where none does. */
export function providersFor(rules: readonly EncryptionRule[], group: string, plural: string): readonly Provider[] | undefined {
  const names = [group === "" ? plural : `${plural}.${group}`, `*.${group}`, "*.*"];
  return rules.find(({ resources }) => resources.some((each) => names.includes(each)))?.providers;
}
