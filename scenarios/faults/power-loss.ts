import type { Effect } from "../../runtime/actor";
import { type Fate, performed } from "../../runtime/interposer";
import { healthyDisk } from "../tank";
import { count, type Fault, listed } from "./fault";

export const powerLoss: Fault = {
  name: "power-loss",
  what: "The hosts lose power at the next moment at which a write is under way to their disks and not synced: it is lost, or with `torn` a part of what was under way is on the disk. They start again when the fault ends.",
  params: { torn: { type: "boolean", description: "a part of what was under way may have reached the disk" } },
  required: [],
  silences: true,
  swarm: { roles: ["etcd"], params: (d) => (d < 0.5 ? { torn: true } : {}) },
  begin(tank, hosts, params) {
    const before = hosts.map((host) => tank.diskCounts(host)).map(({ lostWrites, tornWrites }) => ({ lostWrites, tornWrites }));
    const fell = new Set<string>();
    const interposers = hosts.map((host) => {
      tank.troubleDisk(host, { ...healthyDisk, tornProbability: params.torn === true ? 1 : 0 });
      const effect = (_actor: string, wanted: Effect): Fate => {
        if (fell.has(host) || wanted.type !== "persist") return performed;
        fell.add(host);
        return { performs: true, dies: "host" };
      };
      return tank.interpose(host, () => ({ effect }));
    });
    return {
      end() {
        for (const interposer of interposers) interposer.cancel();
        for (const host of hosts) tank.troubleDisk(host, healthyDisk);
        for (const host of fell) tank.startHost(host);
        if (fell.size === 0) return "";
        const total = (field: "lostWrites" | "tornWrites") =>
          hosts.reduce((sum, host, i) => sum + tank.diskCounts(host)[field] - before[i]![field], 0);
        const fallen = hosts.filter((host) => fell.has(host)).join(", ");
        return listed(
          `${fallen} lost power`,
          count(total("lostWrites"), "unsynced write", "lost"),
          count(total("tornWrites"), "write", "reached the disk all the same"),
        );
      },
    };
  },
};
