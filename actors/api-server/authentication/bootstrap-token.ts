import type { Secret } from "../../../protocol/kinds/generated";
import { authenticated, type User } from "./user";

/** Bootstrap tokens, with which machines join before they have anything better. Source: "Authenticating with Bootstrap Tokens". */

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** The id and the secret of a bearer token that has the form of a bootstrap token. */
export function parseBootstrapToken(token: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = form.exec(token) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The name of the Secret in kube-system that holds a token. */
export function bootstrapSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

/** The user that a token stands for, by the Secret under its name; undefined where it is not good (any more). */
export function bootstrapUser(
  token: { readonly id: string; readonly secret: string },
  found: Secret | undefined,
  nowMs: number,
): User | undefined {
  if (found?.type !== "bootstrap.kubernetes.io/token" || found.metadata?.deletionTimestamp !== undefined) return undefined;
  const value = (key: string) => Buffer.from(found.data?.[key] ?? "", "base64").toString("utf8");
  if (value("token-id") !== token.id || !sameText(value("token-secret"), token.secret)) return undefined;
  if (value("usage-bootstrap-authentication") !== "true") return undefined;
  const expiration = value("expiration");
  // A time that cannot be read is taken for one that has passed.
  if (expiration !== "" && !(Date.parse(expiration) > nowMs)) return undefined;
  const extra = value("auth-extra-groups")
    .split(",")
    .filter((group) => group !== "");
  if (extra.some((group) => !groupForm.test(group))) return undefined;
  return authenticated(`system:bootstrap:${token.id}`, ["system:bootstrappers", ...extra]);
}

/** Compares secrets in a time that depends on their length alone. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
