import { roleOf } from "../../protocol/address";
import { percentSchema } from "../schema";
import { type DiskCounts, type DiskTrouble, healthyDisk, type Tank } from "../tank";
import { replaceMember } from "./etcd-members";
import { count, type Fault, listed, type Ongoing } from "./fault";
import { probabilityOf } from "./network";

const withinMs = 60_000;

/**
 * Lets disks damage what they store. Nobody notices until it is read again, at the next start. When it ends, a host that has damage is emptied, and an etcd
 * member on it replaced: what it would find there is not to be believed.
 */
function damaging(tank: Tank, hosts: readonly string[], trouble: DiskTrouble, field: keyof DiskCounts, what: string): Ongoing {
  const before = new Map(hosts.map((host) => [host, tank.diskCounts(host)[field]]));
  const damageOn = (host: string) => tank.diskCounts(host)[field] - before.get(host)!;
  const mending = new Set<string>();
  for (const host of hosts) tank.troubleDisk(host, trouble);
  return {
    end() {
      for (const host of hosts) tank.troubleDisk(host, healthyDisk);
      const damaged = hosts.filter((host) => damageOn(host) > 0);
      const next = (i: number): void => {
        const host = damaged[i];
        if (host === undefined) return;
        mend(tank, host, () => {
          mending.delete(host);
          next(i + 1);
        });
      };
      for (const host of damaged) mending.add(host);
      next(0);
      const total = damaged.reduce((sum, host) => sum + damageOn(host), 0);
      return listed(count(total, "record", what), damaged.length > 0 ? `${damaged.join(", ")} emptied and filled anew` : "");
    },
    isMended: () => mending.size === 0,
  };
}

function mend(tank: Tank, host: string, then: () => void): void {
  // A host that lost its power meanwhile must not come back with an empty disk under the old name.
  const member = tank.residentsOf(host).find((actor) => roleOf(actor) === "etcd");
  if (member !== undefined) return replaceMember(tank, host, member, withinMs, then);
  tank.crashHost(host, false);
  tank.wipeDisk(host);
  tank.startHost(host);
  then();
}

/** A fault of disks that damage a share of what they store. */
function damagingDisk(
  name: string,
  damage: string,
  troubleOf: (probability: number) => Partial<DiskTrouble>,
  field: keyof DiskCounts,
  counted: string,
): Fault {
  return {
    name,
    what: `The hosts' disks store a share of what is written ${damage} at the next start. When the fault ends, damaged hosts are emptied, and etcd members on them replaced.`,
    params: { rate: percentSchema },
    required: ["rate"],
    silences: false,
    damages: true,
    swarm: { roles: ["etcd"], params: (d) => ({ rate: `${(0.1 + d * d * 10).toFixed(1)}%` }) },
    begin: (tank, hosts, { rate }) => damaging(tank, hosts, { ...healthyDisk, ...troubleOf(probabilityOf(rate)) }, field, counted),
  };
}

export const corruptDisk = damagingDisk(
  "corrupt-disk",
  "with a wrong bit. Its checksum gives it away when it is read",
  (corruptProbability) => ({ corruptProbability }),
  "corruptedWrites",
  "stored with a wrong bit",
);

export const misdirectingDisk = damagingDisk(
  "misdirecting-disk",
  "over something else. Checksums give away both",
  (misdirectProbability) => ({ misdirectProbability }),
  "misdirectedWrites",
  "stored in the wrong place",
);
