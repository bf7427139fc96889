import type { Impersonation } from "../../../protocol/api";
import { badRequest, type Failure } from "../../../protocol/status";
import type { Attributes } from "../authorization/attributes";
import { anonymous, everybodyAuthenticated, everybodyElse, serviceAccountGroups, splitServiceAccountName, type User } from "./user";

/**
 * Acting as somebody else (kubectl --as, --as-group): each thing that is taken on, a name, a group, a uid, a value of an extra field, has
 * to be allowed to the one who asks. These are the questions to put to the authorizer; a 400 Status where no user is named.
 */
export function impersonationQuestions({ user, uid, groups, extra }: Impersonation): readonly Attributes[] | Failure {
  if (user === "") return badRequest("groups, uid and extra can only be impersonated together with a user");
  const account = splitServiceAccountName(user);
  const about = (resource: string, name: string, more: Partial<Attributes> = {}): Attributes => ({
    verb: "impersonate",
    isResource: true,
    group: "",
    version: "v1",
    resource,
    subresource: "",
    namespace: "",
    name,
    path: "",
    ...more,
  });
  const authentication = { group: "authentication.k8s.io" };
  return [
    account ? about("serviceaccounts", account.name, { namespace: account.namespace }) : about("users", user),
    ...groups.map((group) => about("groups", group)),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => about("userextras", value, { ...authentication, subresource: key })),
    ),
    ...(uid === "" ? [] : [about("uids", uid, authentication)]),
  ];
}

/** Who the request is made as, once all that has been allowed. Service accounts come with their groups, unless groups were given. */
export function impersonated({ user, uid, groups, extra }: Impersonation): User {
  const account = splitServiceAccountName(user);
  const given = groups.length === 0 && account ? serviceAccountGroups(account.namespace) : groups;
  const everybody = user === anonymous.name ? everybodyElse : everybodyAuthenticated;
  const already = given.includes(everybodyAuthenticated) || given.includes(everybodyElse);
  return { name: user, uid, groups: already ? given : [...given, everybody], extra };
}
