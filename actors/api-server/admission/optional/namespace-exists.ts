import { notFound } from "../../../../protocol/status";
import type { Plugin } from "../admission";

/** Nothing is written in a namespace that is not there. Source: "Admission Control", NamespaceExists. */
export const namespaceExists: Plugin = {
  name: "NamespaceExists",
  needs: ({ kind, namespace }) =>
    kind.namespaced ? [{ group: "", version: "v1", plural: "namespaces", namespace: "", name: namespace }] : [],
  validate: ({ kind, namespace, cluster }) =>
    kind.namespaced && !cluster.get("", "v1", "namespaces", "", namespace)
      ? notFound({ group: "", resource: "namespaces", name: namespace })
      : undefined,
};
