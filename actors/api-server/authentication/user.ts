/** Who makes a request, once the credential has been believed (authentication.k8s.io UserInfo). */
export interface User {
  readonly name: string;
  /** "" where there is none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const everybodyAuthenticated = "system:authenticated";
export const everybodyElse = "system:unauthenticated";
/** The group that may do everything: it is bound to cluster-admin before anything else is. */
export const masters = "system:masters";
export const allServiceAccounts = "system:serviceaccounts";

export const anonymous: User = { name: "system:anonymous", uid: "", groups: [everybodyElse], extra: {} };

/** A user with these groups, and with the group that everybody is in who has shown a valid credential. */
export function authenticated(name: string, groups: readonly string[], { uid = "", extra = {} }: Partial<User> = {}): User {
  const all = groups.length === 0 ? [everybodyAuthenticated] : [...new Set([...groups, everybodyAuthenticated])];
  return { name, uid, groups: all, extra };
}

const serviceAccountPrefix = "system:serviceaccount:";

/** "system:serviceaccount:shop:web" */
export function serviceAccountName(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

/** The groups every service account of a namespace is in. */
export function serviceAccountGroups(namespace: string): readonly string[] {
  return [allServiceAccounts, `${allServiceAccounts}:${namespace}`];
}

/** Namespace and name of "system:serviceaccount:NAMESPACE:NAME"; undefined for any other user. */
export function splitServiceAccountName(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace = "", name = "", ...more] = userName.slice(serviceAccountPrefix.length).split(":");
  return namespace === "" || name === "" || more.length > 0 ? undefined : { namespace, name };
}
