import { qosClass } from "../../actors/kubelet/qos-class";
import type { Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import type { Cancel } from "../../runtime/world";
import { isFinished } from "../checks/pods";
import { durationSchema } from "../schema";
import type { Tank } from "../tank";
import { killProcesses } from "./containers";
import { microseconds } from "./delay";
import { count, type Fault } from "./fault";

const order = ["BestEffort", "Burstable", "Guaranteed"] as const;

export const memoryPressure: Fault = {
  name: "memory-pressure",
  what: "The nodes run out of memory: each `period` the kernel kills the processes of the pod that is least protected there, those of no requests first, those with guaranteed memory last.",
  params: { period: { ...durationSchema, description: "the time between two kills; 2s where not given" } },
  required: [],
  silences: false,
  swarm: { roles: ["node"], params: (d) => ({ period: `${Math.round(500 + d * 9_500)}ms` }) },
  begin(tank, nodes, params, id) {
    const periodMs = microseconds(params.period ?? "2s") / 1000;
    let killed = 0;
    let rounds = 0;
    let next: Cancel;
    const kill = () => {
      for (const node of nodes) {
        const victim = leastProtected(tank, node, tank.draw(`${id} ${node}`, "victim", rounds));
        if (victim === undefined) continue;
        killProcesses(tank, { kind: "process.kill", pod: victim, container: "", exitCode: 137, reason: "OOMKilled" }, (containers) => {
          killed += containers.length;
        });
      }
      rounds++;
      next = tank.after(periodMs, kill);
    };
    kill();
    return {
      end() {
        next.cancel();
        return count(killed, "container", "killed for want of memory");
      },
    };
  },
};

/** The pod on the node that the kernel takes first: of those of the lowest class, one is drawn. */
function leastProtected(tank: Tank, node: string, draw: number): string | undefined {
  const pods = [...tank.objects().values()]
    .filter((object) => object.kind === "Pod")
    .map((object) => object as Stored<Pod>)
    .filter((pod) => pod.spec?.nodeName === node && !isFinished(pod) && !isBeingDeleted(pod));
  for (const quality of order) {
    const of = pods.filter((pod) => qosClass(pod) === quality).map((pod) => keyOf(pod));
    if (of.length > 0) return of.sort()[Math.floor(draw * of.length)];
  }
  return undefined;
}
