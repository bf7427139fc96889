import { address } from "../../protocol/address";
import type { ProcessKill, ProcessKilled } from "../../protocol/process";
import type { Cancel } from "../../runtime/world";
import { nodeOf } from "../aim";
import { durationSchema, type JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { microseconds } from "./delay";
import { count, type Fault, type Ongoing, type Params } from "./fault";

const containerParams: Readonly<Record<string, JsonSchema>> = {
  container: { type: "string", description: "only containers of this name; all of the pod where not given" },
  period: { ...durationSchema, description: "do it again and again, each time after so long, to whatever runs in the pod then" },
};

/** A running pod, whichever it is. */
const anyPod = { fields: "status.phase=Running" };

/** Kills containers of pods now, and again each period; `what` says what became of them. */
function killing(
  tank: Tank,
  pods: readonly string[],
  params: Params,
  how: Pick<ProcessKill, "exitCode" | "reason">,
  what: string,
): Ongoing {
  let killed = 0;
  let next: Cancel | undefined;
  const kill = () => {
    for (const pod of pods)
      killProcesses(tank, { kind: "process.kill", pod, container: String(params.container ?? ""), ...how }, (containers) => {
        killed += containers.length;
      });
    if (params.period !== undefined) next = tank.after(microseconds(params.period) / 1000, kill);
  };
  kill();
  return {
    end() {
      next?.cancel();
      return count(killed, "container", what);
    },
  };
}

/** Ends processes on the node where the pod is; `then` hears which containers those were. */
export function killProcesses(tank: Tank, kill: ProcessKill, then: (containers: readonly string[]) => void): void {
  const node = nodeOf(kill.pod, tank);
  if (node === undefined) return;
  tank.ask<ProcessKilled>(address("container-runtime", node), kill, 5_000, (answer) => {
    if (answer.ok) then(answer.body.containers);
  });
}

export const containerCrash: Fault = {
  name: "container-crash",
  what: "The processes in containers of the pods crash with `exitCode`; their kubelet starts them again, with a back-off.",
  params: {
    ...containerParams,
    exitCode: { type: "integer", minimum: 0, maximum: 255, description: "137, as after SIGKILL, where not given" },
  },
  required: [],
  aims: "pods",
  silences: false,
  swarm: { target: () => anyPod, params: (d) => (d < 0.7 ? {} : { period: `${Math.round(1 + d * 9)}s`, exitCode: 1 }) },
  begin: (tank, pods, params) =>
    killing(tank, pods, params, { exitCode: (params.exitCode as number | undefined) ?? 137, reason: "Error" }, "crashed"),
};

export const oomKill: Fault = {
  name: "oom-kill",
  what: "The kernel kills containers of the pods because they took more memory than their limit (OOMKilled, exit code 137).",
  params: containerParams,
  required: [],
  aims: "pods",
  silences: false,
  swarm: { target: () => anyPod },
  begin: (tank, pods, params) => killing(tank, pods, params, { exitCode: 137, reason: "OOMKilled" }, "out of memory"),
};
