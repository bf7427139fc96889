import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "../protocol/address";
import { lockDirectory } from "../runtime/live/disk/lock";
import type { Granted, RosterStore } from "../runtime/live/join/roster";
import { writePrivately } from "../runtime/live/pki";
import type { ClusterShape } from "../scenarios/cluster";
import { InputError } from "./exit";
import { makeFolders } from "./make-folders";

/**
 * What a live cluster keeps beside its hosts' disks (hosts/) and its keys (pki/): the lock, its shape, who has joined and at which port.
 * Without a directory all of it lasts as long as the process.
 */
export class DataDirectory {
  private constructor(
    readonly path: string | undefined,
    readonly unlock: () => void,
  ) {}

  /** Locks the directory and checks that it is one of such a cluster. Throws an InputError, and has changed nothing then. */
  static take(path: string | undefined, shape: ClusterShape): DataDirectory {
    if (path === undefined) return new DataDirectory(undefined, () => {});
    let unlock: () => void;
    try {
      makeFolders(path);
      unlock = lockDirectory(path);
    } catch (error) {
      throw new InputError(`--data ${path}: ${(error as Error).message}`);
    }
    const directory = new DataDirectory(path, unlock);
    try {
      directory.check(path, shape);
    } catch (error) {
      unlock();
      throw error;
    }
    return directory;
  }

  /** A path below it, or undefined. */
  at(name: string): string | undefined {
    return this.path === undefined ? undefined : join(this.path, name);
  }

  /** Which hosts were given to processes that joined. */
  roster(): RosterStore {
    const file = this.at("joined.json");
    if (file === undefined) return { load: () => [], save: () => {} };
    return {
      load: () => (existsSync(file) ? readJson<readonly Granted[]>(file) : []),
      save: (granted) => writePrivately(file, JSON.stringify(granted)),
    };
  }

  /** The members of etcd that have begun here; undefined where none has. */
  etcdMembers(): readonly Address[] | undefined {
    return this.made().members as readonly Address[] | undefined;
  }

  rememberEtcdMembers(members: readonly Address[]): void {
    if (this.path !== undefined) writePrivately(clusterFile(this.path), JSON.stringify({ ...this.made(), members }));
  }

  /** What no other cluster has; made when it is first asked for. */
  clusterId(): string {
    const { id } = this.made();
    if (id !== undefined || this.path === undefined) return id ?? "";
    const made = randomUUID();
    writePrivately(clusterFile(this.path), JSON.stringify({ ...this.made(), id: made }));
    return made;
  }

  private made(): ClusterFile {
    return this.path === undefined ? {} : readJson<ClusterFile>(clusterFile(this.path));
  }

  /** The port where processes joined last time, so that they find the hub again; undefined where there is none. */
  joinPort(): number | undefined {
    const file = this.at("join-port");
    return file !== undefined && existsSync(file) ? Number(readFileSync(file, "utf8")) || undefined : undefined;
  }

  rememberJoinPort(port: number): void {
    const file = this.at("join-port");
    if (file !== undefined) writePrivately(file, String(port));
  }

  /** The members of etcd are fixed when a cluster is made; the rest may change from one start to the next. */
  private check(path: string, { etcd, nodes }: ClusterShape): void {
    const file = clusterFile(path);
    if (!existsSync(file)) return writeClusterFile(path, etcd);
    const made = readJson<ClusterFile>(file);
    if (made.version !== 1 || typeof made.etcd !== "number")
      throw new InputError(`${file}: is not of a cluster that this version can read`);
    if (made.etcd === 0 && etcd !== 0)
      throw new InputError(`--data ${path}: this cluster was made on an etcd outside; give --storage again, its objects are there`);
    if (made.etcd !== 0 && etcd === 0)
      throw new InputError(
        `--data ${path}: this cluster was made with ${made.etcd} members of etcd of its own; --storage needs a new directory`,
      );
    if (made.etcd !== etcd) throw new InputError(`--data ${path}: this cluster was made with ${made.etcd} members of etcd, not ${etcd}`);
    const indices = this.roster()
      .load()
      .map(({ host }) => Number(host.slice("node-".length)));
    const first = Math.min(...indices);
    if (first < nodes)
      throw new InputError(`--nodes ${nodes}: node-${first} of ${path} is a node that joined; up to ${first} nodes fit beside it`);
  }
}

/** cluster.json. */
interface ClusterFile {
  readonly version?: number;
  /** How many members of etcd the cluster was made with; 0 where its objects are in an etcd outside. */
  readonly etcd?: number;
  readonly id?: string;
  /** The members of etcd that have begun and were not removed. */
  readonly members?: readonly string[];
}

function clusterFile(path: string): string {
  return join(path, "cluster.json");
}

/** Says in a data directory of how many members of etcd it is; 0 where its objects are in an etcd outside. */
export function writeClusterFile(path: string, etcd: number): void {
  writePrivately(clusterFile(path), JSON.stringify({ version: 1, etcd }));
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    throw new InputError(`${file}: cannot be read: ${(error as Error).message}`);
  }
}
