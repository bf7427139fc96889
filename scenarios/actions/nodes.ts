import type { JsonSchema } from "../schema";
import type { Action, Task } from "./action";

const nodeParam: Readonly<Record<string, JsonSchema>> = { node: { type: "string", description: 'the node, such as "node-3"' } };

/** Marks a node as unschedulable, or takes that back. */
export function cordonTask(node: unknown, unschedulable: boolean): Task {
  return {
    type: "patch",
    object: { apiVersion: "v1", kind: "Node", namespace: "", name: String(node) },
    patchType: "merge",
    patch: { spec: { unschedulable: unschedulable ? true : null } },
    subresource: "",
  };
}

export const cordon: Action = {
  name: "cordon",
  what: "Marks a node so that no more pods are scheduled to it.",
  params: nodeParam,
  required: ["node"],
  about: () => undefined,
  tasks: ({ node }) => [cordonTask(node, true)],
};

export const uncordon: Action = {
  name: "uncordon",
  what: "Lets pods be scheduled to a node again.",
  params: nodeParam,
  required: ["node"],
  about: () => undefined,
  tasks: ({ node }) => [cordonTask(node, false)],
};

/**
 * Longer than an eviction whose deletion never came is held against its budget (two minutes, in which every other one may be refused): kubectl drain itself
 * has no limit.
 */
const drainWithinMs = 180_000;

export const drain: Action = {
  name: "drain",
  what: "Cordons a node and evicts its pods, respecting their disruption budgets, as kubectl drain does.",
  params: nodeParam,
  required: ["node"],
  withinMs: () => drainWithinMs,
  about: () => undefined,
  tasks: ({ node }) => [cordonTask(node, true), { type: "drain", node: String(node) }],
};
