import type { Address, HostName } from "../protocol/address";
import type { Envelope } from "../protocol/envelope";
import type { Answer, AnyActor, Context, Recovered, RequestRef, SignResult, StreamInput } from "./actor";
import type { Cancel } from "./world";

/** Something that waits for an actor's turn. */
export type Delivery =
  | { readonly type: "start"; readonly recovered: Recovered }
  | { readonly type: "envelope"; readonly envelope: Envelope }
  | { readonly type: "answer"; readonly id: number; readonly answer: Answer }
  | { readonly type: "signed"; readonly id: number; readonly result: SignResult }
  | { readonly type: "timer"; readonly name: string; readonly generation: number }
  | { readonly type: "persisted"; readonly token: string }
  | { readonly type: "diskFailed"; readonly token: string; readonly detail: string }
  /** From a gateway, which stands in the real world and speaks through an actor of its own. */
  | { readonly type: "call"; readonly run: (ctx: Context<unknown>) => void }
  | { readonly type: "streamBroken"; readonly key: string; readonly reason: "unreachable" | "slow"; readonly detail: string };

/**
 * Two lanes keep an actor that drowns in requests able to finish what it began: "begun" holds answers, timers, disk completions and
 * the items of streams it opened; "new" holds requests, datagrams and what openers send, and only it is bounded.
 */
export type Lane = "begun" | "new";

export function laneOf(delivery: Delivery): Lane {
  if (delivery.type !== "envelope") return "begun";
  const { operation, fromOpener } = delivery.envelope;
  // What an opener sends must not overtake its own open.
  return operation === "tell" || operation === "ask" || operation === "open" || fromOpener ? "new" : "begun";
}

export interface PendingAsk {
  readonly to: Address;
  readonly toHost: HostName | undefined;
  readonly kind: string;
  readonly deadline: Cancel;
  readonly then: (state: unknown, answer: Answer, ctx: Context<unknown>) => undefined;
}

/** How many items a side may send before the other has handled them, and how many may wait beyond that before the stream is cut. */
export const streamWindowItems = 256;
export const streamBacklogItems = 4096;

export interface Stream {
  readonly key: string;
  readonly id: number;
  readonly opener: boolean;
  /** What it was opened with, where others opened it. */
  readonly opening: Envelope | null;
  readonly peer: Address;
  readonly peerHost: HostName | undefined;
  /** 0 until the acceptor was first heard of. */
  peerIncarnation: number;
  nextOut: number;
  nextIn: number;
  /** How many more items may be sent now. */
  credit: number;
  /** Items taken in since credit was last given back. */
  taken: number;
  readonly waiting: { readonly kind: string; readonly body: Uint8Array }[];
  /** Set when this side has closed but items still wait for credit. */
  closing: { readonly reason: "done" | "refused" | "slow"; readonly detail: string } | null;
  readonly then: ((state: unknown, input: StreamInput, ctx: Context<unknown>) => undefined) | null;
  /** Told, outside of turns, that the receiver has made room for so many more items. */
  credited: ((items: number) => void) | null;
}

/** An actor's place on a host: what survives its turns, and what a crash takes away. */
export interface Cell {
  readonly address: Address;
  readonly actor: AnyActor;
  readonly config: unknown;
  readonly parent: Address | null;
  incarnation: number;
  /** "starting" until the disk was read and start has run; deliveries wait in `held`. */
  phase: "starting" | "running" | "down" | "stopped";
  state: unknown;
  readonly held: Delivery[];
  /** Deliveries of the bounded lane that were enqueued and have not had their turn. */
  queued: number;
  nextId: number;
  readonly draws: Map<string, number>;
  readonly asks: Map<number, PendingAsk>;
  readonly signs: Map<number, (state: unknown, result: SignResult, ctx: Context<unknown>) => undefined>;
  readonly inbound: Map<string, { readonly request: RequestRef; readonly expiresUs: number }>;
  readonly streams: Map<string, Stream>;
  readonly timers: Map<string, { readonly generation: number; readonly cancel: Cancel }>;
  /** Told, outside of turns, that this incarnation is over. */
  readonly whenGone: (() => void)[];
  /** Consecutive crashes, for back-off, and when it last started. */
  crashes: number;
  startedUs: number;
}

export function newCell(address: Address, actor: AnyActor, config: unknown, parent: Address | null, incarnation: number): Cell {
  return {
    address,
    actor,
    config,
    parent,
    incarnation,
    phase: "starting",
    state: undefined,
    held: [],
    queued: 0,
    nextId: 1,
    draws: new Map(),
    asks: new Map(),
    signs: new Map(),
    inbound: new Map(),
    streams: new Map(),
    timers: new Map(),
    whenGone: [],
    crashes: 0,
    startedUs: 0,
  };
}

export function requestKey(request: RequestRef): string {
  return `${request.from}#${request.fromIncarnation}:${request.id}`;
}

export function acceptedKey(from: Address, fromIncarnation: number, id: number): string {
  return `from ${from}#${fromIncarnation}:${id}`;
}
