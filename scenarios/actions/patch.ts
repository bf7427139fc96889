import type { Action, ObjectName, Params } from "./action";

function named({ apiVersion, kind, namespace, name }: Params): ObjectName {
  return { apiVersion: String(apiVersion), kind: String(kind), namespace: String(namespace ?? ""), name: String(name) };
}

const objectParams = {
  apiVersion: { type: "string", description: 'such as "apps/v1"' },
  kind: { type: "string", description: 'such as "Deployment"' },
  namespace: { type: "string", description: "empty for what has none" },
  name: { type: "string", description: "the object's name" },
};

export const patch: Action = {
  name: "patch",
  what: "Patches any object.",
  params: {
    ...objectParams,
    type: { enum: ["merge", "strategic", "json"], description: "the kind of patch; strategic where not given" },
    patch: { type: ["object", "array"], description: "the patch itself" },
  },
  required: ["apiVersion", "kind", "name", "patch"],
  about: named,
  tasks: (params) => [
    {
      type: "patch",
      object: named(params),
      patchType: (params.type ?? "strategic") as "merge" | "strategic" | "json",
      patch: params.patch,
      subresource: "",
    },
  ],
};

export const deleteObject: Action = {
  name: "delete",
  what: "Deletes an object; what it owns goes with it in the background.",
  params: objectParams,
  required: ["apiVersion", "kind", "name"],
  about: named,
  tasks: (params) => [{ type: "delete", object: named(params) }],
};
