import {
  allKinds,
  apiVersionOf,
  type GroupVersion,
  groupVersions,
  type Kind,
  kindOf,
  kindOfResource,
} from "../../../protocol/kinds/registry";
import { type StoredResource, storedResourceOf } from "../storage/keys";

/** A custom resource that is served: its kinds, one for each served version with the preferred one first, and where its objects lie. */
export interface CustomResource {
  readonly stored: StoredResource;
  readonly kinds: readonly Kind[];
}

/**
 * What one API server serves: the built-in kinds and the custom resources that it knows of. A value, made anew whenever a definition changes;
 * whoever holds on to a Kind of an older one goes on with what was true when the request came.
 */
export interface ServedKinds {
  /** The kind behind a resource name in a URL, `("apps", "v1", "deployments")`. */
  kindOfResource(group: string, version: string, plural: string): Kind | undefined;
  /** The kind that an object names, `("apps/v1", "Deployment")`. */
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  /** Where a kind's objects are stored; undefined for kinds that are only asked and answered. */
  storedResourceOf(kind: Kind): StoredResource | undefined;
  /** In discovery's order: the built-in groups, then the others by name; within a group the preferred version first. */
  readonly groupVersions: readonly GroupVersion[];
  readonly kinds: readonly Kind[];
  /** The groups that no custom resource and no other server can take over. */
  readonly builtInGroups: ReadonlySet<string>;
}

/** The built-in kinds and these. Where both have one of a name the built-in one is meant. */
export function servedKinds(custom: readonly CustomResource[]): ServedKinds {
  const byResource = new Map<string, Kind>();
  const byKind = new Map<string, Kind>();
  const stored = new Map<Kind, StoredResource>();
  for (const resource of custom)
    for (const kind of resource.kinds) {
      byResource.set(`${apiVersionOf(kind)} ${kind.plural}`, kind);
      byKind.set(`${apiVersionOf(kind)} ${kind.kind}`, kind);
      stored.set(kind, resource.stored);
    }
  const customKinds = custom.flatMap(({ kinds }) => kinds);
  return {
    kindOfResource: (group, version, plural) =>
      kindOfResource(group, version, plural) ?? byResource.get(`${apiVersionOf({ group, version })} ${plural}`),
    kindOf: (apiVersion, kind) => kindOf(apiVersion, kind) ?? byKind.get(`${apiVersion} ${kind}`),
    storedResourceOf: (kind) => stored.get(kind) ?? storedResourceOf(kind),
    groupVersions: customKinds.length === 0 ? groupVersions() : withCustom(customKinds),
    kinds: [...allKinds(), ...customKinds],
    builtInGroups: new Set(groupVersions().map(({ group }) => group)),
  };
}

/** A custom resource may be of a built-in group, and even of one of its versions. */
function withCustom(custom: readonly Kind[]): readonly GroupVersion[] {
  const versions = new Map<string, GroupVersion>(groupVersions().map((each) => [each.apiVersion, each]));
  const added = new Map<string, GroupVersion>();
  for (const kind of custom) {
    const apiVersion = apiVersionOf(kind);
    const builtIn = versions.get(apiVersion);
    const known = builtIn ?? added.get(apiVersion);
    const kinds = [...(known?.kinds ?? []), kind];
    (builtIn ? versions : added).set(apiVersion, { group: kind.group, version: kind.version, apiVersion, kinds });
  }
  const builtInGroups = [...new Set([...versions.values()].map(({ group }) => group))];
  const place = (group: string) => (builtInGroups.includes(group) ? builtInGroups.indexOf(group) : builtInGroups.length);
  const all = [...versions.values(), ...[...added.values()].sort((a, b) => compareVersions(a.version, b.version))];
  return all.sort((a, b) => place(a.group) - place(b.group) || (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}

const versionShape = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/;

/**
 * The order in which Kubernetes prefers versions: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, v11alpha2, foo1, foo10.
 * Source: "Version priority" in the documentation of CustomResourceDefinitions.
 */
export function compareVersions(a: string, b: string): number {
  const left = versionShape.exec(a);
  const right = versionShape.exec(b);
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  const rank = (match: RegExpExecArray) => (match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0);
  return rank(right) - rank(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}
