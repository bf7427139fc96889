import type { Address } from "../protocol/address";
import type { Message } from "../protocol/codec";

/**
 * An actor: a state made at start and a synchronous step. It runs to its end, never waits, and says what it wants through the context.
 * A handler that throws has done nothing: its effects are discarded, the actor loses its memory and starts again from its disk.
 * `undefined` as the return type is deliberate: a handler that returns a promise does not compile.
 */
export interface Actor<Config, State, M extends Message = Message> {
  /** The first part of its addresses: "etcd", "kubelet". */
  readonly role: string;
  /** Makes the state, also after each crash. `recovered` is what the disk kept. Effects are allowed. */
  start(config: Config, ctx: Context<State>, recovered: Recovered): State;
  receive(state: State, input: Input<M>, ctx: Context<State>): undefined;
}

/** Everything that can happen to an actor. Answers to its asks and items of streams it opened go to the continuation given with them. */
export type Input<M extends Message = Message> =
  /** A datagram: may be lost, doubled or late. `bytes` is the size of its body on the wire. */
  | { readonly type: "message"; readonly from: Address; readonly body: M; readonly bytes: number }
  /** An ask: answer it once with `reply` or `refuse`, now or later; unanswered, the asker's deadline answers. */
  | { readonly type: "request"; readonly from: Address; readonly body: M; readonly request: RequestRef; readonly deadlineMs: number }
  /** Somebody opened a stream to this actor: `push` items, `close` it. */
  | { readonly type: "opened"; readonly from: Address; readonly body: M; readonly stream: StreamRef }
  /** An item from the side that opened the stream. */
  | { readonly type: "item"; readonly stream: StreamRef; readonly body: M }
  /** A stream that somebody opened to this actor has ended. */
  | { readonly type: "closed"; readonly stream: StreamRef; readonly reason: CloseReason; readonly detail: string }
  | { readonly type: "timer"; readonly name: string }
  /** A `persist` that carried this token is on disk. */
  | { readonly type: "persisted"; readonly token: string }
  /** The disk refused or failed; nothing that stood in `then` was said. */
  | { readonly type: "diskFailed"; readonly token: string; readonly detail: string };

/** Hold on to it to answer later; it is valid within this incarnation only. */
export interface RequestRef {
  readonly from: Address;
  readonly fromIncarnation: number;
  readonly id: number;
}

export interface StreamRef {
  /** Unique within this incarnation of this actor. */
  readonly key: string;
  readonly peer: Address;
}

/**
 * Why a stream ended. "done": a side closed it. "refused": the other side would not have it. "crashed": the other actor lost its memory.
 * "unreachable": the connection between the hosts broke. "slow": the receiver fell too far behind. "gap": an item was missing.
 */
export type CloseReason = "done" | "refused" | "crashed" | "unreachable" | "slow" | "gap";

/** What becomes of an ask, exactly once. Whether a request that timed out or became unreachable was carried out is unknown. */
export type Answer<M extends Message = Message> =
  | { readonly ok: true; readonly body: M }
  | { readonly ok: false; readonly error: "timeout" | "unreachable" | "refused" | "crashed"; readonly detail: string };

/** What happens on a stream that this actor opened. */
export type StreamInput<M extends Message = Message> =
  | { readonly type: "item"; readonly body: M }
  | { readonly type: "closed"; readonly reason: CloseReason; readonly detail: string };

/** What an actor finds at start: its logs' records from firstIndex on, and its blobs. */
export interface Recovered {
  readonly logs: ReadonlyMap<string, { readonly firstIndex: number; readonly records: readonly Uint8Array[] }>;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

export type DiskOperation =
  /** Records get the indices that follow the last one, beginning with 1. */
  | { readonly type: "append"; readonly log: string; readonly records: readonly Uint8Array[] }
  /** Drops the records before this index. */
  | { readonly type: "dropPrefix"; readonly log: string; readonly beforeIndex: number }
  /** A blob is written in chunks and replaces the old one as a whole with the last chunk. */
  | { readonly type: "writeBlob"; readonly blob: string; readonly chunk: Uint8Array; readonly last: boolean }
  | { readonly type: "deleteBlob"; readonly blob: string };

export type SignRequest =
  /** A signature over the bytes with a key of the cluster, by its name. */
  | { readonly type: "sign"; readonly key: string; readonly bytes: Uint8Array }
  | { readonly type: "verify"; readonly key: string; readonly bytes: Uint8Array; readonly signature: Uint8Array }
  /** Whether a signature is good by somebody else's public key; the algorithm is named as in RFC 7518, "RS256". */
  | {
      readonly type: "verifyWith";
      readonly key: JsonWebKey;
      readonly algorithm: string;
      readonly bytes: Uint8Array;
      readonly signature: Uint8Array;
    }
  /**
   * A certificate over the subject, the names and the public key of a PEM certificate request, signed by the cluster's authority; it never
   * outlives the authority's own. Usages are named as in protocol/key-usages.ts.
   */
  | {
      readonly type: "certificate";
      readonly request: string;
      readonly usages: readonly string[];
      readonly notBeforeMs: number;
      readonly notAfterMs: number;
    }
  /** The public part of a key or the authority's certificate, as PEM. */
  | { readonly type: "public"; readonly key: string };

/** A public key as others publish it (RFC 7517). */
export interface JsonWebKey {
  readonly kty: string;
  readonly kid?: string;
  readonly use?: string;
  readonly alg?: string;
  readonly [member: string]: unknown;
}

export type SignResult =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly valid: boolean; readonly pem: string }
  | { readonly ok: false; readonly detail: string };

/** Ground truth for checks, timelines and walkthroughs: what really happened, whoever believes it. Facts are recorded, never read by actors. */
export interface Fact {
  readonly kind: string;
  readonly [field: string]: unknown;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Everything an actor can want, as data. Bodies are bytes already: what is changed after it was said stays unsaid. */
export type Effect =
  | { readonly type: "send"; readonly to: Address; readonly kind: string; readonly body: Uint8Array }
  | {
      readonly type: "ask";
      readonly to: Address;
      readonly kind: string;
      readonly body: Uint8Array;
      readonly id: number;
      readonly deadlineMs: number;
    }
  | { readonly type: "reply"; readonly request: RequestRef; readonly kind: string; readonly body: Uint8Array }
  | { readonly type: "refuse"; readonly request: RequestRef; readonly detail: string }
  | { readonly type: "open"; readonly to: Address; readonly kind: string; readonly body: Uint8Array; readonly id: number }
  | { readonly type: "push"; readonly stream: StreamRef; readonly kind: string; readonly body: Uint8Array }
  | { readonly type: "close"; readonly stream: StreamRef; readonly reason: "done" | "refused" | "slow"; readonly detail: string }
  | { readonly type: "setTimer"; readonly name: string; readonly delayUs: number }
  | { readonly type: "cancelTimer"; readonly name: string }
  | { readonly type: "persist"; readonly operations: readonly DiskOperation[]; readonly token: string; readonly then: readonly Effect[] }
  | { readonly type: "spawn"; readonly address: Address; readonly config: unknown }
  | { readonly type: "stop"; readonly address: Address }
  | { readonly type: "sign"; readonly request: SignRequest; readonly id: number }
  | { readonly type: "record"; readonly fact: Fact }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string; readonly fields: Readonly<Record<string, unknown>> };

/** What an actor may read of the world, and how it asks for effects. Valid only while its handler runs. */
export interface Context<State> {
  readonly self: Address;
  /** 1 for the first life, one more after each crash or restart. */
  readonly incarnation: number;
  readonly host: string;
  readonly zone: string;
  /** This host's wall clock, which may be wrong or jump: whole microseconds since 1970. For stamps that people read. */
  wallUs(): number;
  /** Never goes back: whole microseconds. For time-outs and durations. */
  monotonicUs(): number;
  /** A draw in [0, 1); `purpose` names the stream, so that draws for one purpose do not shift those for another. */
  random(purpose: string): number;
  /** A whole number from 0 up to but without `bound`. */
  randomInt(purpose: string, bound: number): number;
  /** A random UUID (version 4), as objects' UIDs are. */
  uuid(): string;
  /** Letters and digits as Kubernetes puts behind generateName. */
  randomSuffix(length: number): string;

  /** Answers the size of the body on the wire, in bytes. */
  send(to: Address, body: Message): number;
  ask<M extends Message>(
    to: Address,
    body: Message,
    options: { readonly deadlineMs: number },
    then: (state: State, answer: Answer<M>, ctx: Context<State>) => undefined,
  ): void;
  reply(request: RequestRef, body: Message): void;
  refuse(request: RequestRef, detail: string): void;
  open<M extends Message>(
    to: Address,
    body: Message,
    then: (state: State, input: StreamInput<M>, ctx: Context<State>) => undefined,
  ): StreamRef;
  push(stream: StreamRef, body: Message): void;
  close(stream: StreamRef, reason?: "done" | "refused" | "slow", detail?: string): void;
  /** (Re)sets the timer of that name: after `delayMs` (fractions allowed) of monotonic time a timer input arrives, once. */
  setTimer(name: string, delayMs: number): void;
  cancelTimer(name: string): void;
  /**
   * Persist before you speak: `then` is called at once, only to collect effects, which are performed when the operations are on disk.
   * State that depends on the disk changes when "persisted" arrives with the token.
   */
  persist(operations: readonly DiskOperation[], options?: { readonly token?: string; readonly then?: () => undefined }): void;
  /** Starts another actor on this host; it goes down with this one. The role in the address says which. */
  spawn(address: Address, config: unknown): void;
  stop(address: Address): void;
  sign(request: SignRequest, then: (state: State, result: SignResult, ctx: Context<State>) => undefined): void;
  /**
   * Runs `work`, and what it goes on with in later turns, so that what throws there does not end the actor: what was said since that part
   * began stays unsaid, and `recover` is called instead. For servers, where the request of one must not take the others' down.
   */
  protect(work: () => undefined, recover: (error: unknown, ctx: Context<State>) => undefined): undefined;
  /** What an actor itself keeps to go on with later (in a queue of those who wait), protected as what runs now is. */
  keep<Input>(then: (state: State, input: Input, ctx: Context<State>) => undefined): typeof then;
  record(fact: Fact): void;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Any actor, whatever its configuration and state; what registries hold. */
// biome-ignore lint/suspicious/noExplicitAny: a registry erases configuration and state, which only start and receive of one actor share
export type AnyActor = Actor<any, any, any>;
