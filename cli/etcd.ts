import { existsSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { readBackup } from "../actors/etcd/gateway/read-backup";
import { founding, revisionBumped, storeOfBackup } from "../actors/etcd/restored";
import type { Store } from "../actors/etcd/store/store";
import { address } from "../protocol/address";
import type { DiskOperation } from "../runtime/actor";
import { syncDirectory } from "../runtime/live/disk/directory";
import { FileDisk } from "../runtime/live/disk/file-disk";
import { defaultShape } from "../scenarios/cluster";
import { writeClusterFile } from "./data-directory";
import { InputError } from "./exit";
import { makeFolders } from "./make-folders";
import { etcdMembers } from "./up-options";

const about = `
SNAPSHOT is a file that \`etcdctl snapshot save\` wrote while it talked to a live cluster. It holds the
store as it was then: keys with their history, leases, users and roles. The new cluster keeps the
revision and all keys; its identity, certificates and members are new, and its alarms are off.

What differs from etcdutl: the file is not a bbolt database, so etcd's own tools check its length and
hash (\`etcdctl snapshot save\` does) and cannot look into it; etcd's own backups cannot be restored here. One run writes
the disks of all members, where etcdutl is run once for each.`;

interface RestoreFlags {
  readonly data: string;
  readonly etcd?: string;
  readonly bumpRevision?: string;
  readonly markCompacted?: true;
}

/** `wavetank etcd restore SNAPSHOT` */
export function addEtcd(program: Command): void {
  const etcd = program.command("etcd").description("what is done to etcd's data while no cluster runs on it").exitOverride();
  etcd
    .command("restore")
    .description("make the data directory of a new cluster out of a backup of etcd; `wavetank up --data DIR` comes up with it")
    .argument("<snapshot>", "the backup")
    .requiredOption("--data <dir>", "a directory that is not there yet, or empty")
    .option("--etcd <members>", "members of etcd: 1, 3, 5 or 7 (default 3)")
    .option("--bump-revision <n>", "raise the revision by so much, so that none of the lost ones comes again with another meaning")
    .option("--mark-compacted", "with --bump-revision: all history is compacted, so that whoever watches has to list anew")
    .addHelpText("after", about)
    .exitOverride()
    .action((snapshot: string, flags: RestoreFlags) => restore(snapshot, flags));
}

async function restore(snapshot: string, flags: RestoreFlags): Promise<void> {
  const members = etcdMembers(flags.etcd, defaultShape.etcd);
  const data = resolve(flags.data);
  checkVacant(data, flags.data);
  const bumpedBy = bumpOf(flags);
  const read = readStore(snapshot);
  const store = bumpedBy === 0 ? read : raised(read, bumpedBy, flags);
  // Made aside and renamed: a directory of this name is always a whole one.
  const aside = `${data}.restoring`;
  try {
    rmSync(aside, { recursive: true, force: true });
    makeFolders(aside, { mode: 0o700 });
    await writeMembers(aside, store, members);
    writeClusterFile(aside, members);
    if (existsSync(data)) rmdirSync(data);
    renameSync(aside, data);
    await syncDirectory(dirname(data));
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    throw new InputError(`--data ${flags.data}: ${(error as Error).message}`);
  }
  let keys = 0;
  store.index.scan("", null, (history) => {
    if (!history.versions.at(-1)!.tombstone) keys++;
    return undefined;
  });
  process.stdout.write(`restored revision ${store.revision} with ${keys} keys for ${members} members: wavetank up --data ${flags.data}\n`);
}

/** Both or none: a higher revision without the compaction would leave watchers waiting, and etcdutl does not compact without it. */
function bumpOf({ bumpRevision, markCompacted }: RestoreFlags): number {
  if (bumpRevision === undefined && markCompacted === undefined) return 0;
  const given = bumpRevision === undefined ? "--mark-compacted" : `--bump-revision ${bumpRevision}`;
  if (bumpRevision === undefined || markCompacted === undefined)
    throw new InputError(`${given}: expected --bump-revision N and --mark-compacted together`);
  if (!/^[1-9]\d*$/.test(bumpRevision)) throw new InputError(`${given}: expected a whole number, 1 or more`);
  return Number(bumpRevision);
}

function raised(store: Store, by: number, { bumpRevision }: RestoreFlags): Store {
  try {
    return revisionBumped(store, by);
  } catch (error) {
    throw new InputError(`--bump-revision ${bumpRevision}: ${(error as Error).message}`);
  }
}

function checkVacant(data: string, given: string): void {
  if (!existsSync(data)) return;
  let found: readonly string[];
  try {
    found = readdirSync(data);
  } catch (error) {
    throw new InputError(`--data ${given}: ${(error as Error).message}`);
  }
  if (found.length > 0)
    throw new InputError(`--data ${given}: is not empty (${found.slice(0, 3).join(", ")}): a backup is restored into a new directory`);
}

function readStore(snapshot: string): Store {
  try {
    return storeOfBackup(readBackup(readFileSync(snapshot)));
  } catch (error) {
    throw new InputError(`${snapshot}: ${(error as Error).message}`);
  }
}

async function writeMembers(directory: string, store: Store, count: number): Promise<void> {
  const members = Array.from({ length: count }, (_, i) => address("etcd", i));
  const operations = founding(store, members);
  for (const [i, member] of members.entries()) await writeDisk(new FileDisk(join(directory, "hosts", `etcd-${i}`)), member, operations);
}

async function writeDisk(disk: FileDisk, member: ReturnType<typeof address>, operations: readonly DiskOperation[]): Promise<void> {
  const fail = (reject: (error: Error) => void) => (detail: string) => reject(new Error(detail));
  try {
    await new Promise<void>((done, reject) => disk.recover(member, () => done(), fail(reject)));
    await new Promise<void>((done, reject) => disk.write(member, operations, done, fail(reject)));
  } finally {
    await disk.close({ flush: true });
  }
}
