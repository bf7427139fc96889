import { timestamp } from "../../protocol/kinds/object";
import { type Action, deploymentNamed, deploymentSchema } from "./action";

/** 2026-01-01: where virtual time begins. */
const epochMs = 1_767_225_600_000;

export const restart: Action = {
  name: "restart",
  what: "Replaces all pods of a Deployment by a rollout, as kubectl rollout restart does.",
  params: { deployment: deploymentSchema },
  required: ["deployment"],
  about: ({ deployment }) => deploymentNamed(deployment),
  tasks: ({ deployment }, _objects, nowUs) => [
    {
      type: "patch",
      object: deploymentNamed(deployment),
      patchType: "strategic",
      patch: {
        spec: {
          template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": timestamp(epochMs + Math.floor(nowUs / 1000)) } } },
        },
      },
      subresource: "",
    },
  ],
};
