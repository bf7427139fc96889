import type { Address, HostName } from "../../protocol/address";
import { decode } from "../../protocol/codec";
import type { Envelope, Operation } from "../../protocol/envelope";
import type { PacketTap } from "../../runtime/packet-tap";
import type { RuntimeEvent } from "../../runtime/world";
import type { HistoryEvent } from "../history";
import { timelineOf } from "../timeline";
import { brief } from "./brief";
import { type ClientOperation, type Commit, OperationLog } from "./operations";

/** A message from one host to another. */
export interface CloseMessage {
  readonly from: HostName;
  readonly to: HostName;
  readonly sender: Address;
  readonly receiver: Address;
  readonly kind: string;
  readonly operation: Operation;
  /** The same for all messages of one ask or stream; "" for datagrams. */
  readonly conversation: string;
  readonly sentUs: number;
  /** More than one where it was doubled, none where it never arrived. */
  readonly arrivedUs: readonly number[];
  /** Ids of rules that did something to it. */
  readonly rules: readonly string[];
  readonly bytes: number;
  readonly text: string;
}

/** One turn of an actor. */
export interface CloseTurn {
  readonly host: HostName;
  readonly actor: Address;
  readonly what: string;
  readonly atUs: number;
  readonly tookUs: number;
  /** The message that it handled, by its place in `messages`; -1 where it was another's doing. */
  readonly message: number;
}

/** Something that happened on a host, for the eye. */
export interface CloseMark {
  readonly host: HostName;
  readonly atUs: number;
  readonly tone: string;
  readonly text: string;
}

/** A run around one moment: every message, turn and mark between two times. */
export interface CloseUp {
  readonly aroundUs: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly messages: readonly CloseMessage[];
  readonly turns: readonly CloseTurn[];
  readonly marks: readonly CloseMark[];
  /** Hosts that went down and came up, from the beginning of the run. */
  readonly lives: readonly { readonly host: HostName; readonly atUs: number; readonly up: boolean }[];
  readonly operations: readonly ClientOperation[];
  readonly commits: readonly Commit[];
}

export interface CloseUpLimits {
  readonly beforeUs: number;
  readonly afterUs: number;
  readonly messagesMax: number;
  readonly turnsMax: number;
}

export const closeUpLimits: CloseUpLimits = { beforeUs: 3_000_000, afterUs: 1_000_000, messagesMax: 3000, turnsMax: 12_000 };

/** The share of what is kept that lies before the moment. */
const shareBefore = 0.75;
const operationsMax = 2000;
const marksMax = 1000;
const textMax = 140;

interface Kept extends Omit<CloseMessage, "text"> {
  /** Read only if it is kept to the end. */
  readonly body: Uint8Array;
  readonly arrivedUs: number[];
  readonly rules: string[];
}

/** The world at which it looks. */
export interface CloseView {
  now(): number;
  /** Puts a tap on the wire between hosts. */
  tap(tap: PacketTap): void;
  addObserver(observer: (nowUs: number, host: HostName, event: RuntimeEvent) => void): void;
  /** How long a turn takes that begins now on a host. */
  tookUs(host: HostName): number;
}

/**
 * Watches a world around one moment: one that is known beforehand, from an earlier run of the same simulation, so that a run need not keep all that it does
 * in order to show what led to its end; or one that is said when it has come. Memory is bounded: of too many messages those next to the moment are kept.
 * It changes nothing.
 */
export class CloseUpRecorder {
  private readonly before: Ring<Kept>;
  private readonly turnsBefore: Ring<Omit<CloseTurn, "message"> & { readonly envelope: Envelope | undefined }>;
  private readonly after: Kept[] = [];
  private readonly turnsAfter: (Omit<CloseTurn, "message"> & { readonly envelope: Envelope | undefined })[] = [];
  private readonly byEnvelope = new WeakMap<Envelope, Kept>();
  private marks: CloseMark[] = [];
  private readonly lives: { host: HostName; atUs: number; up: boolean }[] = [];
  private readonly operations = new OperationLog(operationsMax);
  private readonly fromUs: number;

  /** Without a moment it keeps the last of everything, until `look` says that the moment is now. */
  constructor(
    private readonly view: CloseView,
    private aroundUs = Number.POSITIVE_INFINITY,
    private readonly limits: CloseUpLimits = closeUpLimits,
  ) {
    this.fromUs = aroundUs === Number.POSITIVE_INFINITY ? 0 : Math.max(0, aroundUs - limits.beforeUs);
    this.before = new Ring(Math.floor(limits.messagesMax * shareBefore));
    this.turnsBefore = new Ring(Math.floor(limits.turnsMax * shareBefore));
    view.tap({
      sent: (from, to, envelope) => this.sent(from, to, envelope),
      hit: (rule, envelope) => void this.byEnvelope.get(envelope)?.rules.push(rule),
      arrived: (_host, envelope) => void this.byEnvelope.get(envelope)?.arrivedUs.push(view.now()),
    });
    view.addObserver((nowUs, host, event) => this.turn(nowUs, host, event));
  }

  /** Until when it looks. */
  get toUs(): number {
    return this.aroundUs + this.limits.afterUs;
  }

  /** The moment is now; a second one is not looked at. */
  look(): void {
    this.aroundUs = Math.min(this.aroundUs, this.view.now());
  }

  /** For RunInput.onEvent. */
  see(event: HistoryEvent): void {
    this.operations.see(event);
    if (event.type === "host") this.lives.push({ host: event.host, atUs: event.atUs, up: event.up });
    if (event.atUs < this.fromUs || event.atUs > this.toUs) return;
    const line = timelineOf(event);
    if (this.marks.length > 2 * marksMax) this.marks = this.marks.slice(-marksMax);
    for (const host of hostsOf(event)) {
      if (line) this.marks.push({ host, atUs: line.atUs, tone: line.tone, text: line.text });
      else if (event.type === "host")
        this.marks.push({ host, atUs: event.atUs, tone: event.up ? "node" : "trouble", text: event.up ? "starts" : "goes down" });
      else if (event.type === "fact" && event.fact.kind === "raft.role")
        this.marks.push({
          host,
          atUs: event.atUs,
          tone: "leader",
          text: `${event.actor} is ${String(event.fact.role)} in term ${String(event.fact.term)}`,
        });
    }
  }

  /** What was seen, once the simulation has come to `toUs`. */
  closeUp(): CloseUp {
    const kept = [...this.before.items(), ...this.after];
    const messages = kept.map(({ body, ...message }) => ({ ...message, text: body.length === 0 ? "" : brief(decode(body), textMax) }));
    const turns = [...this.turnsBefore.items(), ...this.turnsAfter];
    const places = new Map(kept.map((message, i) => [message, i]));
    const fromUs = this.before.isFull ? (messages[0]?.sentUs ?? this.fromUs) : this.fromUs;
    const isFull = this.after.length >= this.limits.messagesMax * (1 - shareBefore);
    const toUs = isFull ? this.after.at(-1)!.sentUs : Math.min(this.toUs, this.view.now());
    return {
      aroundUs: Math.min(this.aroundUs, this.view.now()),
      fromUs,
      toUs,
      messages,
      turns: turns.map(({ envelope, ...turn }) => ({ ...turn, message: places.get(this.byEnvelope.get(envelope!)!) ?? -1 })),
      marks: this.marks.filter(({ atUs }) => atUs >= fromUs && atUs <= toUs),
      lives: this.lives,
      ...this.operations.all(),
    };
  }

  private sent(from: HostName, to: HostName, envelope: Envelope): void {
    const sentUs = this.view.now();
    if (from === to || sentUs < this.fromUs || sentUs > this.toUs) return;
    const { from: sender, to: receiver, kind, operation, body } = envelope;
    const message: Kept = {
      ...{ from, to, sender, receiver, kind, operation, sentUs, arrivedUs: [], rules: [], bytes: body.length },
      conversation: conversationOf(envelope),
      body,
    };
    if (sentUs <= this.aroundUs) this.before.push(message);
    else if (this.after.length < this.limits.messagesMax * (1 - shareBefore)) this.after.push(message);
    else return;
    this.byEnvelope.set(envelope, message);
  }

  private turn(atUs: number, host: HostName, event: RuntimeEvent): void {
    if (atUs < this.fromUs || atUs > this.toUs) return;
    if (event.type !== "deliver" && event.type !== "timer" && event.type !== "persisted" && event.type !== "started") return;
    const what =
      event.type === "deliver"
        ? event.envelope.kind || event.envelope.operation
        : event.type === "timer"
          ? `timer ${event.name}`
          : event.type;
    const tookUs = Math.max(1, this.view.tookUs(host));
    const turn = { host, actor: event.actor, what, atUs, tookUs, envelope: event.type === "deliver" ? event.envelope : undefined };
    if (atUs <= this.aroundUs) this.turnsBefore.push(turn);
    else if (this.turnsAfter.length < this.limits.turnsMax * (1 - shareBefore)) this.turnsAfter.push(turn);
  }
}

/** The last so many of what is pushed. */
class Ring<T> {
  private kept: T[] = [];
  private count = 0;

  constructor(private readonly max: number) {}

  push(item: T): void {
    this.count++;
    this.kept.push(item);
    if (this.kept.length >= 2 * this.max) this.kept = this.kept.slice(-this.max);
  }

  get isFull(): boolean {
    return this.count > this.max;
  }

  items(): readonly T[] {
    return this.kept.slice(-this.max);
  }
}

function conversationOf(e: Envelope): string {
  if (e.operation === "tell") return "";
  const byOpener = e.operation === "ask" || e.operation === "open" || e.fromOpener;
  const [opener, incarnation] = byOpener ? [e.from, e.fromIncarnation] : [e.to, e.toIncarnation];
  return `${opener}#${incarnation} ${e.id}`;
}

/** The hosts on whose lines an event is marked. */
function hostsOf(event: HistoryEvent): readonly HostName[] {
  switch (event.type) {
    case "fact":
    case "host":
      return [event.host];
    case "fault":
      return event.hosts ?? event.targets;
    case "object":
      return event.after?.kind === "Node" ? [event.after.metadata.name] : [];
    default:
      return [];
  }
}
