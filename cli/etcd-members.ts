import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Address, nameOf } from "../protocol/address";
import { decodeValue, encodeValue } from "../protocol/codec";
import { BlobFiles } from "../runtime/live/disk/blob-files";
import { makeDirectory } from "../runtime/live/disk/directory";
import type { DataDirectory } from "./data-directory";
import { InputError } from "./exit";

/** Whose data it is, beside the data itself. */
const blob = "member";
type Owner = readonly [cluster: string, member: string];

/** A member that has been part of the cluster and finds nothing of what it has voted for and acknowledged. */
export interface LostMember {
  readonly member: Address;
  readonly folder: string;
}

export function etcdHostName(member: Address): string {
  return `etcd-${nameOf(member)}`;
}

/**
 * Which members of etcd live in a data directory. A member that has begun must find its data: empty, it would vote again where it has voted,
 * and count for entries that it has forgotten. So before a member begins its name is laid beside its data, and only then the directory says that it has begun.
 */
export class EtcdMembers {
  private constructor(
    private readonly directory: DataDirectory,
    /** Those that began the cluster together. */
    readonly founders: readonly Address[],
    private begun: readonly Address[],
    readonly lost: readonly LostMember[],
  ) {}

  /** Throws an InputError where data is another member's or another cluster's, and where too much of it is gone. */
  static async open(directory: DataDirectory, founders: readonly Address[]): Promise<EtcdMembers> {
    const { path } = directory;
    if (path === undefined) return new EtcdMembers(directory, founders, founders, []);
    const begun = directory.etcdMembers();
    if (begun === undefined) {
      const members = new EtcdMembers(directory, founders, [], []);
      for (const member of founders) await members.lay(member);
      members.remember(founders);
      return members;
    }
    const lost: LostMember[] = [];
    for (const member of begun) {
      const folder = folderOf(path, member);
      const owner = await ownerOf(folder);
      if (owner === undefined) lost.push({ member, folder });
      else checkOwner(folder, owner, [directory.clusterId(), member]);
    }
    if (begun.length - lost.length <= begun.length / 2) {
      const names = lost.map(({ member }) => member).join(", ");
      throw new InputError(
        `--data ${path}: the data of ${names} is gone, and the rest of ${begun.length} members is no quorum: restore a backup (wavetank etcd restore)`,
      );
    }
    return new EtcdMembers(directory, founders, begun, lost);
  }

  /** Those that can be started. */
  get present(): readonly Address[] {
    return this.begun.filter((member) => !this.lost.some((one) => one.member === member));
  }

  /** What the user is told of lost members; `idOf` names one as etcdctl does. */
  lostTold(idOf: (member: Address) => string): readonly string[] {
    const next = 1 + Math.max(...[...this.founders, ...this.begun].map((member) => Number(nameOf(member))));
    return this.lost.map(
      ({ member, folder }) =>
        `${member} has already been bootstrapped, and its data is gone from ${folder}: it is not started, for it would vote again where it ` +
        `has voted. The others run on. To replace it: etcdctl member remove ${idOf(member)}, then ` +
        `etcdctl member add etcd-${next} --peer-urls=http://etcd-${next}:2380`,
    );
  }

  /** A member that was added is about to begin with nothing. */
  async begin(member: Address): Promise<void> {
    if (this.begun.includes(member)) return;
    await this.lay(member);
    this.remember([...this.begun, member]);
  }

  /** A member was removed; its data stays where it is. */
  forget(member: Address): void {
    if (this.begun.includes(member)) this.remember(this.begun.filter((one) => one !== member));
  }

  private remember(begun: readonly Address[]): void {
    this.begun = begun;
    this.directory.rememberEtcdMembers(begun);
  }

  private async lay(member: Address): Promise<void> {
    const { path } = this.directory;
    if (path === undefined) return;
    const folder = folderOf(path, member);
    const owner: Owner = [this.directory.clusterId(), member];
    const found = await ownerOf(folder);
    if (found) return checkOwner(folder, found, owner);
    await makeDirectory(folder);
    await new BlobFiles(folder).write(blob, encodeValue(owner), true);
  }
}

function folderOf(path: string, member: Address): string {
  return join(path, "hosts", etcdHostName(member), member.replaceAll("/", "~"));
}

async function ownerOf(folder: string): Promise<Owner | undefined> {
  if (!existsSync(join(folder, `blob.${blob}`))) return undefined;
  return decodeValue(await new BlobFiles(folder).read(blob)) as Owner;
}

function checkOwner(folder: string, [cluster, member]: Owner, expected: Owner): void {
  if (member !== expected[1]) throw new InputError(`${folder}: holds the data of ${member}, not of ${expected[1]}`);
  if (cluster !== expected[0]) throw new InputError(`${folder}: holds the data of ${member} of another cluster`);
}
