import { type Plugin, unresolvable } from "../framework";

/** A pod that names its node fits that one only. */
export const nodeName: Plugin = {
  name: "NodeName",
  weight: 0,
  events: ["NodeAdd"],
  filter(pod) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted) return undefined;
    return (node) => (node.name === wanted ? undefined : unresolvable("node(s) didn't match the requested node name"));
  },
};
