import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import { count, type Fault } from "./fault";

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

export const clockOffset: Fault = {
  name: "clock-offset",
  what: "Each host's wall clock is off by another amount, up to `max` in either direction; when it ends they are set right.",
  params: { max: durationSchema },
  required: ["max"],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], mode: "all", params: (d) => ({ max: `${Math.round(1 + d * 300)}s` }) },
  begin(tank, hosts, params, id) {
    const maxUs = microseconds(params.max);
    const offsets = hosts.map((host) => Math.round((tank.draw(`${id} ${host}`, "offset", 0) * 2 - 1) * maxUs));
    for (const [i, host] of hosts.entries()) tank.jumpClock(host, offsets[i]!);
    return {
      end() {
        for (const host of hosts) tank.correctClock(host);
        return hosts.map((host, i) => `the clock of ${host} was ${(offsets[i]! / 1e6).toFixed(1)} s off`).join(", ");
      },
    };
  },
};

export const clockStrobe: Fault = {
  name: "clock-strobe",
  what: "The hosts' wall clocks jump forth by `by` and back again, every `period`: each reading may be before the last one. When it ends they are right.",
  params: { by: durationSchema, period: durationSchema },
  required: ["by"],
  silences: false,
  swarm: {
    roles: ["etcd", "apiserver", "control", "node"],
    params: (d) => ({ by: `${Math.round(1 + d * 120)}s`, period: `${Math.round(50 + d * 1_950)}ms` }),
  },
  begin(tank, hosts, params) {
    const byUs = microseconds(params.by);
    const periodMs = microseconds(params.period ?? "200ms") / 1000;
    let jumps = 0;
    let next: Cancel;
    const jump = () => {
      for (const host of hosts) tank.jumpClock(host, jumps % 2 === 0 ? byUs : -byUs);
      jumps++;
      next = tank.after(periodMs, jump);
    };
    jump();
    return {
      end() {
        next.cancel();
        for (const host of hosts) tank.correctClock(host);
        return count(jumps, "time", `the clocks of ${hosts.join(", ")} jumped by ${byUs / 1e6} s`);
      },
    };
  },
};
