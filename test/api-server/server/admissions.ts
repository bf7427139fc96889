import type { Admission } from "../../../actors/api-server/admission/admission";
import { authenticated } from "../../../actors/api-server/authentication/user";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";

/** What tests of admission have in common. */

export const admin = authenticated("kubernetes-admin", ["system:masters"]);

/** A write into a cluster that holds these objects, by "plural/namespace/name". */
export function admission(object: object, cluster: Readonly<Record<string, object>>, more: Partial<Admission> = {}): Admission {
  const typed = object as ApiObject;
  const found = new Map(Object.entries(cluster));
  return {
    ...{
      operation: "CREATE",
      kind: kindOf(typed.apiVersion, typed.kind)!,
      subresource: "",
      namespace: "shop",
      name: typed.metadata.name ?? "",
    },
    ...{ object: typed, old: undefined, user: admin, suffix: "abcde" },
    cluster: {
      nowMs: 0,
      defaultTolerationSeconds: new Map([
        ["node.kubernetes.io/not-ready", 300],
        ["node.kubernetes.io/unreachable", 300],
      ]),
      get: (_group, _version, plural, namespace, name) => found.get(`${plural}/${namespace}/${name}`) as Stored<ApiObject> | undefined,
      list: (_group, _version, plural) =>
        [...found].filter(([key]) => key.startsWith(`${plural}/`)).map(([, value]) => value as Stored<ApiObject>),
    },
    ...more,
  };
}

export const shop = {
  "namespaces//shop": { metadata: { name: "shop" }, status: { phase: "Active" } },
  "serviceaccounts/shop/default": { metadata: { name: "default" }, imagePullSecrets: [{ name: "registry" }] },
};
