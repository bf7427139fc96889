import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import type { Fault } from "./fault";

export const clockJump: Fault = {
  name: "clock-jump",
  what: "The hosts' wall clocks jump by `by`, backwards with `back`; when it ends they are set right. Timers, which are monotonic, do not notice.",
  params: { by: durationSchema, back: { type: "boolean", description: "jump into the past" } },
  required: ["by"],
  silences: false,
  swarm: {
    roles: ["etcd", "apiserver", "control", "node"],
    params: (d) => ({ by: `${Math.round(1 + d * 600)}s`, ...(d > 0.5 ? { back: true } : {}) }),
  },
  begin(tank, hosts, params) {
    const byUs = microseconds(params.by) * (params.back === true ? -1 : 1);
    for (const host of hosts) tank.jumpClock(host, byUs);
    return {
      end() {
        for (const host of hosts) tank.correctClock(host);
        return `the clocks of ${hosts.join(", ")} were ${byUs / 1e6} s off`;
      },
    };
  },
};

export const clockDrift: Fault = {
  name: "clock-drift",
  what: "The hosts' wall clocks run too fast by `ppm` millionths (too slow where it is negative); when it ends they are set right.",
  params: { ppm: { type: "number", description: "microseconds gained in each second" } },
  required: ["ppm"],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => ({ ppm: Math.round((d - 0.5) * 200_000) }) },
  begin(tank, hosts, params) {
    for (const host of hosts) tank.driftClock(host, params.ppm as number);
    return {
      end() {
        for (const host of hosts) tank.correctClock(host);
        return `the clocks of ${hosts.join(", ")} drifted by ${String(params.ppm)} ppm`;
      },
    };
  },
};
