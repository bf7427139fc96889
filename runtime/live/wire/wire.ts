import type { HostName } from "../../../protocol/address";
import { encodeEnvelope } from "../../../protocol/codec";
import { type Envelope, isDatagram } from "../../../protocol/envelope";
import type { PacketTap } from "../../packet-tap";
import type { WireRule } from "../../rules";
import { damagedInTransit, refusedFrames, SpokenVersions } from "../../versions";
import type { Cancel, Clock, Random, Wire, WireReceiver } from "../../world";
import { blockedBreaksAfterUs, FaultyPath } from "./faults";
import type { Link } from "./link";

/** Who carries packets on when their host is not in this process, and tells hosts elsewhere that a connection broke. */
export interface Routes {
  /** The link that leads to a host, or undefined where there is none now. */
  linkTo(host: HostName): Link | undefined;
  /** Hosts of other processes must learn that these, of this process, are gone. */
  hostsGone(hosts: readonly HostName[]): void;
  /** Host `at`, in another process, must learn that its connection to `gone` broke. */
  brokenAt(at: HostName, gone: HostName): void;
}

const nowhere: Routes = { linkTo: () => undefined, hostsGone: () => undefined, brokenAt: () => undefined };

/**
 * The wire of one process. Between hosts of the process envelopes are handed over as they are; to other processes they go as frames on the
 * link that leads there. The connection between two hosts is the order in which one process' link carries their packets.
 */
export class LiveWire implements Wire {
  private readonly receivers = new Map<HostName, WireReceiver>();
  private readonly path: FaultyPath;
  /** Connections that are broken, which their senders have yet to be told. */
  private readonly breaking = new Set<string>();
  /** Hosts that vanished without a word, as machines do that lose power; each with when its peers give it up. */
  private readonly silent = new Map<HostName, Cancel>();
  /** Hosts of this process that speak another version of the protocol. */
  readonly versions = new SpokenVersions();
  routes: Routes = nowhere;
  tap: PacketTap | undefined;

  /** `connectionTimeoutUs`: how long a connection may be blocked before it breaks. */
  constructor(
    private readonly clock: Clock,
    random: Random,
    private readonly connectionTimeoutUs = blockedBreaksAfterUs,
  ) {
    const ends = {
      deliver: (from: HostName, to: HostName, envelope: Envelope) => this.carry(from, to, envelope),
      deliverDamaged: (from: HostName, to: HostName, envelope: Envelope, draw: number) => {
        try {
          this.carry(from, to, damagedInTransit(envelope, draw));
          return true;
        } catch {
          this.path.count(refusedFrames);
          return false;
        }
      },
      hit: (rule: string, envelope: Envelope) => this.tap?.hit(rule, envelope),
      broke: (from: HostName, to: HostName) => {
        this.refuse(from, to);
        this.refuse(to, from);
      },
    };
    this.path = new FaultyPath(clock, random, ends, connectionTimeoutUs);
  }

  attach(host: HostName, receiver: WireReceiver): void {
    // A machine that is back answers what was meant for its former life with a reset.
    if (this.silent.has(host)) this.gone(host);
    this.receivers.set(host, {
      receive: (envelope) => {
        this.tap?.arrived(host, envelope);
        receiver.receive(envelope);
      },
      disconnected: (peer) => receiver.disconnected(peer),
    });
  }

  detach(host: HostName): void {
    if (this.receivers.delete(host) && !this.silent.has(host)) this.gone(host);
  }

  /** Call before a host is detached: its peers find out only by their keep-alives, or when it is back. */
  silence(host: HostName): void {
    if (!this.silent.has(host))
      this.silent.set(
        host,
        this.clock.after(this.connectionTimeoutUs, () => this.gone(host)),
      );
  }

  private gone(host: HostName): void {
    this.silent.get(host)?.cancel();
    this.silent.delete(host);
    this.lost([host]);
    this.routes.hostsGone([host]);
  }

  send(from: HostName, to: HostName, envelope: Envelope): void {
    if (!this.receivers.has(from)) return;
    this.tap?.sent(from, to, envelope);
    if (from === to) this.carry(from, to, envelope);
    else if (this.versions.agree(from, to)) this.path.send(from, to, envelope);
    else this.sendTranslated(from, to, envelope);
  }

  /** Between versions that are no neighbours a datagram is lost and a connection breaks. */
  private sendTranslated(from: HostName, to: HostName, envelope: Envelope): void {
    for (const host of this.versions.others(from, to)) this.path.count(`version ${host}`);
    try {
      this.path.send(from, to, this.versions.translated(from, to, envelope));
    } catch {
      this.path.count(refusedFrames);
      if (!isDatagram(envelope)) this.refuse(from, to);
    }
  }

  /** Packets to which a rule did something, by the rule's id. "version HOST": those that crossed versions. */
  get ruleCounts(): ReadonlyMap<string, number> {
    return this.path.ruleCounts;
  }

  /** Faults for what the hosts of this process send; what others send is judged where it sets out. */
  setRules(rules: readonly WireRule[]): void {
    this.path.install(rules);
  }

  get rules(): readonly WireRule[] {
    return this.path.installed;
  }

  localHosts(): readonly HostName[] {
    return [...this.receivers.keys()];
  }

  /** What came over a link for a host of this process. False when there is no such host. */
  arrive(to: HostName, envelope: Envelope): boolean {
    const receiver = this.receivers.get(to);
    receiver?.receive(envelope);
    return receiver !== undefined;
  }

  /** Hosts cannot be reached any more: every host here learns it, and what was held back for them is lost. */
  lost(hosts: readonly HostName[]): void {
    for (const host of hosts) {
      this.path.forget(host);
      for (const receiver of [...this.receivers.values()]) receiver.disconnected(host);
    }
  }

  /** Host `at` of this process learns that its connection to `gone` broke; for one of another process the routes pass it on. */
  breakAt(at: HostName, gone: HostName): void {
    const receiver = this.receivers.get(at);
    if (receiver) receiver.disconnected(gone);
    else this.routes.brokenAt(at, gone);
  }

  private carry(from: HostName, to: HostName, envelope: Envelope): void {
    const datagram = isDatagram(envelope);
    const pair = `${from}>${to}`;
    // What is said before the end of a connection is told belongs to that connection, though the other host may be back.
    if (!datagram && this.breaking.size > 0 && this.breaking.has(pair)) return;
    const receiver = this.receivers.get(to);
    if (receiver) return receiver.receive(envelope);
    if (this.silent.has(to)) return;
    const link = this.routes.linkTo(to);
    if (link?.isOpen) return link.send({ from, to, envelope: encodeEnvelope(envelope) }, datagram);
    if (datagram) return;
    this.refuse(from, to);
  }

  /** As a connection that is refused: told later, because whoever sends is in the middle of something. */
  private refuse(from: HostName, to: HostName): void {
    const pair = `${from}>${to}`;
    this.breaking.add(pair);
    setImmediate(() => {
      this.breaking.delete(pair);
      this.breakAt(from, to);
    });
  }
}
