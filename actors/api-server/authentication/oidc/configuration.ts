import { type AnonymousConfiguration, readAnonymous } from "../anonymous";

/**
 * Who else's tokens are believed: the `jwt` part of an AuthenticationConfiguration (apiserver.config.k8s.io/v1), as it is read from a file or
 * made of the flags --oidc-…. Source: "Authenticating", OpenID Connect Tokens and Authentication Configuration from a file.
 */
export interface JwtAuthenticator {
  readonly issuer: {
    readonly url: string;
    /** Where the issuer's configuration is, if not below its URL. */
    readonly discoveryURL?: string;
    /** PEM. */
    readonly certificateAuthority?: string;
    readonly audiences: readonly string[];
    readonly audienceMatchPolicy?: string;
  };
  readonly claimValidationRules?: readonly ClaimValidationRule[];
  readonly claimMappings: {
    readonly username: PrefixedClaim;
    readonly groups?: PrefixedClaim;
    readonly uid?: { readonly claim?: string; readonly expression?: string };
    readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[];
  };
  readonly userValidationRules?: readonly { readonly expression: string; readonly message?: string }[];
  /** Of the flags alone: the algorithms that are accepted. */
  readonly signingAlgorithms?: readonly string[];
}

export interface ClaimValidationRule {
  readonly claim?: string;
  readonly requiredValue?: string;
  readonly expression?: string;
  readonly message?: string;
}

export interface PrefixedClaim {
  readonly claim?: string;
  readonly prefix?: string;
  readonly expression?: string;
}

/** Those that an asymmetric signature can have; "none" and shared secrets are no proof of anything. */
export const signingAlgorithms: readonly string[] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

/** The flags under their names in kube-apiserver, without "--oidc-". */
export interface OidcFlags {
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly usernameClaim?: string;
  readonly usernamePrefix?: string;
  readonly groupsClaim?: string;
  readonly groupsPrefix?: string;
  readonly signingAlgs?: readonly string[];
  readonly requiredClaims?: Readonly<Record<string, string>>;
  /** PEM. */
  readonly certificateAuthority?: string;
}

/** What the flags say, as a file would say it: a name that is no mail address is prefixed with its issuer, unless the prefix is "-". */
export function authenticatorOfFlags(flags: OidcFlags): JwtAuthenticator {
  const {
    issuerUrl,
    clientId,
    usernameClaim = "sub",
    usernamePrefix,
    groupsClaim,
    groupsPrefix = "",
    signingAlgs,
    requiredClaims = {},
  } = flags;
  const usual = usernameClaim === "email" ? "" : `${issuerUrl}#`;
  const prefix = usernamePrefix === "-" ? "" : (usernamePrefix ?? usual);
  return {
    issuer: {
      url: issuerUrl,
      audiences: [clientId],
      ...(flags.certificateAuthority ? { certificateAuthority: flags.certificateAuthority } : {}),
    },
    claimValidationRules: Object.entries(requiredClaims).map(([claim, requiredValue]) => ({ claim, requiredValue })),
    claimMappings: {
      username: { claim: usernameClaim, prefix },
      ...(groupsClaim ? { groups: { claim: groupsClaim, prefix: groupsPrefix } } : {}),
    },
    signingAlgorithms: signingAlgs ?? ["RS256"],
  };
}

type Json = Readonly<Record<string, unknown>>;

export type ReadConfiguration =
  | { readonly ok: true; readonly jwt: readonly JwtAuthenticator[]; readonly anonymous?: AnonymousConfiguration | undefined }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads a parsed file. The answer of problems names each place: `jwt[0].issuer.url: …`. */
export function readAuthenticationConfiguration(value: unknown): ReadConfiguration {
  const problems: string[] = [];
  const wrong = (at: string, why: string) => void problems.push(`${at}: ${why}`);
  const document = recordAt(value);
  if (document === undefined) return { ok: false, problems: ["expected an AuthenticationConfiguration"] };
  if (!/^apiserver\.config\.k8s\.io\/v1(beta1|alpha1)?$/.test(String(document.apiVersion)))
    wrong("apiVersion", `expected apiserver.config.k8s.io/v1, found ${JSON.stringify(document.apiVersion ?? null)}`);
  if (document.kind !== "AuthenticationConfiguration")
    wrong("kind", `expected AuthenticationConfiguration, found ${JSON.stringify(document.kind ?? null)}`);
  checkFields(document, "", ["apiVersion", "kind", "jwt", "anonymous"], wrong);
  const anonymous = readAnonymous(document.anonymous, wrong);
  const jwt = document.jwt ?? [];
  if (!Array.isArray(jwt)) wrong("jwt", "expected a list");
  else if (jwt.length > 64) wrong("jwt", "must have at most 64 items");
  else
    jwt.forEach((each, index) => {
      checkAuthenticator(recordAt(each) ?? {}, `jwt[${index}]`, wrong);
    });
  if (problems.length > 0) return { ok: false, problems };
  const read = jwt as readonly JwtAuthenticator[];
  read.forEach(({ issuer }, index) => {
    if (read.findIndex((other) => other.issuer.url === issuer.url) < index)
      wrong(`jwt[${index}].issuer.url`, `Duplicate value: ${JSON.stringify(issuer.url)}`);
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, jwt: read, ...(anonymous ? { anonymous } : {}) };
}

type Wrong = (at: string, why: string) => void;

function checkAuthenticator(jwt: Json, at: string, wrong: Wrong): void {
  checkFields(jwt, `${at}.`, ["issuer", "claimValidationRules", "claimMappings", "userValidationRules"], wrong);
  const issuer = recordAt(jwt.issuer) ?? {};
  const fields = ["url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy"];
  checkFields(issuer, `${at}.issuer.`, fields, wrong);
  checkUrl(issuer.url, `${at}.issuer.url`, wrong);
  if (issuer.discoveryURL !== undefined) {
    checkUrl(issuer.discoveryURL, `${at}.issuer.discoveryURL`, wrong);
    if (issuer.discoveryURL === issuer.url) wrong(`${at}.issuer.discoveryURL`, "discoveryURL must be different from URL");
  }
  const audiences = textsAt(issuer.audiences);
  if (audiences.length === 0) wrong(`${at}.issuer.audiences`, "Required value: at least one audience is required");
  if (audiences.includes("")) wrong(`${at}.issuer.audiences`, "Required value: audience can't be empty");
  if (audiences.length > 1 && issuer.audienceMatchPolicy !== "MatchAny")
    wrong(`${at}.issuer.audienceMatchPolicy`, "audienceMatchPolicy must be MatchAny for multiple audiences");
  if (issuer.audienceMatchPolicy !== undefined && !["", "MatchAny"].includes(String(issuer.audienceMatchPolicy)))
    wrong(`${at}.issuer.audienceMatchPolicy`, "expected MatchAny");
  const mappings = recordAt(jwt.claimMappings) ?? {};
  checkFields(mappings, `${at}.claimMappings.`, ["username", "groups", "uid", "extra"], wrong);
  checkPrefixed(mappings.username, `${at}.claimMappings.username`, true, wrong);
  if (mappings.groups !== undefined) checkPrefixed(mappings.groups, `${at}.claimMappings.groups`, false, wrong);
  const uid = recordAt(mappings.uid);
  if (uid && (uid.claim === undefined) === (uid.expression === undefined))
    wrong(`${at}.claimMappings.uid`, "exactly one of claim and expression is expected");
  listAt(mappings.extra).forEach((each, index) => {
    checkExtra(each, `${at}.claimMappings.extra[${index}]`, wrong);
  });
  listAt(jwt.claimValidationRules).forEach((rule, index) => {
    const place = `${at}.claimValidationRules[${index}]`;
    if ((rule.claim === undefined) === (rule.expression === undefined)) wrong(place, "exactly one of claim and expression is expected");
    if (rule.message !== undefined && rule.claim !== undefined) wrong(`${place}.message`, "message can't be set when claim is set");
    if (rule.requiredValue !== undefined && rule.expression !== undefined)
      wrong(`${place}.requiredValue`, "requiredValue can't be set when expression is set");
  });
  listAt(jwt.userValidationRules).forEach((rule, index) => {
    if (typeof rule.expression !== "string")
      wrong(`${at}.userValidationRules[${index}].expression`, "Required value: expression is required");
  });
}

function checkPrefixed(value: unknown, at: string, required: boolean, wrong: Wrong): void {
  const mapping = recordAt(value) ?? {};
  const { claim, expression, prefix } = mapping;
  if (claim !== undefined && expression !== undefined) return wrong(at, "claim and expression can't both be set");
  if (claim === undefined && expression === undefined)
    return required ? wrong(at, "Required value: claim or expression is required") : undefined;
  if (expression !== undefined && prefix !== undefined) wrong(`${at}.prefix`, "prefix can't be set when expression is set");
  if (claim !== undefined && prefix === undefined)
    wrong(`${at}.prefix`, "Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing");
}

function checkExtra({ key, valueExpression }: Json, at: string, wrong: Wrong): void {
  const text = String(key ?? "");
  const domain = text.split("/")[0] ?? "";
  if (!/^[a-z0-9.-]+\/[^A-Z]+$/.test(text))
    wrong(`${at}.key`, `${JSON.stringify(text)}: must be a lowercase domain-prefixed path (such as example.org/foo)`);
  else if (/(^|\.)(k8s|kubernetes)\.io$/.test(domain))
    wrong(`${at}.key`, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use");
  if (typeof valueExpression !== "string" || valueExpression === "")
    wrong(`${at}.valueExpression`, "Required value: valueExpression is required");
}

function checkUrl(value: unknown, at: string, wrong: Wrong): void {
  if (typeof value !== "string" || value === "") return wrong(at, "Required value: URL is required");
  if (!URL.canParse(value)) return wrong(at, `${JSON.stringify(value)} is no URL`);
  const url = new URL(value);
  if (url.protocol !== "https:") wrong(at, `${JSON.stringify(value)}: URL scheme must be https`);
  if (url.username !== "") wrong(at, "URL must not contain a username or password");
  if (url.search !== "") wrong(at, "URL must not contain a query");
  if (url.hash !== "") wrong(at, "URL must not contain a fragment");
}

function checkFields(found: Json, at: string, known: readonly string[], wrong: Wrong): void {
  for (const name of Object.keys(found)) if (!known.includes(name)) wrong(`${at}${name}`, `unknown field; known are ${known.join(", ")}`);
}

function recordAt(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function listAt(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map((each) => recordAt(each) ?? {}) : [];
}

function textsAt(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
