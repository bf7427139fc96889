import type {
  LocalSubjectAccessReview,
  PolicyRule,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  StatusCause,
  SubjectAccessReview,
  TokenReview,
  UserInfo,
} from "../../../protocol/kinds/generated";
import { type Failure, invalid } from "../../../protocol/status";
import type { User } from "../authentication/user";
import type { Attributes } from "./attributes";
import type { Decision } from "./rbac";

/** The kinds that are questions: they are created, answered at once in their status, and never stored. */

type AccessReview = SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview;

/** Answers all three access reviews (`kubectl auth can-i`). `namespace` is that of the URL, which a local review must name again. */
export function reviewAccess(
  review: AccessReview,
  {
    requester,
    namespace,
    authorize,
  }: { readonly requester: User; readonly namespace: string; readonly authorize: (user: User, wanted: Attributes) => Decision },
): AccessReview | Failure {
  const kind = review.kind ?? "SubjectAccessReview";
  const { resourceAttributes, nonResourceAttributes } = review.spec ?? {};
  const causes: StatusCause[] = [];
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined))
    causes.push(cause("spec.resourceAttributes", "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
  const user = kind === "SelfSubjectAccessReview" ? requester : namedUser(review as SubjectAccessReview);
  if (user === undefined) causes.push(cause("spec.user", "at least one of user or groups must be specified"));
  if (kind === "LocalSubjectAccessReview") {
    if (nonResourceAttributes !== undefined) causes.push(cause("spec.nonResourceAttributes", "disallowed on this kind of request"));
    if ((resourceAttributes?.namespace ?? "") !== namespace)
      causes.push(cause("spec.resourceAttributes.namespace", "must match metadata.namespace"));
  }
  if (causes.length > 0 || user === undefined) return invalid({ group: "authorization.k8s.io", resource: "", kind }, causes);
  const { allowed, denied, reason, error } = authorize(user, wantedBy(review));
  const more = {
    ...(denied ? { denied } : {}),
    ...(reason === "" ? {} : { reason }),
    ...(error === undefined ? {} : { evaluationError: error }),
  };
  return { ...review, status: { allowed, ...more } };
}

function cause(field: string, message: string): StatusCause {
  return { reason: "FieldValueInvalid", field, message };
}

function namedUser({ spec }: SubjectAccessReview): User | undefined {
  const { user = "", groups = [], uid = "", extra = {} } = spec ?? {};
  return user === "" && groups.length === 0 ? undefined : { name: user, uid, groups, extra };
}

function wantedBy({ spec: { resourceAttributes, nonResourceAttributes } }: AccessReview): Attributes {
  const { verb = "", group = "", version = "", resource = "", subresource = "", namespace = "", name = "" } = resourceAttributes ?? {};
  if (nonResourceAttributes === undefined)
    return { verb, isResource: true, group, version, resource, subresource, namespace, name, path: "" };
  const none = { group, version, resource, subresource, namespace, name };
  return { ...none, verb: nonResourceAttributes.verb ?? "", isResource: false, path: nonResourceAttributes.path ?? "" };
}

/** Lists what the requester may do in a namespace (`kubectl auth can-i --list`). */
export function reviewRules(
  review: SelfSubjectRulesReview,
  rulesIn: (namespace: string) => {
    readonly rules: readonly PolicyRule[];
    readonly incomplete: boolean;
    readonly evaluationError?: string;
  },
): SelfSubjectRulesReview | Failure {
  const { namespace = "" } = review.spec ?? {};
  if (namespace === "")
    return invalid({ group: "authorization.k8s.io", resource: "", kind: "SelfSubjectRulesReview" }, [
      { reason: "FieldValueRequired", field: "spec.namespace", message: "Required value: no namespace on request" },
    ]);
  const { rules, incomplete, evaluationError } = rulesIn(namespace);
  return {
    ...review,
    status: {
      resourceRules: rules
        .filter((rule) => (rule.resources ?? []).length > 0)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames ? { resourceNames } : {}),
        })),
      nonResourceRules: rules
        .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete,
      ...(evaluationError === undefined ? {} : { evaluationError }),
    },
  };
}

/** Says who the requester is (`kubectl auth whoami`). */
export function reviewSelf(review: SelfSubjectReview, requester: User): SelfSubjectReview {
  return { ...review, status: { userInfo: userInfo(requester) } };
}

/** What became of the token in a TokenReview: whom it stands for and for which audiences, or why it is not believed. */
export type TokenVerdict =
  | { readonly ok: true; readonly user: User; readonly audiences: readonly string[] }
  | { readonly ok: false; readonly error: string };

/** Fills in a TokenReview. */
export function reviewToken(review: TokenReview, verdict: TokenVerdict): TokenReview {
  if (!verdict.ok) return { ...review, status: { error: verdict.error, user: {} } };
  return { ...review, status: { authenticated: true, user: userInfo(verdict.user), audiences: verdict.audiences } };
}

/** A user as objects of the API show one. */
export function userInfo({ name, uid, groups, extra }: User): UserInfo {
  return { username: name, ...(uid === "" ? {} : { uid }), groups, ...(Object.keys(extra).length === 0 ? {} : { extra }) };
}
