import type { Address, HostName } from "../protocol/address";
import type { Envelope } from "../protocol/envelope";
import type { DiskOperation, Fact, LogLevel, Recovered, SignRequest, SignResult } from "./actor";

/** The ports: all that reaches an actor from outside comes through one of these. Each has a simulated and a live twin. */

export interface Cancel {
  cancel(): void;
}

/** One host's clock. */
export interface Clock {
  /** Whole microseconds since 1970, as this host believes. */
  wallUs(): number;
  /** Whole microseconds that never go back. */
  monotonicUs(): number;
  /** Calls back once, after that much monotonic time. */
  after(delayUs: number, callback: () => void): Cancel;
}

export interface Random {
  /** A draw in [0, 1) that depends on nothing but the seed and these three. */
  draw(who: string, purpose: string, index: number): number;
}

/** What a host learns from the wire. */
export interface WireReceiver {
  receive(envelope: Envelope): void;
  /** The connection to that host broke: what was under way on it is lost, in both directions. */
  disconnected(host: HostName): void;
}

/** Between hosts: datagrams, and one ordered connection for each pair of hosts, made when needed. */
export interface Wire {
  attach(host: HostName, receiver: WireReceiver): void;
  detach(host: HostName): void;
  send(from: HostName, to: HostName, envelope: Envelope): void;
}

/** One host's disk: logs and blobs, apart for each actor. */
export interface Disk {
  recover(actor: Address, done: (recovered: Recovered) => void, failed: (detail: string) => void): void;
  /** Operations of one call are durable together when `done` is called; calls of one actor complete in order. */
  write(actor: Address, operations: readonly DiskOperation[], done: () => void, failed: (detail: string) => void): void;
}

/** Keys and signatures. Signatures are deterministic. */
export interface Secrets {
  perform(request: SignRequest): SignResult;
}

/** Where actors live. */
export interface Directory {
  hostOf(actor: Address): HostName | undefined;
  /** Told by a host when it starts or stops an actor for good; a crash is neither. */
  register(actor: Address, host: HostName): void;
  unregister(actor: Address, host: HostName): void;
}

/** Who listens to what happens: traces, checks, timelines, logs. */
export interface Observer {
  event(host: HostName, event: RuntimeEvent): void;
}

/** One thing that the runtime did; the unit of the trace. */
export type RuntimeEvent =
  | { readonly type: "deliver"; readonly actor: Address; readonly envelope: Envelope }
  | { readonly type: "timer"; readonly actor: Address; readonly name: string }
  | { readonly type: "persisted"; readonly actor: Address; readonly token: string }
  | { readonly type: "started"; readonly actor: Address; readonly incarnation: number }
  | { readonly type: "stopped"; readonly actor: Address; readonly incarnation: number }
  | { readonly type: "crashed"; readonly actor: Address; readonly incarnation: number; readonly error: unknown }
  | { readonly type: "deadLetter"; readonly envelope: Envelope; readonly why: "no such actor" | "old incarnation" | "mailbox full" }
  | { readonly type: "expired"; readonly actor: Address; readonly kind: string; readonly to: Address }
  | { readonly type: "fact"; readonly actor: Address; readonly fact: Fact }
  | {
      readonly type: "log";
      readonly actor: Address;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "hostDown"; readonly detail: string }
  | { readonly type: "hostUp"; readonly detail: string };

/** The ports of one host. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly wire: Wire;
  readonly disk: Disk;
  readonly secrets: Secrets;
  readonly directory: Directory;
  readonly observer: Observer;
}
