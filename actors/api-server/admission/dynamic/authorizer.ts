import { authenticated, serviceAccountGroups, serviceAccountName, type User } from "../../authentication/user";
import type { Attributes } from "../../authorization/attributes";
import type { Decision } from "../../authorization/rbac";
import { fn, type Overload } from "../../cel/function";
import { fail, OpaqueValue } from "../../cel/values";

/** Kubernetes' functions by which expressions ask what a user may do: `authorizer.group("apps").resource("deployments").check("create").allowed()`. */

type Authorize = (user: User, wanted: Attributes) => Decision;

const nothing: Attributes = {
  ...{ verb: "", isResource: false, group: "", version: "*", resource: "", subresource: "" },
  ...{ namespace: "", name: "", path: "" },
};

abstract class Asking extends OpaqueValue {
  /** Nobody compares these. */
  equals(other: OpaqueValue): boolean {
    return other === this;
  }
}

/** The variable `authorizer`. */
export class Authorizer extends Asking {
  readonly typeName = "kubernetes.authorization.Authorizer";
  constructor(
    readonly authorize: Authorize,
    readonly user: User,
  ) {
    super();
  }
}

class PathCheck extends Asking {
  readonly typeName = "kubernetes.authorization.PathCheck";
  constructor(
    readonly authorizer: Authorizer,
    readonly path: string,
  ) {
    super();
  }
}

class GroupCheck extends Asking {
  readonly typeName = "kubernetes.authorization.GroupCheck";
  constructor(
    readonly authorizer: Authorizer,
    readonly group: string,
  ) {
    super();
  }
}

/** The variable `authorizer.requestResource`, and what is put together by hand. */
export class ResourceCheck extends Asking {
  readonly typeName = "kubernetes.authorization.ResourceCheck";
  constructor(
    readonly authorizer: Authorizer,
    readonly wanted: Attributes,
  ) {
    super();
  }
  with(more: Partial<Attributes>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.wanted, ...more });
  }
}

class Verdict extends Asking {
  readonly typeName = "kubernetes.authorization.Decision";
  constructor(readonly decision: Decision) {
    super();
  }
}

const decide = ({ authorize, user }: Authorizer, wanted: Attributes) => new Verdict(authorize(user, wanted));

/** The check for the resource that a request is about. */
export function resourceCheck(authorizer: Authorizer, place: Partial<Attributes>): ResourceCheck {
  return new ResourceCheck(authorizer, { ...nothing, isResource: true, ...place });
}

/** Asking is dear: three checks fill an expression's budget. */
const checkCost = () => 350_000;

const A = "kubernetes.authorization.Authorizer";
const P = "kubernetes.authorization.PathCheck";
const G = "kubernetes.authorization.GroupCheck";
const R = "kubernetes.authorization.ResourceCheck";
const D = "kubernetes.authorization.Decision";

export const authorizerFunctions: readonly Overload[] = [
  fn(`${A}.path(string): ${P}`, (authorizer: Authorizer, path: string) =>
    path === "" ? fail("path must not be empty") : new PathCheck(authorizer, path),
  ),
  fn(`${A}.group(string): ${G}`, (authorizer: Authorizer, group: string) => new GroupCheck(authorizer, group)),
  fn(`${A}.serviceAccount(string, string): ${A}`, ({ authorize }: Authorizer, namespace: string, name: string) => {
    const user = authenticated(serviceAccountName(namespace, name), serviceAccountGroups(namespace));
    return new Authorizer(authorize, user);
  }),
  fn(
    `${P}.check(string): ${D}`,
    ({ authorizer, path }: PathCheck, verb: string) => decide(authorizer, { ...nothing, path, verb: verb.toLowerCase() }),
    checkCost,
  ),
  fn(`${G}.resource(string): ${R}`, ({ authorizer, group }: GroupCheck, resource: string) =>
    resourceCheck(authorizer, { group, resource }),
  ),
  fn(`${R}.subresource(string): ${R}`, (check: ResourceCheck, subresource: string) => check.with({ subresource })),
  fn(`${R}.namespace(string): ${R}`, (check: ResourceCheck, namespace: string) => check.with({ namespace })),
  // Authorizers of this server do not decide by selectors; an authorization webhook is asked here as if there were none.
  fn(`${R}.fieldSelector(string): ${R}`, (check: ResourceCheck) => check),
  fn(`${R}.labelSelector(string): ${R}`, (check: ResourceCheck) => check),
  fn(`${R}.name(string): ${R}`, (check: ResourceCheck, name: string) => check.with({ name })),
  fn(
    `${R}.check(string): ${D}`,
    ({ authorizer, wanted }: ResourceCheck, verb: string) => decide(authorizer, { ...wanted, verb }),
    checkCost,
  ),
  fn(`${D}.allowed(): bool`, ({ decision }: Verdict) => decision.allowed),
  fn(`${D}.reason(): string`, ({ decision }: Verdict) => decision.reason),
  fn(`${D}.errored(): bool`, ({ decision }: Verdict) => decision.error !== undefined),
  fn(`${D}.error(): string`, ({ decision }: Verdict) => decision.error ?? ""),
];
