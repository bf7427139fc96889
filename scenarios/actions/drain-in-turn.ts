import { parseDurationMs } from "../../protocol/kinds/duration";
import { durationSchema } from "../schema";
import type { Action, Params, Task } from "./action";
import { cordonTask } from "./nodes";

const timeoutMs = ({ timeout }: Params) => parseDurationMs(String(timeout ?? "60s")) ?? 60_000;
const nodesOf = ({ nodes }: Params) => nodes as readonly string[];

/** A step of the API itself after each node costs a second or two. */
const marginMs = 5_000;

export const drainInTurn: Action = {
  name: "drain-in-turn",
  what: "Drains nodes one after the other and lets pods back onto each before the next, as an upgrade of the nodes does. A drain that is not over in time is given up, and the action fails when all have had their turn.",
  params: {
    nodes: { type: "array", items: { type: "string" }, minItems: 1, description: "the nodes, in this order" },
    timeout: { ...durationSchema, description: 'how long one drain may take, "60s" where not given' },
  },
  required: ["nodes"],
  withinMs: (params) => nodesOf(params).length * (timeoutMs(params) + marginMs),
  about: () => undefined,
  tasks: (params) =>
    nodesOf(params).flatMap((node): readonly Task[] => [
      cordonTask(node, true),
      { type: "drain", node, withinMs: timeoutMs(params) },
      cordonTask(node, false),
    ]),
};
