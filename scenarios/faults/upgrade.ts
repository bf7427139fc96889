import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import { count, type Fault, listed } from "./fault";

export const upgrade: Fault = {
  name: "upgrade",
  what: "A rolling upgrade: the targets restart one after the other, `period` apart and `down` long, and from then on speak the next version of the protocol, or with `to: previous` the one before. When it ends they are rolled back in one go. In between both versions have to understand each other.",
  params: {
    period: { ...durationSchema, description: "from one restart to the next; 5s where not given" },
    down: { ...durationSchema, description: "how long each is down; 1s where not given" },
    to: { enum: ["next", "previous"], description: "next where not given" },
  },
  required: [],
  silences: true,
  // One is down at a time.
  silenced: (_hosts, targets) => targets.slice(0, 1),
  swarm: {
    roles: ["etcd", "apiserver", "control", "node"],
    mode: "all",
    params: (d) => ({ to: d < 0.5 ? "next" : "previous", period: `${Math.round(2_000 + d * 6_000)}ms` }),
  },
  begin(tank, hosts, params) {
    const periodMs = microseconds(params.period ?? "5s") / 1000;
    const downMs = Math.min(microseconds(params.down ?? "1s") / 1000, periodMs / 2);
    const offset = params.to === "previous" ? -1 : 1;
    const before = hosts.reduce((sum, host) => sum + tank.packetsHitBy(`version ${host}`), 0);
    const waiting = new Set<Cancel>();
    const down = new Set<string>();
    let upgraded = 0;
    const later = (delayMs: number, run: () => void) => {
      const cancel = tank.after(delayMs, () => {
        waiting.delete(cancel);
        run();
      });
      waiting.add(cancel);
    };
    for (const [i, host] of hosts.entries())
      later(i * periodMs, () => {
        tank.crashHost(host, false);
        down.add(host);
        tank.speakVersion(host, offset);
        later(downMs, () => {
          tank.startHost(host);
          down.delete(host);
          upgraded++;
        });
      });
    return {
      end() {
        for (const cancel of waiting) cancel.cancel();
        for (const host of hosts) tank.speakVersion(host, 0);
        for (const host of down) tank.startHost(host);
        const crossed = hosts.reduce((sum, host) => sum + tank.packetsHitBy(`version ${host}`), 0) - before;
        const which = offset === 1 ? "to the next version" : "to the version before";
        return listed(count(upgraded, "host", which), count(crossed, "packet", "between versions"));
      },
    };
  },
};
