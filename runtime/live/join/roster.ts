import { randomBytes } from "node:crypto";
import type { HostName } from "../../../protocol/address";

/** A host that was given to a joined process. */
export interface Granted {
  readonly host: HostName;
  /** The process that may be this host: the common name of its certificate. */
  owner: string;
}

export interface RosterStore {
  load(): readonly Granted[];
  save(granted: readonly Granted[]): void;
}

/** How long hosts stay reserved for a process that was let in and has not yet connected. */
const reservedMs = 30_000;

/**
 * Who may be which host. A name belongs to the process that was let in last with it: one whose process is gone is given away again before a
 * new one is made up, so that what is killed and joins again is the same node.
 */
export class Roster {
  private readonly hosts = new Map<HostName, Granted>();
  private readonly connected = new Set<HostName>();
  private readonly reserved = new Map<HostName, number>();

  /** `newName` makes the name of the nth host that ever joined (from 0). */
  constructor(
    private readonly newName: (index: number) => HostName,
    private readonly store: RosterStore,
    private readonly nowMs: () => number,
  ) {
    for (const granted of store.load()) {
      this.hosts.set(granted.host, { ...granted });
      // After a restart their processes are on their way back.
      this.reserved.set(granted.host, nowMs() + reservedMs);
    }
  }

  /** Gives `count` hosts to a new process. */
  grant(count: number): { readonly owner: string; readonly hosts: readonly HostName[] } {
    const owner = `wavetank:joined:${randomBytes(8).toString("hex")}`;
    const now = this.nowMs();
    const free = [...this.hosts.keys()].filter((host) => !this.connected.has(host) && (this.reserved.get(host) ?? 0) <= now);
    const hosts = free.slice(0, count);
    for (let index = this.hosts.size; hosts.length < count; index++) hosts.push(this.newName(index));
    for (const host of hosts) {
      this.hosts.set(host, { host, owner });
      this.reserved.set(host, now + reservedMs);
    }
    this.store.save([...this.hosts.values()]);
    return { owner, hosts };
  }

  /** The hosts of a process that connects; or why it may not. */
  connect(
    owner: string,
  ): { readonly ok: true; readonly hosts: readonly HostName[] } | { readonly ok: false; readonly code: number; readonly why: string } {
    const hosts = [...this.hosts.values()].filter((granted) => granted.owner === owner).map(({ host }) => host);
    if (hosts.length === 0)
      return { ok: false, code: 403, why: "no host belongs to this certificate any more: another process has joined in its place" };
    if (hosts.some((host) => this.connected.has(host))) return { ok: false, code: 409, why: `${hosts.join(", ")} is connected already` };
    for (const host of hosts) {
      this.connected.add(host);
      this.reserved.delete(host);
    }
    return { ok: true, hosts };
  }

  disconnect(hosts: readonly HostName[]): void {
    for (const host of hosts) this.connected.delete(host);
  }

  known(): readonly HostName[] {
    return [...this.hosts.keys()];
  }
}
