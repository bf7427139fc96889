import type { CustomFacts } from "./custom";
import definitionsJson from "./data/definitions.json";
import keptWhenEmptyJson from "./data/kept-when-empty.json";
import resourcesJson from "./data/resources.json";

/**
 * The built-in API kinds: group, version, names, scope, verbs and subresources, and the schema of each type.
 *
 * Everything here is derived from data/resources.json, data/definitions.json and data/kept-when-empty.json; nothing is listed by hand but what those files cannot say
 * (which verbs a subresource has, in which order discovery names the groups).
 */

/** A schema node: OpenAPI's keywords, plus the Kubernetes extensions that say how lists and maps are merged. `$ref` holds a bare definition name. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: "int32" | "int64" | "double" | "byte" | "date-time" | "int-or-string" | "quantity" | "any";
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

/** A subresource as discovery names it; `group`, `version` and `kind` are those of the body that is sent or served. */
export interface Subresource extends GroupVersionKind {
  readonly name: string;
  readonly verbs: readonly Verb[];
}

export interface Kind extends GroupVersionKind {
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  /** Whether the kind has a /status subresource, so that spec and status are written apart. */
  readonly hasStatus: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly verbs: readonly Verb[];
  /** Name of the type in definitions.json, "io.k8s.api.core.v1.Pod"; of a custom resource the name of its type in OpenAPI documents. */
  readonly definition: string;
  /** Where the kind is a custom resource's: what its definition says. */
  readonly custom?: CustomFacts;
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  /** "v1" or "apps/v1". */
  readonly apiVersion: string;
  readonly kinds: readonly Kind[];
  /** Whether an aggregated server serves it that does not answer: what is known of it may be out of date. */
  readonly isStale?: boolean;
}

interface ResourceRow extends GroupVersionKind {
  readonly plural: string;
  readonly namespaced: boolean;
  readonly status: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly string[];
  readonly onlyVerbs?: readonly string[];
  readonly skipVerbs?: readonly string[];
}

const definitions = new Map<string, Schema>(Object.entries(definitionsJson as unknown as Record<string, Schema>));

const everyVerb: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const readWrite: readonly Verb[] = ["get", "patch", "update"];
const connect: readonly Verb[] = ["create", "get"];

/** ComponentStatus is computed, never stored: it can only be read. */
const readOnlyKinds: ReadonlySet<string> = new Set(["ComponentStatus"]);

/** What a subresource accepts; a missing kind means the kind of the resource itself. */
const subresourceFacts: ReadonlyMap<string, { readonly verbs: readonly Verb[]; readonly body?: GroupVersionKind }> = new Map([
  ["status", { verbs: readWrite }],
  ["scale", { verbs: readWrite, body: { group: "autoscaling", version: "v1", kind: "Scale" } }],
  ["log", { verbs: ["get"] as const }],
  ["exec", { verbs: connect, body: { group: "", version: "v1", kind: "PodExecOptions" } }],
  ["attach", { verbs: connect, body: { group: "", version: "v1", kind: "PodAttachOptions" } }],
  ["portforward", { verbs: connect, body: { group: "", version: "v1", kind: "PodPortForwardOptions" } }],
  ["binding", { verbs: ["create"] as const, body: { group: "", version: "v1", kind: "Binding" } }],
  ["eviction", { verbs: ["create"] as const, body: { group: "policy", version: "v1", kind: "Eviction" } }],
  ["ephemeralcontainers", { verbs: readWrite }],
  ["resize", { verbs: readWrite }],
  ["finalize", { verbs: ["update"] as const }],
  ["token", { verbs: ["create"] as const, body: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" } }],
  ["approval", { verbs: readWrite }],
]);

function subresource(row: ResourceRow, name: string): Subresource {
  if (name === "proxy") {
    const verbs: readonly Verb[] = ["create", "delete", "get", "patch", "update"];
    return { name, group: "", version: "v1", kind: `${row.kind}ProxyOptions`, verbs };
  }
  const facts = subresourceFacts.get(name);
  if (!facts) throw new Error(`data/resources.json: ${row.plural} has the unknown subresource ${name}`);
  const body = facts.body ?? row;
  return { name, group: body.group, version: body.version, kind: body.kind, verbs: facts.verbs };
}

function verbsOf(row: ResourceRow): readonly Verb[] {
  if (readOnlyKinds.has(row.kind)) return ["get", "list"];
  const only = row.onlyVerbs && new Set(row.onlyVerbs.map((verb) => verb.toLowerCase()));
  const skip = new Set((row.skipVerbs ?? []).map((verb) => verb.toLowerCase()));
  return everyVerb.filter((verb) => (only ? only.has(verb) : !skip.has(verb)));
}

const gvkKey = (group: string, version: string, name: string) => `${group}/${version}/${name}`;

const definitionOfGvk = new Map<string, string>();
for (const [name, schema] of definitions) {
  const gvks = schema["x-kubernetes-group-version-kind"];
  if (gvks?.length === 1) definitionOfGvk.set(gvkKey(gvks[0]!.group, gvks[0]!.version, gvks[0]!.kind), name);
}

function toKind(row: ResourceRow): Kind {
  const definition = definitionOfGvk.get(gvkKey(row.group, row.version, row.kind));
  if (!definition) throw new Error(`data/definitions.json has no type for ${row.group}/${row.version} ${row.kind}`);
  const createOnly = row.onlyVerbs !== undefined;
  const hasStatus = row.status && !createOnly;
  const names = hasStatus ? ["status", ...(row.subresources ?? [])] : (row.subresources ?? []);
  return {
    group: row.group,
    version: row.version,
    kind: row.kind,
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    namespaced: row.namespaced,
    hasStatus,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    subresources: names.map((name) => subresource(row, name)),
    verbs: verbsOf(row),
    definition,
  };
}

const kinds: readonly Kind[] = (resourcesJson as readonly ResourceRow[]).map(toKind);
/** By plural, of which few kinds have the same: each request asks, and its names would otherwise have to be put together to one key first. */
const byPlural = new Map<string, readonly Kind[]>();
for (const kind of kinds) byPlural.set(kind.plural, [...(byPlural.get(kind.plural) ?? []), kind]);
const byKind = new Map(kinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]));

/** The order in which a real server's discovery names the groups; `kubectl` resolves short names in this order. */
const groupOrder: readonly string[] = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

const versions: readonly GroupVersion[] = (() => {
  const found = new Map<string, Kind[]>();
  for (const kind of kinds) found.set(apiVersionOf(kind), [...(found.get(apiVersionOf(kind)) ?? []), kind]);
  const rank = (group: string) => (groupOrder.includes(group) ? groupOrder.indexOf(group) : groupOrder.length);
  return [...found]
    .map(([apiVersion, members]) => ({ group: members[0]!.group, version: members[0]!.version, apiVersion, kinds: members }))
    .sort((a, b) => rank(a.group) - rank(b.group) || (a.version > b.version ? -1 : 1));
})();

/** Every built-in kind, in the order of data/resources.json. */
export function allKinds(): readonly Kind[] {
  return kinds;
}

/** The kind behind a resource name in a URL, `("apps", "v1", "deployments")`. */
export function kindOfResource(group: string, version: string, plural: string): Kind | undefined {
  for (const kind of byPlural.get(plural) ?? []) if (kind.version === version && kind.group === group) return kind;
  return undefined;
}

/** The kind that an object names, `("apps/v1", "Deployment")`. */
export function kindOf(apiVersion: string, kind: string): Kind | undefined {
  return byKind.get(`${apiVersion} ${kind}`);
}

/** "v1" for the core group, "apps/v1" for the others. */
export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** Splits "apps/v1" and "v1" into group and version. */
export function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? { group: "", version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** "deployments.apps", or "pods" for the core group: how error messages and RBAC name a resource. */
export function groupResourceOf(kind: { readonly group: string; readonly plural: string }): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** "Deployment.apps", or "Pod" for the core group: how validation messages name a kind. */
export function groupKindOf(kind: { readonly group: string; readonly kind: string }): string {
  return kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
}

/** The group versions with their kinds, in the order of a real server's discovery; within a group the preferred version first. */
export function groupVersions(): readonly GroupVersion[] {
  return versions;
}

/** The schema of a kind's objects. */
export function schemaOf(kind: Kind): Schema {
  return kind.custom?.schema ?? { $ref: kind.definition };
}

/** The schema of a type by its name in definitions.json; undefined when there is none. */
export function definition(name: string): Schema | undefined {
  return definitions.get(name);
}

const keptWhenEmpty: Readonly<Record<string, readonly string[] | undefined>> = keptWhenEmptyJson;

/** Whether a list or map of a type is stored though it is empty: those are whose JSON tag in Kubernetes' type declarations has no `omitempty`. */
export function isKeptWhenEmpty(definitionName: string, field: string): boolean {
  return keptWhenEmpty[definitionName]?.includes(field) ?? false;
}

/** Name of the type in definitions.json that an apiVersion and kind denote; also for kinds that are no resource (Eviction, Scale, DeploymentList). */
export function definitionNameOf(apiVersion: string, kind: string): string | undefined {
  const { group, version } = groupVersionOf(apiVersion);
  return definitionOfGvk.get(gvkKey(group, version, kind));
}

/** All definitions by name, in the order of the file: what an OpenAPI document is made from. */
export function allDefinitions(): ReadonlyMap<string, Schema> {
  return definitions;
}

/** The kinds that are asked and answered but never stored: TokenReview, SubjectAccessReview and so on. They can only be created. */
export function reviewKinds(): readonly Kind[] {
  return kinds.filter(isReview);
}

/** Whether objects of this kind are answered at once and never stored. */
export function isReview(kind: Kind): boolean {
  return kind.verbs.length === 1 && kind.verbs[0] === "create";
}
