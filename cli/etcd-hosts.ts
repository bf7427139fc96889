import { filter, type Subscription } from "rxjs";
import type { Address } from "../protocol/address";
import type { EtcdResponse } from "../protocol/etcd";
import type { LiveLog } from "../runtime/live/log";
import type { LiveWorld } from "../runtime/live/world";
import type { HostPlan } from "../scenarios/cluster";
import type { EtcdDoors } from "./etcd-doors";
import { type EtcdMembers, etcdHostName } from "./etcd-members";

export interface EtcdHostsOptions {
  readonly world: LiveWorld;
  readonly members: EtcdMembers;
  readonly doors: EtcdDoors;
  /** The host of a member that joins. */
  readonly planOf: (member: Address) => HostPlan;
  /** Hears of each member that was started, with its address for clients. */
  readonly started: (member: Address, address: string) => void;
  readonly log: LiveLog;
}

const listTimeoutMs = 5_000;
const againMs = 500;
/** A removed member has so long to answer those who asked it. */
const removedAfterMs = 1_000;

/**
 * Brings the hosts of etcd in line with its membership: whoever is added (`etcdctl member add`) gets a host and a door, the host of whoever is
 * removed is stopped. What the members are is asked of a quorum; facts only say when to ask.
 */
export class EtcdHosts {
  private readonly subscription: Subscription;
  private wanted = true;
  private working = false;
  private closed = false;

  constructor(private readonly options: EtcdHostsOptions) {
    const changed = options.world.notable.pipe(filter(({ event }) => event.type === "fact" && event.fact.kind === "raft.configuration"));
    this.subscription = changed.subscribe(() => this.look());
    this.look();
  }

  close(): void {
    this.closed = true;
    this.subscription.unsubscribe();
  }

  private look(): void {
    this.wanted = true;
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.wanted && !this.closed) {
      this.wanted = false;
      const members = await this.list();
      if (members === undefined) {
        this.wanted = true;
        await pause(againMs);
        continue;
      }
      try {
        await this.align(members);
      } catch (error) {
        this.options.log.log("error", "a host of etcd cannot be started", { err: error });
      }
    }
    this.working = false;
  }

  private async list(): Promise<readonly Address[] | undefined> {
    const { world, members } = this.options;
    for (const member of members.present) {
      const question = { kind: "etcd.member.list", linearizable: true } as const;
      const answer = await world.ask<EtcdResponse>(member, question, listTimeoutMs);
      if (answer.ok && answer.body.kind === "etcd.member.response") return answer.body.members.map(({ id }) => id as Address);
      if (this.closed) return undefined;
    }
    return undefined;
  }

  private async align(current: readonly Address[]): Promise<void> {
    const { world, members, doors, planOf, started } = this.options;
    for (const { member } of members.lost) if (!current.includes(member)) members.forget(member);
    for (const member of members.present.filter((one) => !current.includes(one))) {
      await pause(removedAfterMs);
      doors.remove(etcdHostName(member));
      await world.removeHost(etcdHostName(member), "removed from the cluster");
      members.forget(member);
    }
    const known = new Set([...members.present, ...members.lost.map(({ member }) => member)]);
    for (const member of current.filter((one) => !known.has(one))) {
      if (this.closed) return;
      await members.begin(member);
      const plan = planOf(member);
      world.addHost(plan);
      world.startHost(plan.name);
      started(member, await doors.open(plan.name, member));
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
