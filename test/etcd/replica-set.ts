import { etcdMember } from "../../actors/etcd/member";
import type { MemberState } from "../../actors/etcd/state";
import { type Address, address, nameOf } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, WatchRequest, WatchResponse } from "../../protocol/etcd";
import type { Answer, Fact, StreamInput } from "../../runtime/actor";
import type { PortalStream } from "../../runtime/portal";
import { Simulation } from "../../runtime/simulated/simulation";

export interface SeenWatch {
  readonly responses: WatchResponse[];
  closed: StreamInput | null;
  readonly stream: PortalStream;
}

/** A replica set in a simulated world, each member on a host of its own, driven from outside. */
export class ReplicaSet {
  readonly simulation: Simulation;
  readonly members: Address[];
  private readonly settings: Record<string, unknown>;
  readonly facts: { readonly actor: Address; readonly fact: Fact }[] = [];
  readonly crashes: unknown[] = [];

  constructor(options: { readonly seed?: number; readonly size?: number; readonly settings?: Record<string, unknown> } = {}) {
    const { seed = 1, size = 3, settings = {} } = options;
    const members = Array.from({ length: size }, (_, n) => address("etcd", n));
    this.members = members.slice();
    this.settings = settings;
    this.simulation = new Simulation({
      seed,
      actors: [etcdMember],
      trace: { keepLines: 0 },
      observers: [
        (_nowUs, _host, event) => {
          if (event.type === "fact") this.facts.push({ actor: event.actor, fact: event.fact });
          if (event.type === "crashed") this.crashes.push(event.error);
        },
      ],
    });
    for (const [n, member] of members.entries()) {
      this.simulation.addHost({ name: `etcd-${n}`, zone: `z${n}` });
      this.simulation.place(`etcd-${n}`, member, { members, settings });
    }
    this.simulation.start();
    this.simulation.portal();
  }

  state(member: Address): MemberState | undefined {
    return this.simulation.stateOf<MemberState>(member);
  }

  hostOf(member: Address): string {
    return `etcd-${nameOf(member)}`;
  }

  /** Starts a server with an empty disk on a host of its own, which is to join. */
  join(member: Address): void {
    const host = this.hostOf(member);
    this.simulation.addHost({ name: host, zone: `z${nameOf(member)}` });
    this.simulation.place(host, member, { members: [], join: true, settings: this.settings });
    this.simulation.startHost(host);
    this.members.push(member);
  }

  /** The member that leads in the latest term, once there is one. */
  leader(): Address {
    this.until(() => this.leading() !== undefined, "no leader");
    return this.leading()!;
  }

  followers(): readonly Address[] {
    const leader = this.leader();
    return this.members.filter((member) => member !== leader);
  }

  /** Lets virtual time pass until something holds. */
  until(holds: () => boolean, otherwise: string, ms = 30_000): void {
    if (holds()) return;
    this.simulation.runFor(ms, holds);
    if (!holds()) throw new Error(`after ${ms} ms: ${otherwise}`);
  }

  begin(member: Address, request: EtcdRequest, deadlineMs = 5_000): { answer: Answer<EtcdResponse> | null } {
    const got: { answer: Answer<EtcdResponse> | null } = { answer: null };
    this.simulation.ask<EtcdResponse>(member, request, deadlineMs, (answer) => {
      got.answer = answer;
    });
    return got;
  }

  /** Asks and waits for the answer; throws where there is none. */
  ask<R extends EtcdResponse>(member: Address, request: EtcdRequest): R {
    const got = this.begin(member, request);
    this.until(() => got.answer !== null, `${member} does not answer ${request.kind}`);
    if (!got.answer!.ok) throw new Error(`${request.kind}: ${got.answer!.error}: ${got.answer!.detail}`);
    return got.answer!.body as R;
  }

  watch(member: Address, request: WatchRequest, then: (input: StreamInput<WatchResponse>) => void = () => {}): SeenWatch {
    const responses: WatchResponse[] = [];
    const seen: SeenWatch = {
      responses,
      closed: null,
      stream: this.simulation.portal().open<WatchResponse>(member, request, (input) => {
        if (input.type === "item") responses.push(input.body);
        else seen.closed = input;
        then(input);
      }),
    };
    return seen;
  }

  crash(member: Address): void {
    this.simulation.crashHost(this.hostOf(member));
  }

  restart(member: Address): void {
    this.simulation.startHost(this.hostOf(member));
  }

  /** Cuts a member off from the others; clients still reach it. */
  cut(member: Address): void {
    const host = [this.hostOf(member)];
    const others = this.members.filter((other) => other !== member).map((other) => this.hostOf(other));
    const effect = { type: "block" } as const;
    this.simulation.addRule({ id: "cut out", from: host, to: others, kinds: null, effect });
    this.simulation.addRule({ id: "cut in", from: others, to: host, kinds: null, effect });
  }

  heal(): void {
    this.simulation.removeRule("cut out");
    this.simulation.removeRule("cut in");
  }

  private leading(): Address | undefined {
    let best: Address | undefined;
    for (const member of this.members) {
      const state = this.state(member);
      if (state?.retired) continue;
      if (state?.node.role.name !== "leader") continue;
      if (best === undefined || state.node.term > this.state(best)!.node.term) best = member;
    }
    return best;
  }
}
