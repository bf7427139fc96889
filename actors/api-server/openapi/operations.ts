import {
  definitionNameOf,
  type GroupVersion,
  type GroupVersionKind,
  type Kind,
  type Subresource,
  type Verb,
} from "../../../protocol/kinds/registry";

/** What can be done at which path, apart from the version of OpenAPI that says it. */

export type Method = "get" | "post" | "put" | "patch" | "delete";

export type Action = "get" | "list" | "post" | "put" | "patch" | "delete" | "deletecollection" | "connect";

export interface Operation {
  readonly path: string;
  readonly method: Method;
  /** The value of x-kubernetes-action. */
  readonly action: Action;
  /** "readCoreV1NamespacedPod" */
  readonly id: string;
  /** "core_v1" */
  readonly tag: string;
  /** The kind that is sent or served. */
  readonly kind: GroupVersionKind;
  readonly pathParameters: readonly string[];
  readonly queryParameters: readonly string[];
  /** Name of the definition of the body; "" where there is none. */
  readonly body: string;
  readonly bodyRequired: boolean;
  /** Name of the definition of the answer; "" for plain text. */
  readonly answer: string;
  readonly codes: readonly (200 | 201 | 202)[];
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const patchDefinition = `${meta}.Patch`;
export const deleteOptionsDefinition = `${meta}.DeleteOptions`;
export const statusDefinition = `${meta}.Status`;

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");

/** Query parameters by action, as Kubernetes' API servers read them. */
const writeParameters = words("dryRun fieldManager fieldValidation pretty");
const parameters: Readonly<Record<Action, readonly string[]>> = {
  get: ["pretty"],
  list: words(`allowWatchBookmarks continue fieldSelector labelSelector limit pretty resourceVersion resourceVersionMatch
    sendInitialEvents timeoutSeconds watch`),
  post: writeParameters,
  put: writeParameters,
  patch: [...writeParameters, "force"],
  delete: words("dryRun gracePeriodSeconds orphanDependents pretty propagationPolicy"),
  deletecollection: words(`continue dryRun fieldSelector gracePeriodSeconds labelSelector limit orphanDependents pretty
    propagationPolicy resourceVersion resourceVersionMatch sendInitialEvents timeoutSeconds`),
  connect: words("command container path ports stderr stdin stdout tty"),
};
const logParameters = words(`container follow insecureSkipTLSVerifyBackend limitBytes pretty previous sinceSeconds tailLines timestamps`);

const integers = new Set(words("limit timeoutSeconds gracePeriodSeconds limitBytes sinceSeconds tailLines"));
const booleans = new Set(
  words(`allowWatchBookmarks sendInitialEvents watch force orphanDependents follow insecureSkipTLSVerifyBackend previous timestamps
    stderr stdin stdout tty`),
);

/** The JSON type of a query parameter. */
export function parameterType(name: string): "integer" | "boolean" | "string" {
  return integers.has(name) ? "integer" : booleans.has(name) ? "boolean" : "string";
}

/** Every operation on every kind of a group version. */
export function operationsOf({ apiVersion, group, kinds }: GroupVersion): readonly Operation[] {
  const base = group === "" ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  return kinds.flatMap((kind) => [
    ...kindOperations(kind, base),
    ...kind.subresources.flatMap((sub) => subresourceOperations(kind, sub, base)),
  ]);
}

/** What goes over the wire. */
type Exchange = Pick<Operation, "body" | "bodyRequired" | "answer" | "codes">;
const reading = (answer: string): Exchange => ({ body: "", bodyRequired: false, answer, codes: [200] });
const writing = (body: string, answer: string, codes: Operation["codes"]): Exchange => ({ body, bodyRequired: true, answer, codes });
const removing = (codes: Operation["codes"]): Exchange => ({
  body: deleteOptionsDefinition,
  bodyRequired: false,
  answer: statusDefinition,
  codes,
});
const made = [200, 201, 202] as const;
const changed = [200, 201] as const;

type Place = Pick<Operation, "path" | "pathParameters">;

function kindOperations(kind: Kind, base: string): readonly Operation[] {
  const { collection, item } = placesOf(kind, base);
  const everywhere: Place = { path: `${base}/${kind.plural}`, pathParameters: [] };
  const prefix = groupName(kind);
  const suffix = `${kind.namespaced ? "Namespaced" : ""}${kind.kind}`;
  const own = kind.definition;
  const list = reading(`${own}List`);
  const operation = (action: Action, place: Place, id: string, exchange: Exchange): Operation => ({
    ...place,
    method: methodOf(action),
    action,
    id,
    tag: tagOf(kind),
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    queryParameters: parameters[action],
    ...exchange,
  });
  const make: Readonly<Record<Verb, () => readonly Operation[]>> = {
    list: () => [
      operation("list", collection, `list${prefix}${suffix}`, list),
      ...(kind.namespaced ? [operation("list", everywhere, `list${prefix}${kind.kind}ForAllNamespaces`, list)] : []),
    ],
    create: () => [operation("post", collection, `create${prefix}${suffix}`, writing(own, own, made))],
    deletecollection: () => [operation("deletecollection", collection, `delete${prefix}Collection${suffix}`, removing([200]))],
    get: () => [operation("get", item, `read${prefix}${suffix}`, reading(own))],
    update: () => [operation("put", item, `replace${prefix}${suffix}`, writing(own, own, changed))],
    patch: () => [operation("patch", item, `patch${prefix}${suffix}`, writing(patchDefinition, own, changed))],
    delete: () => [operation("delete", item, `delete${prefix}${suffix}`, removing([200, 202]))],
    // A watch is a list with `watch=true`.
    watch: () => [],
  };
  return kind.verbs.flatMap((verb) => make[verb]());
}

function subresourceOperations(kind: Kind, sub: Subresource, base: string): readonly Operation[] {
  const { item } = placesOf(kind, base);
  const own = definitionNameOf(sub.group === "" ? sub.version : `${sub.group}/${sub.version}`, sub.kind) ?? kind.definition;
  const suffix = `${kind.namespaced ? "Namespaced" : ""}${kind.kind}${pascal(sub.name)}`;
  return sub.verbs.flatMap((verb): readonly Operation[] => {
    const method = methods[verb];
    if (method === undefined) return [];
    const common = {
      path: `${item.path}/${sub.name}`,
      pathParameters: item.pathParameters,
      method,
      tag: tagOf(kind),
      kind: { group: sub.group, version: sub.version, kind: sub.kind },
    };
    if (sub.kind.endsWith("Options")) {
      const id = `connect${groupName(kind)}${pascal(method)}${suffix}`;
      return [{ ...common, action: "connect", id, queryParameters: parameters.connect, ...reading("") }];
    }
    const id = `${idVerbs[method]}${groupName(kind)}${suffix}`;
    if (sub.name === "log") return [{ ...common, action: "get", id, queryParameters: logParameters, ...reading("") }];
    const exchange =
      method === "get" ? reading(own) : writing(method === "patch" ? patchDefinition : own, own, method === "post" ? made : changed);
    return [{ ...common, action: method, id, queryParameters: parameters[method], ...exchange }];
  });
}

/** Where a kind's collection and its single objects are; those of a namespaced kind are in a namespace. */
function placesOf({ namespaced, plural }: Kind, base: string): { readonly collection: Place; readonly item: Place } {
  const inNamespace = namespaced ? ["namespace"] : [];
  const path = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`;
  return {
    collection: { path, pathParameters: inNamespace },
    item: { path: `${path}/{name}`, pathParameters: ["name", ...inNamespace] },
  };
}

/** Discovery's verbs as methods of HTTP; list, watch and deletecollection share those of get and delete. */
const methods: Readonly<Partial<Record<Verb, Method>>> = { get: "get", create: "post", update: "put", patch: "patch", delete: "delete" };
const idVerbs: Readonly<Record<Method, string>> = { get: "read", post: "create", put: "replace", patch: "patch", delete: "delete" };

function methodOf(action: Action): Method {
  switch (action) {
    case "list":
    case "connect":
      return "get";
    case "deletecollection":
      return "delete";
    default:
      return action;
  }
}

/** "CoreV1", "AppsV1", "RbacAuthorizationV1", "FlowcontrolApiserverV1": the group without its domain, and the version. */
function groupName(kind: { readonly group: string; readonly version: string }): string {
  return groupParts(kind.group).map(pascal).join("") + pascal(kind.version);
}

/** "core_v1", "rbacAuthorization_v1" */
function tagOf(kind: { readonly group: string; readonly version: string }): string {
  const [first = "", ...rest] = groupParts(kind.group);
  return `${first}${rest.map(pascal).join("")}_${kind.version}`;
}

function groupParts(group: string): readonly string[] {
  return group === "" ? ["core"] : group.replace(/\.k8s\.io$/, "").split(".");
}

function pascal(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
