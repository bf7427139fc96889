import type { Action } from "./action";

export const apply: Action = {
  name: "apply",
  what: "Applies manifests, as kubectl apply --server-side does.",
  params: {
    files: { type: "array", items: { type: "string" }, minItems: 1, description: "files or folders, relative to the scenario file" },
  },
  required: ["files"],
  about: () => undefined,
  tasks: (_params, objects) => [{ type: "apply", objects }],
};
