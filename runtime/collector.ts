import type { Address } from "../protocol/address";
import { encode, type Message } from "../protocol/codec";
import type {
  Answer,
  Context,
  DiskOperation,
  Effect,
  Fact,
  LogLevel,
  RequestRef,
  SignRequest,
  SignResult,
  StreamInput,
  StreamRef,
} from "./actor";
import type { Cell } from "./cell";
import type { Ports } from "./world";

/** Continuations that were given with asks, opens and signs of this turn; the interpreter keeps those whose effects it performs. */
export interface Continuations {
  readonly asks: Map<number, (state: unknown, answer: Answer, ctx: Context<unknown>) => undefined>;
  readonly opens: Map<number, (state: unknown, input: StreamInput, ctx: Context<unknown>) => undefined>;
  readonly signs: Map<number, (state: unknown, result: SignResult, ctx: Context<unknown>) => undefined>;
}

function noContinuations(): Continuations {
  return { asks: new Map(), opens: new Map(), signs: new Map() };
}

type Recover = (error: unknown, ctx: Collector) => undefined;

/**
 * The context of one cell: reads the world through the ports and collects effects. It is open during a turn only; used at another time
 * (from a promise, say) it throws, which is how such a mistake is found.
 */
export class Collector implements Context<unknown> {
  private effects: Effect[] = [];
  private open_ = false;
  /** The last body that was said to several in this turn. */
  private pushed: { readonly body: Message; readonly bytes: Uint8Array } | null = null;
  continuations: Continuations = noContinuations();
  /** Who takes over when what runs now throws. */
  private recover: Recover | null = null;

  constructor(
    private readonly cell: Cell,
    private readonly ports: Ports,
    readonly host: string,
    readonly zone: string,
  ) {}

  /** Runs one turn and returns its effects; when `turn` throws there are none. */
  collect(turn: () => void): readonly Effect[] {
    this.effects = [];
    // Most turns ask nothing, and hardly one does all three: maps for each would cost as much as the rest of it.
    const { asks, opens, signs } = this.continuations;
    if (asks.size > 0 || opens.size > 0 || signs.size > 0)
      this.continuations = {
        asks: asks.size > 0 ? new Map() : asks,
        opens: opens.size > 0 ? new Map() : opens,
        signs: signs.size > 0 ? new Map() : signs,
      };
    this.open_ = true;
    try {
      turn();
      return this.effects;
    } finally {
      this.open_ = false;
      this.effects = [];
      this.pushed = null;
    }
  }

  private add(effect: Effect): void {
    this.mustBeOpen();
    this.effects.push(effect);
  }

  private mustBeOpen(): void {
    if (!this.open_) throw new Error(`${this.cell.address}: the context was used outside of a turn`);
  }

  get self(): Address {
    return this.cell.address;
  }
  get incarnation(): number {
    return this.cell.incarnation;
  }
  wallUs(): number {
    return this.ports.clock.wallUs();
  }
  monotonicUs(): number {
    return this.ports.clock.monotonicUs();
  }

  random(purpose: string): number {
    this.mustBeOpen();
    const index = this.cell.draws.get(purpose) ?? 0;
    this.cell.draws.set(purpose, index + 1);
    return this.ports.random.draw(`${this.cell.address}#${this.cell.incarnation}`, purpose, index);
  }
  randomInt(purpose: string, bound: number): number {
    return Math.floor(this.random(purpose) * bound);
  }
  uuid(): string {
    const hex = (digits: number) =>
      this.randomInt("uuid", 16 ** digits)
        .toString(16)
        .padStart(digits, "0");
    const variant = (8 + this.randomInt("uuid", 4)).toString(16);
    return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(8)}${hex(4)}`;
  }
  randomSuffix(length: number): string {
    // Kubernetes leaves out vowels and look-alikes, so that no words come about.
    const letters = "bcdfghjklmnpqrstvwxz2456789";
    let suffix = "";
    for (let i = 0; i < length; i++) suffix += letters[this.randomInt("suffix", letters.length)];
    return suffix;
  }

  send(to: Address, body: Message): number {
    const encoded = this.encodedOnce(body);
    this.add({ type: "send", to, kind: body.kind, body: encoded });
    return encoded.length;
  }
  ask<S, M extends Message>(
    to: Address,
    body: Message,
    options: { readonly deadlineMs: number },
    then: (state: S, answer: Answer<M>, ctx: Context<S>) => undefined,
  ): void {
    const id = this.cell.nextId++;
    this.add({ type: "ask", to, kind: body.kind, body: encode(body), id, deadlineMs: options.deadlineMs });
    this.continuations.asks.set(id, this.keep(then as never));
  }
  reply(request: RequestRef, body: Message): void {
    this.add({ type: "reply", request, kind: body.kind, body: encode(body) });
  }
  refuse(request: RequestRef, detail: string): void {
    this.add({ type: "refuse", request, detail });
  }
  open<S, M extends Message>(to: Address, body: Message, then: (state: S, input: StreamInput<M>, ctx: Context<S>) => undefined): StreamRef {
    const id = this.cell.nextId++;
    this.add({ type: "open", to, kind: body.kind, body: encode(body), id });
    this.continuations.opens.set(id, this.keep(then as never));
    return { key: `to ${id}`, peer: to };
  }
  push(stream: StreamRef, body: Message): void {
    this.add({ type: "push", stream, kind: body.kind, body: this.encodedOnce(body) });
  }
  /** One message to many is encoded once, where it is frozen and so the same each time. */
  private encodedOnce(body: Message): Uint8Array {
    if (this.pushed?.body === body) return this.pushed.bytes;
    const bytes = encode(body);
    if (Object.isFrozen(body)) this.pushed = { body, bytes };
    return bytes;
  }
  close(stream: StreamRef, reason: "done" | "refused" | "slow" = "done", detail = ""): void {
    this.add({ type: "close", stream, reason, detail });
  }
  setTimer(name: string, delayMs: number): void {
    if (!(delayMs >= 0)) throw new Error(`${this.cell.address}: timer ${name}: ${delayMs} ms is not a delay`);
    this.add({ type: "setTimer", name, delayUs: Math.round(delayMs * 1000) });
  }
  cancelTimer(name: string): void {
    this.add({ type: "cancelTimer", name });
  }
  persist(operations: readonly DiskOperation[], options: { readonly token?: string; readonly then?: () => undefined } = {}): void {
    const outer = this.effects;
    const then: Effect[] = [];
    this.effects = then;
    try {
      options.then?.();
    } finally {
      this.effects = outer;
    }
    this.add({ type: "persist", operations, token: options.token ?? "", then });
  }
  spawn(address: Address, config: unknown): void {
    this.add({ type: "spawn", address, config });
  }
  stop(address: Address): void {
    this.add({ type: "stop", address });
  }
  sign<S>(request: SignRequest, then: (state: S, result: SignResult, ctx: Context<S>) => undefined): void {
    const id = this.cell.nextId++;
    this.add({ type: "sign", request, id });
    this.continuations.signs.set(id, this.keep(then as never));
  }
  protect(work: () => undefined, recover: (error: unknown, ctx: never) => undefined): undefined {
    const outer = this.recover;
    const said = this.effects.length;
    this.recover = recover as Recover;
    try {
      return work();
    } catch (error) {
      this.effects.length = said;
      this.recover = outer;
      return (recover as Recover)(error, this);
    } finally {
      this.recover = outer;
    }
  }
  keep<S, Input>(then: (state: S, input: Input, ctx: Context<S>) => undefined): typeof then {
    const { recover } = this;
    if (recover === null) return then;
    return (state, input, ctx) => ctx.protect(() => then(state, input, ctx), recover as never);
  }
  record(fact: Fact): void {
    this.add({ type: "record", fact });
  }
  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.add({ type: "log", level, message, fields });
  }
}
