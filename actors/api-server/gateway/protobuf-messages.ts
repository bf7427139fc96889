import { Root, type Type } from "protobufjs";
import { definitionNameOf, type Schema } from "../../../protocol/kinds/registry";
import { apiRegistrationMessages, apiRegistrationPackage } from "./aggregator-messages";
import reflection from "./kubernetes.protobuf.json";

/** The messages of Kubernetes' protobuf, and which of them stands for which type of the API. */

export const protobufType = "application/vnd.kubernetes.protobuf";

/** What every object begins with: four bytes, then a runtime.Unknown that names the kind and holds the object. */
export const magic = "k8s\0";

export interface Envelope {
  readonly typeMeta?: { readonly apiVersion?: string; readonly kind?: string };
  readonly raw?: Uint8Array;
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
/** Kinds that travel under the group version of what they are about, or under v1. */
const metaKinds: ReadonlySet<string> = new Set([
  "DeleteOptions",
  "CreateOptions",
  "UpdateOptions",
  "PatchOptions",
  "GetOptions",
  "ListOptions",
  "Status",
  "APIVersions",
  "APIGroup",
  "APIGroupList",
  "APIResourceList",
  "PartialObjectMetadata",
  "PartialObjectMetadataList",
  "WatchEvent",
]);

let root: Root | undefined;

function allMessages(): Root {
  // Reading a thousand messages takes a moment, and servers whose clients speak JSON never need them.
  if (root === undefined) {
    root = Root.fromJSON(reflection);
    root.define(apiRegistrationPackage, apiRegistrationMessages.nested);
    root.resolveAll();
  }
  return root;
}

/** The message of a type by its name in definitions.json, "io.k8s.api.core.v1.Pod"; undefined where there is none (Table, say). */
export function messageOf(definitionName: string): Type | undefined {
  // There the package is "k8s.io.api.core.v1", and a package's hyphen an underscore.
  const name = definitionName.replace(/^io\.k8s\./, "k8s.io.").replaceAll("-", "_");
  try {
    return allMessages().lookupType(name);
  } catch {
    return undefined;
  }
}

export function unknownMessage(): Type {
  return allMessages().lookupType("k8s.io.apimachinery.pkg.runtime.Unknown");
}

/** The name in definitions.json of the type that an apiVersion and kind denote; undefined for what is not built in. */
export function definitionOfKind(apiVersion: string, kind: string): string | undefined {
  // It can be neither read nor written under any address, so that no kind of the registry is called so.
  if (kind === "APIGroupDiscoveryList" && apiVersion === "apidiscovery.k8s.io/v2") return `io.k8s.api.apidiscovery.v2.${kind}`;
  return definitionNameOf(apiVersion, kind) ?? (metaKinds.has(kind) ? `${meta}.${kind}` : undefined);
}

export function definitionName(type: Type): string {
  const name = type.fullName.replace(/^\.?k8s\.io\./, "io.k8s.");
  return name.replace("apiextensions_apiserver", "apiextensions-apiserver").replace("kube_aggregator", "kube-aggregator");
}

/** The JSON's property for a field of a message: the same name but for abbreviations' case and the signs that protobuf's names may not have ("$ref", "x-kubernetes-list-type"). */
export function propertyName(field: string, properties: Readonly<Record<string, Schema>>): string | undefined {
  if (Object.hasOwn(properties, field)) return field;
  const wanted = field.toLowerCase();
  return Object.keys(properties).find((property) => property.toLowerCase().replace(/[$-]/g, "") === wanted);
}
