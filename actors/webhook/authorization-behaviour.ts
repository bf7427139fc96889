/**
 * What an authorization webhook says to a SubjectAccessReview: the same to everybody, or by rules, of which the first that fits decides. Whom no rule fits
 * it has no opinion on.
 */
export type AuthorizationBehaviour = Decision | readonly AuthorizationRule[];

export const decisions = ["allow", "deny", "no-opinion"] as const;
export type Decision = (typeof decisions)[number];

/** Of each list one must fit; a list that is not there fits everything. */
export interface AuthorizationRule {
  readonly decision: Decision;
  readonly reason?: string;
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  readonly verbs?: readonly string[];
  /** "pods", "pods/log", "deployments.apps". */
  readonly resources?: readonly string[];
  readonly namespaces?: readonly string[];
}

/** The SubjectAccessReview with which a webhook answers one; undefined where it was sent something else. */
export function authorizationAnswer(behaviour: AuthorizationBehaviour, body: Uint8Array): string | undefined {
  const review = reviewIn(body);
  if (!review) return undefined;
  const rule = typeof behaviour === "string" ? { decision: behaviour } : behaviour.find((each) => fits(each, review.spec));
  const { decision = "no-opinion", reason }: Partial<AuthorizationRule> = rule ?? {};
  const said = decision === "deny" ? { denied: true } : {};
  const status = { allowed: decision === "allow", ...said, ...(reason === undefined ? {} : { reason }) };
  return JSON.stringify({ apiVersion: review.apiVersion, kind: "SubjectAccessReview", status });
}

type Json = Readonly<Record<string, unknown>>;

function reviewIn(body: Uint8Array): { readonly apiVersion: unknown; readonly spec: Json } | undefined {
  try {
    const review: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    const { kind, apiVersion, spec } = (review ?? {}) as Json;
    return kind === "SubjectAccessReview" && typeof spec === "object" && spec !== null ? { apiVersion, spec: spec as Json } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fits({ users, groups, verbs, resources, namespaces }: AuthorizationRule, spec: Json): boolean {
  const asked = (spec.resourceAttributes ?? {}) as Json;
  const path = (spec.nonResourceAttributes ?? {}) as Json;
  const among = (list: readonly string[] | undefined, ...said: readonly unknown[]) =>
    list === undefined || list.some((each) => said.includes(each));
  const plain = asked.subresource ? `${asked.resource}/${asked.subresource}` : asked.resource;
  return (
    among(users, spec.user) &&
    // The older version of the review calls them otherwise.
    among(groups, ...((spec.groups ?? spec.group ?? []) as readonly unknown[])) &&
    among(verbs, asked.verb ?? path.verb) &&
    among(resources, plain, ...(asked.group ? [`${plain}.${asked.group}`] : [])) &&
    among(namespaces, asked.namespace)
  );
}
