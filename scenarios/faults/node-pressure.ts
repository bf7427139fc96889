import { address } from "../../protocol/address";
import type { Node } from "../../protocol/kinds/generated";
import { quantityValue } from "../../protocol/kinds/quantity";
import type { ProcessLoad, ProcessLoaded } from "../../protocol/process";
import type { JsonSchema } from "../schema";
import { percentSchema } from "../schema";
import { type Fault, listed } from "./fault";
import { probabilityOf } from "./network";

const withinMs = 5_000;

/** Something outside of all pods takes a share of a resource of the nodes, as long as the fault lasts. */
function hog(
  name: string,
  what: string,
  resource: "memory" | "ephemeral-storage",
  load: (bytes: number) => Omit<ProcessLoad, "kind">,
): Fault {
  const share: Readonly<Record<string, JsonSchema>> = {
    share: { ...percentSchema, description: "how much of the node's capacity is taken; 99% where not given" },
  };
  return {
    name,
    what,
    params: share,
    required: [],
    silences: false,
    swarm: { roles: ["node"], params: (d) => ({ share: `${Math.round(90 + d * 10)}%` }) },
    begin(tank, nodes, params) {
      const taken: string[] = [];
      const say = (node: string, bytes: number, then: () => void) => {
        const body: ProcessLoad = { kind: "process.load", ...load(bytes) };
        tank.ask<ProcessLoaded>(address("container-runtime", node), body, withinMs, (answer) => answer.ok && then());
      };
      for (const node of nodes) {
        const capacity = (tank.objects().get(`Node ${node}`) as Node | undefined)?.status?.capacity?.[resource];
        if (capacity !== undefined)
          say(node, Math.floor(quantityValue(capacity) * probabilityOf(params.share ?? "99%")), () => void taken.push(node));
      }
      return {
        end() {
          for (const node of nodes) say(node, 0, () => undefined);
          return listed(
            ...taken.map((node) => `${String(params.share ?? "99%")} of ${node}'s ${resource === "memory" ? "memory" : "disk"} taken`),
          );
        },
      };
    },
  };
}

export const memoryHog = hog(
  "memory-hog",
  "Something outside of all pods takes memory of the nodes. Where less than 100Mi are left the kubelet reports MemoryPressure, turns pods without requests away and evicts one pod after the other; the condition stays for a while after it is over.",
  "memory",
  (memoryBytes) => ({ memoryBytes, diskBytes: 0 }),
);

export const diskFill = hog(
  "disk-fill",
  "Something outside of all pods fills the disk of the nodes. Where less than a tenth is left the kubelet reports DiskPressure, takes no pods and evicts one after the other; the condition stays for a while after it is over.",
  "ephemeral-storage",
  (diskBytes) => ({ memoryBytes: 0, diskBytes }),
);
