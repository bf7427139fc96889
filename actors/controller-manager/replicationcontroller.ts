import type { ReplicationController } from "../../protocol/kinds/generated";
import { replicationControllers } from "../client";
import { replicaController } from "./replicaset";

/** Keeps as many pods as a ReplicationController wants. Its selector is a plain map, and its status does not count pods that terminate. */
export const replicationController = replicaController<ReplicationController>({
  name: "replicationcontroller",
  kind: "ReplicationController",
  group: "v1",
  resource: replicationControllers,
  asSet: (object) => {
    const { selector, ...spec } = object.spec ?? {};
    return { ...object, spec: { ...spec, selector: { matchLabels: selector ?? spec.template?.metadata?.labels ?? {} } } };
  },
  withStatus: (object, { terminatingReplicas, ...status }) => ({ ...object, status }),
});
