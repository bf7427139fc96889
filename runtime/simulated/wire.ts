import type { HostName } from "../../protocol/address";
import { type Envelope, isDatagram } from "../../protocol/envelope";
import type { PacketTap } from "../packet-tap";
import { blocks, judge, type Passing, type WireRule } from "../rules";
import { damagedInTransit, refusedFrames, SpokenVersions } from "../versions";
import type { Cancel, Random, Wire, WireReceiver } from "../world";
import type { EventHeap } from "./event-heap";

/** One-way latencies in microseconds; each packet's is drawn between one and one and a half times these. */
export interface Latencies {
  readonly sameHostUs: number;
  readonly sameZoneUs: number;
  readonly otherZoneUs: number;
  /** How long a connection may carry nothing before both ends give it up (keep-alive), in microseconds. */
  readonly connectionTimeoutUs: number;
}

export const defaultLatencies: Latencies = { sameHostUs: 10, sameZoneUs: 150, otherZoneUs: 500, connectionTimeoutUs: 15_000_000 };

/** One direction between two hosts. Everything about it that a packet needs is looked up once. */
interface Link {
  readonly from: HostName;
  readonly to: HostName;
  /** Names its draws. */
  readonly name: string;
  readonly connection: Connection;
  readonly passing: Passing;
  packets: number;
  lastArrivalUs: number;
  /** Of the connection: what waits while the link is blocked, in order. */
  held: Envelope[];
  /** Datagrams that wait until the link is no longer clogged. */
  clogged: Envelope[];
}

/** The connection between two hosts. Frames of an earlier epoch are lost. */
interface Connection {
  readonly a: HostName;
  readonly b: HostName;
  epoch: number;
  established: boolean;
  blockedSinceUs: number | null;
  check: Cancel | null;
  /** Hosts that will be told of a reset that is on its way. */
  readonly resetting: Set<HostName>;
}

/** Packets between hosts on the event heap, with faults by rules. Streams' frames keep their order and are delayed rather than lost. */
export class SimulatedWire implements Wire {
  private readonly receivers = new Map<HostName, WireReceiver>();
  private readonly zones = new Map<HostName, string>();
  private readonly links = new Map<HostName, Map<HostName, Link>>();
  private readonly connections = new Map<string, Connection>();
  /** Hosts that vanished without a word, as machines do that lose power. */
  private readonly silent = new Set<HostName>();
  readonly versions = new SpokenVersions();
  private rules: readonly WireRule[] = [];
  /** Packets sent, lost, doubled, held back; connections that broke: evidence that faults took effect. */
  readonly counts = { sent: 0, lost: 0, doubled: 0, held: 0, broken: 0 };
  /** Packets to which a rule did something, by the rule's id; also of rules that are gone. "version HOST": those that crossed versions. */
  readonly ruleCounts = new Map<string, number>();
  private readonly took = (id: string) => {
    this.ruleCounts.set(id, (this.ruleCounts.get(id) ?? 0) + 1);
    if (this.judging) this.tap?.hit(id, this.judging);
  };
  /** The packet that the rules are asked about. */
  private judging: Envelope | undefined;
  tap: PacketTap | undefined;

  constructor(
    private readonly heap: EventHeap,
    private readonly random: Random,
    readonly latencies: Latencies = defaultLatencies,
  ) {}

  zone(host: HostName, zone: string): void {
    this.zones.set(host, zone);
  }

  attach(host: HostName, receiver: WireReceiver): void {
    this.receivers.set(host, {
      receive: (envelope) => {
        this.tap?.arrived(host, envelope);
        receiver.receive(envelope);
      },
      disconnected: (peer) => receiver.disconnected(peer),
    });
    this.silent.delete(host);
    // A machine that is back answers what was meant for its former life with a reset.
    for (const connection of this.connections.values())
      for (const peer of connection.resetting)
        if (peer !== host && (connection.a === host || connection.b === host)) this.reset(connection, host, peer);
  }

  /** The host is gone; peers hear of it at once (its system closes the connections) unless it went silently. */
  detach(host: HostName): void {
    this.receivers.delete(host);
    for (const connection of this.connections.values()) {
      if (connection.a !== host && connection.b !== host) continue;
      const peer = connection.a === host ? connection.b : connection.a;
      const wasEstablished = connection.established;
      this.cut(connection);
      if (wasEstablished && this.receivers.has(peer)) this.reset(connection, host, peer);
    }
  }

  /** Call before detach: peers find out only by keep-alive. */
  silence(host: HostName): void {
    this.silent.add(host);
  }

  setRules(rules: readonly WireRule[]): void {
    this.rules = rules;
    for (const link of [...this.links.values()].flatMap((links) => [...links.values()])) {
      const { held, clogged } = link;
      if (held.length > 0) link.held = [];
      for (const envelope of held) this.sendOnConnection(link, envelope);
      if (clogged.length > 0) link.clogged = [];
      for (const envelope of clogged) this.sendDatagram(link, envelope);
    }
    for (const connection of this.connections.values()) this.watch(connection);
  }

  send(from: HostName, to: HostName, envelope: Envelope): void {
    this.counts.sent++;
    this.tap?.sent(from, to, envelope);
    const link = this.link(from, to);
    link.packets++;
    if (isDatagram(envelope)) this.sendDatagram(link, envelope);
    else this.sendOnConnection(link, envelope);
  }

  private sendDatagram(link: Link, envelope: Envelope): void {
    const { from, to } = link;
    this.judging = envelope;
    const verdict = judge(this.rules, envelope, from, to, link.passing, this.took);
    if (verdict.type === "clogged") {
      this.counts.held++;
      link.clogged.push(envelope);
      return;
    }
    if (verdict.type === "blocked" || verdict.afterUs.length === 0) {
      this.counts.lost++;
      return;
    }
    const damage = verdict.damaged ? link.passing.draw("wrong bit") : null;
    const { afterUs } = verdict;
    if (afterUs.length > 1) this.counts.doubled++;
    for (let copy = 0; copy < afterUs.length; copy++)
      this.heap.after(this.latencyUs(link, copy) + afterUs[copy]!, () => {
        const heard = this.heard(from, to, envelope, damage);
        if (heard !== undefined) this.receivers.get(to)?.receive(heard);
      });
  }

  private sendOnConnection(link: Link, envelope: Envelope): void {
    const { from, to, connection } = link;
    if (!this.receivers.has(to) && from !== to) {
      this.reset(connection, to, from);
      return;
    }
    connection.established = true;
    this.judging = envelope;
    const verdict = judge(this.rules, envelope, from, to, link.passing, this.took);
    if (verdict.type !== "deliver" || link.held.length > 0) {
      this.counts.held++;
      link.held.push(envelope);
      this.watch(connection);
      return;
    }
    // A packet of the new connection shows that the old one is dead. Told later, its end would take the new one's streams along, on one side only.
    for (const peer of connection.resetting) {
      connection.resetting.delete(peer);
      this.receivers.get(peer)?.disconnected(peer === from ? to : from);
    }
    const { epoch } = connection;
    const arrivalUs = Math.max(link.lastArrivalUs, this.heap.nowUs + this.latencyUs(link, 0) + (verdict.afterUs[0] ?? 0));
    link.lastArrivalUs = arrivalUs;
    const damage = verdict.damaged ? link.passing.draw("wrong bit") : null;
    this.heap.at(arrivalUs, () => {
      if (connection.epoch !== epoch) return;
      const heard = this.heard(from, to, envelope, damage);
      if (heard === undefined) this.break(connection);
      else this.receivers.get(to)?.receive(heard);
    });
  }

  /** What the host makes of a frame that reached it; undefined where it refuses it. `damage` draws the bit that is wrong. */
  private heard(from: HostName, to: HostName, envelope: Envelope, damage: number | null): Envelope | undefined {
    if (damage === null && this.versions.agree(from, to)) return envelope;
    try {
      if (damage !== null) return damagedInTransit(envelope, damage);
      for (const host of this.versions.others(from, to)) this.took(`version ${host}`);
      return this.versions.translated(from, to, envelope);
    } catch {
      this.took(refusedFrames);
      return undefined;
    }
  }

  private break(connection: Connection): void {
    const { a, b } = connection;
    this.counts.broken++;
    this.cut(connection);
    this.receivers.get(a)?.disconnected(b);
    this.receivers.get(b)?.disconnected(a);
  }

  /** Sees to it that a connection which carries nothing for too long breaks, and only then. */
  private watch(connection: Connection): void {
    const { a, b } = connection;
    const stuck = this.link(a, b).held.length > 0 || this.link(b, a).held.length > 0;
    if (!connection.established || !(stuck || blocks(this.rules, a, b) || blocks(this.rules, b, a))) {
      connection.blockedSinceUs = null;
      return;
    }
    connection.blockedSinceUs ??= this.heap.nowUs;
    if (connection.check !== null) return;
    connection.check = this.heap.at(connection.blockedSinceUs + this.latencies.connectionTimeoutUs, () => {
      connection.check = null;
      if (connection.blockedSinceUs === null) return;
      if (this.heap.nowUs - connection.blockedSinceUs < this.latencies.connectionTimeoutUs) return this.watch(connection);
      this.break(connection);
    });
  }

  /** Tells `peer` that its connection to `gone` is no more: after a round trip, or after the keep-alive when nobody is there to answer. */
  private reset(connection: Connection, gone: HostName, peer: HostName): void {
    const unheard = this.silent.has(gone) || blocks(this.rules, gone, peer) || blocks(this.rules, peer, gone);
    if (unheard && connection.resetting.has(peer)) return;
    connection.resetting.add(peer);
    const delayUs = unheard ? this.latencies.connectionTimeoutUs : 2 * this.latencyUs(this.link(peer, gone), 0);
    this.heap.after(delayUs, () => {
      if (!connection.resetting.delete(peer)) return;
      this.receivers.get(peer)?.disconnected(gone);
    });
  }

  private cut(connection: Connection): void {
    connection.epoch++;
    connection.established = false;
    connection.blockedSinceUs = null;
    this.link(connection.a, connection.b).held = [];
    this.link(connection.b, connection.a).held = [];
  }

  private latencyUs(link: Link, copy: number): number {
    const { from, to } = link;
    if (from === to) return this.latencies.sameHostUs;
    const base = this.zones.get(from) === this.zones.get(to) ? this.latencies.sameZoneUs : this.latencies.otherZoneUs;
    return base + Math.floor(link.passing.draw(copy === 0 ? "latency" : "second latency") * base * 0.5);
  }

  private link(from: HostName, to: HostName): Link {
    let links = this.links.get(from);
    if (links === undefined) this.links.set(from, (links = new Map()));
    let link = links.get(to);
    if (link === undefined) {
      const name = `${from}>${to}`;
      const { heap, random } = this;
      const passing: Passing = {
        get nowUs() {
          return heap.nowUs;
        },
        draw: (purpose) => random.draw(name, purpose, made.packets),
        sentByUs: new Map(),
      };
      const made: Link = {
        from,
        to,
        name,
        connection: this.connection(from, to),
        passing,
        packets: 0,
        lastArrivalUs: 0,
        held: [],
        clogged: [],
      };
      links.set(to, (link = made));
    }
    return link;
  }

  private connection(one: HostName, other: HostName): Connection {
    const [a, b] = one < other ? [one, other] : [other, one];
    const key = `${a}>${b}`;
    let connection = this.connections.get(key);
    if (connection === undefined)
      this.connections.set(
        key,
        (connection = { a, b, epoch: 0, established: false, blockedSinceUs: null, check: null, resetting: new Set() }),
      );
    return connection;
  }
}
