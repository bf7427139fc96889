import { allKinds, isReview, type Kind, kindOf, kindOfResource } from "../../../protocol/kinds/registry";

/**
 * Where objects lie in etcd: the keys that Kubernetes uses, so that etcdctl shows what people know.
 * Several versions of a resource, and Events of both groups, are the same stored objects.
 */
export interface StoredResource {
  /** "pods", "deployments.apps": the resource's name among facts and caches. */
  readonly name: string;
  /** The kind in whose version objects are stored. */
  readonly kind: Kind;
  /** "/registry/pods/", with the slash at the end. */
  readonly prefix: string;
}

export const registryPrefix = "/registry/";

/** Where Kubernetes' own storage names differ from the plural. */
const unusualPlaces: ReadonlyMap<string, string> = new Map([
  ["nodes", "minions"],
  ["services", "services/specs"],
  ["endpoints", "services/endpoints"],
  ["replicationcontrollers", "controllers"],
  ["ingresses.networking.k8s.io", "ingress"],
  ["customresourcedefinitions.apiextensions.k8s.io", "apiextensions.k8s.io/customresourcedefinitions"],
  ["apiservices.apiregistration.k8s.io", "apiregistration.k8s.io/apiservices"],
]);

/** Versions that are served but not stored, with the kind they are stored as. */
const storedAs: ReadonlyMap<string, readonly [apiVersion: string, kind: string]> = new Map([
  ["events.k8s.io/v1 Event", ["v1", "Event"]],
  ["autoscaling/v1 HorizontalPodAutoscaler", ["autoscaling/v2", "HorizontalPodAutoscaler"]],
]);

const byKind = new Map<Kind, StoredResource>();
const byPlace = new Map<string, StoredResource>();

for (const kind of allKinds()) {
  if (isReview(kind) || kind.kind === "ComponentStatus") continue;
  const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  const alias = storedAs.get(`${apiVersion} ${kind.kind}`);
  const storage = alias ? kindOf(...alias) : kind;
  if (!storage) throw new Error(`no kind ${alias?.join(" ")} to store ${apiVersion} ${kind.kind} as`);
  const name = storage.group ? `${storage.plural}.${storage.group}` : storage.plural;
  const place = unusualPlaces.get(name) ?? storage.plural;
  const resource = byPlace.get(place) ?? { name, kind: storage, prefix: `${registryPrefix}${place}/` };
  if (resource.kind !== storage) throw new Error(`${name} and ${resource.name} would both be stored under ${place}`);
  byPlace.set(place, resource);
  byKind.set(kind, resource);
}

/** Every built-in resource that is stored, in the order of the registry of kinds. */
export function storedResources(): readonly StoredResource[] {
  return [...byPlace.values()];
}

/** Where a kind's objects are stored; undefined for kinds that are only asked and answered. */
export function storedResourceOf(kind: Kind): StoredResource | undefined {
  return byKind.get(kind);
}

/** As storedResourceOf, by group, version and plural. Throws an Error for what is not stored: meant for the server's own reads. */
export function resourceNamed(group: string, version: string, plural: string): StoredResource {
  const kind = kindOfResource(group, version, plural);
  const resource = kind && byKind.get(kind);
  if (!resource) throw new Error(`${plural}.${version}.${group} is not stored`);
  return resource;
}

/** Where the definitions of custom resources lie. */
export const definitionsResource = resourceNamed("apiextensions.k8s.io", "v1", "customresourcedefinitions");

/** The built-in resource under whose prefix a key lies; undefined for custom resources and for keys that hold no API objects. */
export function resourceOfKey(key: string): StoredResource | undefined {
  const first = key.indexOf("/", registryPrefix.length);
  if (first < 0) return undefined;
  const found = byPlace.get(key.slice(registryPrefix.length, first));
  if (found) return found;
  const second = key.indexOf("/", first + 1);
  return second < 0 ? undefined : byPlace.get(key.slice(registryPrefix.length, second));
}

/** Where the objects of a custom resource lie: below its group and plural, as in Kubernetes. `kind` is that of the storage version. */
export function customResource(kind: Kind): StoredResource {
  return { name: `${kind.plural}.${kind.group}`, kind, prefix: `${registryPrefix}${kind.group}/${kind.plural}/` };
}

/** "/registry/shop.example.com/widgets/" of a key below it; "" for keys that cannot be a custom resource's: a group always has a dot. */
export function customPrefixOfKey(key: string): string {
  const first = key.indexOf("/", registryPrefix.length);
  const second = first < 0 ? -1 : key.indexOf("/", first + 1);
  return second < 0 || !key.slice(registryPrefix.length, first).includes(".") ? "" : key.slice(0, second + 1);
}

/** The key of one object; `namespace` is "" for kinds without one. */
export function keyOfObject(resource: StoredResource, namespace: string, name: string): string {
  return resource.kind.namespaced ? `${resource.prefix}${namespace}/${name}` : resource.prefix + name;
}

/** What all keys of a list begin with: one namespace's, or all of the resource's where `namespace` is "". */
export function prefixOfList(resource: StoredResource, namespace: string): string {
  return resource.kind.namespaced && namespace !== "" ? `${resource.prefix}${namespace}/` : resource.prefix;
}

/** The first key behind all that begin with the prefix. */
export function endOfPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/** Where a key stands, or would stand, in a list of keys in order. */
export function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function keyBytes(key: string): Uint8Array {
  return Buffer.from(key);
}

export function keyText(key: Uint8Array): string {
  return (Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength)).toString();
}
