import type { HostName } from "../../protocol/address";
import { percentSchema } from "../schema";
import { type DiskTrouble, healthyDisk, type Tank } from "../tank";
import { count, type Fault, listed, type Ongoing } from "./fault";
import { probabilityOf } from "./network";

function troubled(tank: Tank, hosts: readonly HostName[], trouble: DiskTrouble, what: string): Ongoing {
  const total = (field: "failedWrites" | "syncs") => hosts.reduce((sum, host) => sum + tank.diskCounts(host)[field], 0);
  const [failed, syncs] = [total("failedWrites"), total("syncs")];
  for (const host of hosts) tank.troubleDisk(host, trouble);
  return {
    end() {
      for (const host of hosts) tank.troubleDisk(host, healthyDisk);
      const stalled = trouble.slowdown === Number.POSITIVE_INFINITY ? "no write was synced" : count(total("syncs") - syncs, "sync", what);
      return listed(trouble.slowdown > 1 ? stalled : "", count(total("failedWrites") - failed, "write", "failed"));
    },
  };
}

export const slowDisk: Fault = {
  name: "slow-disk",
  what: "Each sync of the hosts' disks takes `factor` times as long.",
  params: { factor: { type: "number", minimum: 1, description: "how many times slower" } },
  required: ["factor"],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ factor: Math.round(2 + d * 98) }) },
  begin: (tank, hosts, params) => troubled(tank, hosts, { ...healthyDisk, slowdown: params.factor as number }, "slowed"),
};

export const stalledDisk: Fault = {
  name: "stalled-disk",
  what: "The hosts' disks finish nothing until it ends: what waits for a sync waits.",
  params: {},
  required: [],
  silences: true,
  swarm: { roles: ["etcd"] },
  begin: (tank, hosts) => troubled(tank, hosts, { ...healthyDisk, slowdown: Number.POSITIVE_INFINITY }, ""),
};

export const fullDisk: Fault = {
  name: "full-disk",
  what: "The hosts' disks have no space left: every write fails.",
  params: {},
  required: [],
  silences: true,
  swarm: { roles: ["etcd"] },
  begin: (tank, hosts) => troubled(tank, hosts, { ...healthyDisk, full: true }, ""),
};

export const failingDisk: Fault = {
  name: "failing-disk",
  what: "A share of the writes to the hosts' disks is refused with an input/output error.",
  params: { rate: percentSchema },
  required: ["rate"],
  silences: true,
  swarm: { roles: ["etcd"], params: (d) => ({ rate: `${Math.round(1 + d * 30)}%` }) },
  begin: (tank, hosts, params) => troubled(tank, hosts, { ...healthyDisk, errorProbability: probabilityOf(params.rate) }, ""),
};
