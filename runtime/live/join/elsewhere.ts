import type { HostName } from "../../../protocol/address";
import type { LiveDiskCounts } from "../condition";
import type { Control, DiskCount, RuleCount } from "./control";

interface Work {
  readonly hosts: readonly HostName[];
  readonly what: unknown;
  /** By process: what it has done there, as it was last told. */
  readonly did: Map<string, string>;
}

/** Numbers that only grow, of somebody who begins at 0 again after a restart. */
class Growing {
  private before = 0;
  private last = 0;

  hear(count: number): void {
    if (count < this.last) this.before += this.last;
    this.last = count;
  }

  get total(): number {
    return this.before + this.last;
  }
}

/** What the hub knows of its doings in joined processes: work that it has given them, and what they have counted. */
export class Elsewhere {
  private readonly works = new Map<string, Work>();
  private readonly packets = new Map<string, Map<string, Growing>>();
  private readonly disks = new Map<HostName, { readonly syncs: Growing; readonly failedWrites: Growing }>();

  constructor(private readonly say: (host: HostName, message: Control) => void) {}

  /** Gives work to the processes of these hosts; one that is not connected gets it when it comes. */
  begin(id: string, hosts: readonly HostName[], what: unknown): void {
    this.works.set(id, { hosts, what, did: new Map() });
    this.give(id, hosts);
  }

  /** Ends it everywhere, and answers with what it did, as far as that was told. */
  end(id: string): readonly string[] {
    const work = this.works.get(id);
    if (!work) return [];
    this.works.delete(id);
    for (const host of work.hosts) this.say(host, { type: "workOver", id });
    return [...work.did.values()];
  }

  /** What a work has done so far, as processes told last. */
  didOf(id: string): readonly string[] {
    return [...(this.works.get(id)?.did.values() ?? [])];
  }

  /** A process is there, perhaps again: what goes on is given to it. */
  welcome(hosts: readonly HostName[]): void {
    for (const [id, work] of this.works) {
      const own = work.hosts.filter((host) => hosts.includes(host));
      if (own.length > 0) this.give(id, own);
    }
  }

  hearDid(owner: string, id: string, text: string): void {
    if (text !== "") this.works.get(id)?.did.set(owner, text);
  }

  hearCounts(owner: string, rules: readonly RuleCount[], disks: readonly DiskCount[]): void {
    for (const [rule, count] of rules) {
      const by = this.packets.get(rule) ?? new Map<string, Growing>();
      this.packets.set(rule, by);
      const growing = by.get(owner) ?? new Growing();
      by.set(owner, growing);
      growing.hear(count);
    }
    for (const [host, syncs, failedWrites] of disks) {
      const counts = this.disks.get(host) ?? { syncs: new Growing(), failedWrites: new Growing() };
      this.disks.set(host, counts);
      counts.syncs.hear(syncs);
      counts.failedWrites.hear(failedWrites);
    }
  }

  /** How many packets that rule has done something to in joined processes. */
  packetsHitBy(rule: string): number {
    return [...(this.packets.get(rule)?.values() ?? [])].reduce((sum, { total }) => sum + total, 0);
  }

  diskCountsOf(host: HostName): LiveDiskCounts {
    const counts = this.disks.get(host);
    return { syncs: counts?.syncs.total ?? 0, failedWrites: counts?.failedWrites.total ?? 0 };
  }

  private give(id: string, hosts: readonly HostName[]): void {
    const { what } = this.works.get(id)!;
    // Once for each host: a process that has it already passes over it.
    for (const host of hosts) this.say(host, { type: "work", id, what });
  }
}
