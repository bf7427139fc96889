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

/** Query parameters by action, as Kubernetes' API servers read them. */
const listParameters = [
  ...["allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "pretty", "resourceVersion"],
  ...["resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"],
];
const writeParameters = ["dryRun", "fieldManager", "fieldValidation", "pretty"];
const parameters: Readonly<Record<Action, readonly string[]>> = {
  get: ["pretty"],
  list: listParameters,
  post: writeParameters,
  put: writeParameters,
  patch: [...writeParameters, "force"],
  delete: ["dryRun", "gracePeriodSeconds", "orphanDependents", "pretty", "propagationPolicy"],
  deletecollection: [
    ...["continue", "dryRun", "fieldSelector", "gracePeriodSeconds", "labelSelector", "limit", "orphanDependents", "pretty"],
    ...["propagationPolicy", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds"],
  ],
  connect: ["command", "container", "path", "ports", "stderr", "stdin", "stdout", "tty"],
};
const logParameters = [
  ...["container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "pretty", "previous", "sinceSeconds", "tailLines", "timestamps"],
];

const integers: ReadonlySet<string> = new Set(["limit", "timeoutSeconds", "gracePeriodSeconds", "limitBytes", "sinceSeconds", "tailLines"]);
const booleans: ReadonlySet<string> = new Set([
  ...["allowWatchBookmarks", "sendInitialEvents", "watch", "force", "orphanDependents", "follow", "insecureSkipTLSVerifyBackend"],
  ...["previous", "timestamps", "stderr", "stdin", "stdout", "tty"],
]);

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

function kindOperations(kind: Kind, base: string): readonly Operation[] {
  const scope = kind.namespaced ? "Namespaced" : "";
  const prefix = groupName(kind);
  const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const inNamespace = kind.namespaced ? ["namespace"] : [];
  const list = `${kind.definition}List`;
  const common = { tag: tagOf(kind), kind: { group: kind.group, version: kind.version, kind: kind.kind } };
  const none = { body: "", bodyRequired: false, codes: [200] as const };
  const own = { body: kind.definition, bodyRequired: true, answer: kind.definition };
  const atCollection = { ...common, path: collection, pathParameters: inNamespace };
  const atItem = { ...common, path: `${collection}/{name}`, pathParameters: ["name", ...inNamespace] };
  const make: Readonly<Record<Verb, () => readonly Operation[]>> = {
    list: () => [
      { ...atCollection, ...action("list"), id: `list${prefix}${scope}${kind.kind}`, ...none, answer: list },
      ...(kind.namespaced
        ? [
            {
              ...{ ...common, path: `${base}/${kind.plural}`, pathParameters: [], ...action("list") },
              ...{ id: `list${prefix}${kind.kind}ForAllNamespaces`, ...none, answer: list },
            },
          ]
        : []),
    ],
    create: () => [{ ...atCollection, ...action("post"), id: `create${prefix}${scope}${kind.kind}`, ...own, codes: [200, 201, 202] }],
    deletecollection: () => [
      {
        ...{ ...atCollection, ...action("deletecollection"), id: `delete${prefix}Collection${scope}${kind.kind}` },
        ...{ ...none, body: deleteOptionsDefinition, answer: statusDefinition },
      },
    ],
    get: () => [{ ...atItem, ...action("get"), id: `read${prefix}${scope}${kind.kind}`, ...none, answer: kind.definition }],
    update: () => [{ ...atItem, ...action("put"), id: `replace${prefix}${scope}${kind.kind}`, ...own, codes: [200, 201] }],
    patch: () => [
      { ...atItem, ...action("patch"), id: `patch${prefix}${scope}${kind.kind}`, ...own, body: patchDefinition, codes: [200, 201] },
    ],
    delete: () => [
      {
        ...{ ...atItem, ...action("delete"), id: `delete${prefix}${scope}${kind.kind}`, ...none },
        ...{ body: deleteOptionsDefinition, answer: statusDefinition, codes: [200, 202] as const },
      },
    ],
    watch: () => [],
  };
  return kind.verbs.flatMap((verb) => make[verb]());
}

function subresourceOperations(kind: Kind, sub: Subresource, base: string): readonly Operation[] {
  const scope = kind.namespaced ? "Namespaced" : "";
  const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const definition = definitionNameOf(sub.group === "" ? sub.version : `${sub.group}/${sub.version}`, sub.kind) ?? kind.definition;
  const isConnect = sub.kind.endsWith("Options");
  const suffix = `${scope}${kind.kind}${pascal(sub.name)}`;
  return sub.verbs.flatMap((verb): readonly Operation[] => {
    const method = methods[verb];
    if (method === undefined) return [];
    const common = {
      ...{ path: `${collection}/{name}/${sub.name}`, method, tag: tagOf(kind) },
      kind: { group: sub.group, version: sub.version, kind: sub.kind },
      pathParameters: ["name", ...(kind.namespaced ? ["namespace"] : [])],
    };
    const none = { body: "", bodyRequired: false, codes: [200] as const };
    if (isConnect) {
      const id = `connect${groupName(kind)}${pascal(method)}${suffix}`;
      return [{ ...common, action: "connect", id, queryParameters: parameters.connect, ...none, answer: "" }];
    }
    const id = `${idVerbs[method]}${groupName(kind)}${suffix}`;
    if (method === "get") {
      const isLog = sub.name === "log";
      const queryParameters = isLog ? logParameters : parameters.get;
      return [{ ...common, action: "get", id, queryParameters, ...none, answer: isLog ? "" : definition }];
    }
    const codes = method === "post" ? ([200, 201, 202] as const) : ([200, 201] as const);
    const body = method === "patch" ? patchDefinition : definition;
    return [{ ...common, ...action(method), id, body, bodyRequired: true, answer: definition, codes }];
  });
}

/** Discovery's verbs as methods of HTTP; list, watch and deletecollection share those of get and delete. */
const methods: Readonly<Partial<Record<Verb, Method>>> = { get: "get", create: "post", update: "put", patch: "patch", delete: "delete" };
const idVerbs: Readonly<Record<Method, string>> = { get: "read", post: "create", put: "replace", patch: "patch", delete: "delete" };

function action(name: Action): { readonly action: Action; readonly method: Method; readonly queryParameters: readonly string[] } {
  const method = name === "list" ? "get" : name === "deletecollection" ? "delete" : name === "connect" ? "get" : name;
  return { action: name, method, queryParameters: parameters[name] };
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
