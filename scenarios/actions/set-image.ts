import { type Action, deploymentNamed, deploymentSchema } from "./action";

export const setImage: Action = {
  name: "set-image",
  what: "Gives a container of a Deployment another image, which starts a rollout.",
  params: {
    deployment: deploymentSchema,
    container: { type: "string", description: "the container's name" },
    image: { type: "string", description: "the new image" },
  },
  required: ["deployment", "container", "image"],
  about: ({ deployment }) => deploymentNamed(deployment),
  tasks: ({ deployment, container, image }) => [
    {
      type: "patch",
      object: deploymentNamed(deployment),
      patchType: "strategic",
      patch: { spec: { template: { spec: { containers: [{ name: container, image }] } } } },
      subresource: "",
    },
  ],
};
