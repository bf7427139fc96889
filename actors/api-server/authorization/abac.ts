import type { PolicyRule } from "../../../protocol/kinds/generated";
import type { User } from "../authentication/user";
import type { Attributes } from "./attributes";

/**
 * Attribute-based access control: a file of policies, one of JSON a line, each of which allows somebody something. Compared with kubernetes'
 * pkg/auth/authorizer/abac and pkg/apis/abac, whose versions are v1beta1 and an older one without a name.
 */
export interface AbacPolicy {
  readonly user: string;
  readonly group: string;
  readonly readonly: boolean;
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  readonly nonResourcePath: string;
}

type Json = Readonly<Record<string, unknown>>;
type Line<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const version = "abac.authorization.kubernetes.io/v1beta1";
const everybody = "system:authenticated";
const texts = ["user", "group", "apiGroup", "resource", "namespace", "nonResourcePath"] as const;

/** Reads the text of a policy file. The answer of problems names each line: `3: …`. Empty lines and those that begin with # are left out. */
export function readPolicies(
  text: string,
): { readonly ok: true; readonly policies: readonly AbacPolicy[] } | { readonly ok: false; readonly problems: readonly string[] } {
  const policies: AbacPolicy[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const read = readPolicy(trimmed);
    if (read.ok) policies.push(read.value);
    else problems.push(`${index + 1}: ${read.why}`);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policies };
}

function readPolicy(line: string): Line<AbacPolicy> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { ok: false, why: `expected a policy as JSON in one line: ${(error as Error).message}` };
  }
  const policy = recordOf(value);
  if (policy === undefined) return { ok: false, why: "expected a policy: an object of JSON" };
  const { apiVersion, kind, spec } = policy;
  if (apiVersion === undefined && kind === undefined) return fieldsOf(policy, "", (given) => withoutVersion(given));
  if (apiVersion !== version) return { ok: false, why: `apiVersion: expected ${version}, found ${JSON.stringify(apiVersion ?? null)}` };
  if (kind !== "Policy") return { ok: false, why: `kind: expected Policy, found ${JSON.stringify(kind ?? null)}` };
  const given = spec === undefined ? {} : recordOf(spec);
  if (given === undefined) return { ok: false, why: "spec: expected an object" };
  return fieldsOf(given, "spec.", (read) => (read.user === "*" || read.group === "*" ? { ...read, user: "", group: everybody } : read));
}

/** Fields that no policy has are passed over, as in real servers. */
function fieldsOf(given: Json, at: string, then: (read: AbacPolicy) => AbacPolicy): Line<AbacPolicy> {
  for (const name of texts)
    if (given[name] !== undefined && typeof given[name] !== "string") return { ok: false, why: `${at}${name}: expected a text` };
  if (given.readonly !== undefined && typeof given.readonly !== "boolean")
    return { ok: false, why: `${at}readonly: expected true or false` };
  const said = Object.fromEntries(texts.map((name) => [name, given[name] ?? ""])) as Record<(typeof texts)[number], string>;
  return { ok: true, value: then({ ...said, readonly: given.readonly === true }) };
}

/** In the older version what is not said means all of it. */
function withoutVersion({ user, group, readonly, resource, namespace }: AbacPolicy): AbacPolicy {
  const isForAll = (user === "" && group === "") || user === "*" || group === "*";
  return {
    ...(isForAll ? { user: "", group: everybody } : { user, group }),
    ...{ readonly, apiGroup: "*", resource: resource || "*", namespace: namespace || "*" },
    nonResourcePath: namespace === "" && resource === "" ? "*" : "",
  };
}

const reading = ["get", "list", "watch"];

/** Whether one of the policies allows it. */
export function allowedByPolicies(policies: readonly AbacPolicy[], user: User, wanted: Attributes): boolean {
  return policies.some((policy) => isAbout(policy, user) && (reading.includes(wanted.verb) || !policy.readonly) && covers(policy, wanted));
}

function isAbout({ user, group }: AbacPolicy, { name, groups }: User): boolean {
  if (user !== "" && user !== "*" && user !== name) return false;
  if (group !== "" && group !== "*" && !groups.includes(group)) return false;
  return user !== "" || group !== "";
}

function covers(policy: AbacPolicy, wanted: Attributes): boolean {
  const fits = (said: string, is: string) => said === "*" || said === is;
  if (wanted.isResource)
    return fits(policy.namespace, wanted.namespace) && fits(policy.resource, wanted.resource) && fits(policy.apiGroup, wanted.group);
  const { nonResourcePath: path } = policy;
  return fits(path, wanted.path) || (path.endsWith("*") && wanted.path.startsWith(path.replace(/\*+$/, "")));
}

/** What they allow a user in a namespace, for `kubectl auth can-i --list`. */
export function rulesOfPolicies(policies: readonly AbacPolicy[], user: User, namespace: string): readonly PolicyRule[] {
  return policies
    .filter((policy) => isAbout(policy, user) && (policy.namespace === "*" || policy.namespace === namespace))
    .flatMap(({ readonly, apiGroup, resource, nonResourcePath }): readonly PolicyRule[] => {
      const verbs = readonly ? reading : ["*"];
      return [
        ...(resource === "" ? [] : [{ verbs, apiGroups: [apiGroup], resources: [resource] }]),
        ...(nonResourcePath === "" ? [] : [{ verbs, nonResourceURLs: [nonResourcePath] }]),
      ];
    });
}

function recordOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
