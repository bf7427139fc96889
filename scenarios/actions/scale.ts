import { type Action, deploymentNamed, deploymentSchema } from "./action";

export const scale: Action = {
  name: "scale",
  what: "Gives a Deployment another number of replicas.",
  params: { deployment: deploymentSchema, replicas: { type: "integer", minimum: 0, description: "how many" } },
  required: ["deployment", "replicas"],
  about: ({ deployment }) => deploymentNamed(deployment),
  tasks: ({ deployment, replicas }) => [
    { type: "patch", object: deploymentNamed(deployment), patchType: "merge", patch: { spec: { replicas } }, subresource: "scale" },
  ],
};
