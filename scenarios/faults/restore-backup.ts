import { founding, revisionBumped, storeOfBackup } from "../../actors/etcd/restored";
import type { Address, HostName } from "../../protocol/address";
import { parseDurationMs } from "../../protocol/kinds/duration";
import { durationSchema } from "../schema";
import type { Tank } from "../tank";
import { runningMembers } from "./etcd-members";
import type { Fault } from "./fault";

/** What etcd's documentation on disaster recovery suggests for `--bump-revision`: more than anybody can have written since the backup. */
const bumpedBy = 1_000_000_000;
const lostAfterDefault = "10s";
/** An operator who knows that the disks are gone needs so long to stop what is left. */
const stopsAfterMs = 1_000;
/** Between the stop of what is left of the old cluster and the start of the new one, in which packets of the old die out. */
const betweenMs = 3_000;

interface Backup {
  readonly bytes: Uint8Array;
  readonly revision: number;
  readonly member: Address;
}

/** Where each member lives. */
function membersByHost(tank: Tank): readonly (readonly [HostName, Address])[] {
  return runningMembers(tank).flatMap((member) => {
    const host = tank.hostOf(member);
    return host === undefined ? [] : [[host, member] as const];
  });
}

/** `etcdctl snapshot save` to the first member that answers. */
function save(tank: Tank): Backup | undefined {
  for (const member of runningMembers(tank)) {
    const bytes = tank.backupOf(member);
    if (bytes) return { bytes, revision: storeOfBackup(bytes).revision, member };
  }
  return undefined;
}

export const restoreBackup: Fault = {
  name: "restore-backup",
  what: "A backup of etcd is saved when it begins; a while later its hosts lose power and their disks are gone for good. When it ends, an operator stops what is left of etcd, makes all members anew out of the backup, with its revision raised and all history marked as compacted, and starts them: what was written after the backup is lost.",
  params: {
    lostAfter: { ...durationSchema, description: `how long after the backup the disks are lost, "${lostAfterDefault}" where not given` },
  },
  required: [],
  silences: true,
  damages: true,
  endsHistory: true,
  begin(tank, hosts, params) {
    const members = membersByHost(tank);
    const backup = save(tank);
    if (backup) tank.tellOfBackup(backup.revision);
    let restored = false;
    let lost = false;
    const lose = () => {
      lost = true;
      for (const host of hosts) {
        tank.crashHost(host, true);
        tank.wipeDisk(host);
      }
    };
    const losing = tank.after(parseDurationMs(String(params.lostAfter ?? lostAfterDefault))!, lose);
    return {
      end() {
        losing.cancel();
        if (!lost) lose();
        if (!backup) {
          for (const [host] of members) tank.startHost(host);
          return "";
        }
        tank.after(stopsAfterMs, () => {
          for (const [host] of members) {
            tank.crashHost(host, false);
            tank.wipeDisk(host);
          }
        });
        tank.after(stopsAfterMs + betweenMs, () => {
          restoreAll(tank, members, backup);
          restored = true;
        });
        return `${hosts.join(" and ")} lost their disks for good, ${members.length} members are made of the backup that ${backup.member} gave at revision ${backup.revision}`;
      },
      isMended: () => restored,
    };
  },
};

function restoreAll(tank: Tank, members: readonly (readonly [HostName, Address])[], backup: Backup): void {
  const addresses = members.map(([, member]) => member);
  const store = revisionBumped(storeOfBackup(backup.bytes), bumpedBy);
  const operations = founding(store, addresses);
  tank.tellOfRestore(store, backup.revision);
  for (const [host, member] of members) {
    const { join: _, ...config } = tank.configOf(member) as { readonly join?: boolean };
    tank.placeActor(host, member, { ...config, members: addresses });
    tank.writeDisk(host, member, operations);
    tank.startHost(host);
  }
}
