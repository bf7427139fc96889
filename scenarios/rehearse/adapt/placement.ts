import type { NodeSelectorRequirement, NodeSelectorTerm } from "../../../protocol/kinds/generated";
import { type Adaptation, changed, eachWorkload } from "./adaptation";

/** What every simulated node can be chosen by. */
const known: ReadonlySet<string> = new Set(["kubernetes.io/hostname", "kubernetes.io/os", "topology.kubernetes.io/zone"]);

/** Nodes of the simulated cluster have no labels of the user's own: what pods ask of those counts as true of every node. */
export const placement: Adaptation = (manifests) =>
  eachWorkload(manifests, ({ manifest, podPath, podSpec }, note) => {
    let result = manifest;
    const became = "taken for granted: every node of the rehearsal's cluster is one of these";
    const selector = Object.entries(podSpec.nodeSelector ?? {});
    if (selector.some(([key]) => !known.has(key))) {
      for (const [key, value] of selector)
        if (!known.has(key)) note([...podPath, "nodeSelector", key], `nodeSelector ${key}=${value}`, became);
      result = changed(result, [...podPath, "nodeSelector"], Object.fromEntries(selector.filter(([key]) => known.has(key))));
    }
    const path = [...podPath, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    const required = podSpec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const terms = required?.nodeSelectorTerms ?? [];
    if (!terms.some(({ matchExpressions = [] }) => matchExpressions.some(isUnknown))) return result;
    for (const [i, { matchExpressions = [] }] of terms.entries())
      for (const [k, expression] of matchExpressions.entries())
        if (isUnknown(expression))
          note([...path, "nodeSelectorTerms", i, "matchExpressions", k], `node affinity on ${expression.key}`, became);
    const left = terms.map(
      ({ matchExpressions = [], ...rest }): NodeSelectorTerm => ({
        ...rest,
        matchExpressions: matchExpressions.filter((one) => !isUnknown(one)),
      }),
    );
    // A term without conditions matches nothing, but here it means every node: then nothing is required any more.
    const free = left.some(({ matchExpressions = [], matchFields = [] }) => matchExpressions.length + matchFields.length === 0);
    return changed(result, path, free ? undefined : { nodeSelectorTerms: left });
  });

const isUnknown = ({ key }: NodeSelectorRequirement) => !known.has(key);
