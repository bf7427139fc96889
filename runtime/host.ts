import type { Address, HostName } from "../protocol/address";
import { roleOf } from "../protocol/address";
import { decode, type Message } from "../protocol/codec";
import type { Envelope } from "../protocol/envelope";
import type { Answer, AnyActor, Effect, SignResult } from "./actor";
import { type Cell, type Delivery, laneOf, newCell, requestKey } from "./cell";
import { Collector } from "./collector";
import { Conversations } from "./conversations";
import { deliver } from "./delivery";
import { type Fate, type Interposer, type Meddling, noMeddling, performed } from "./interposer";
import { performAll } from "./interpreter";
import type { Cancel, Ports, RuntimeEvent, WireReceiver } from "./world";

/** Decides when a delivery has its turn; it calls `host.turn` once for each, in order within a lane, and never two of one cell at once. */
export interface Dispatcher {
  enqueue(host: Host, cell: Cell, delivery: Delivery): void;
  /** A cell is gone; what waits for it may be dropped. */
  forget?(host: Host, cell: Cell): void;
}

export interface HostOptions {
  readonly name: HostName;
  readonly zone: string;
  readonly ports: Ports;
  readonly dispatcher: Dispatcher;
  /** Every actor that may be placed or spawned here, by role. */
  readonly actors: ReadonlyMap<string, AnyActor>;
  /** Requests and datagrams that may wait for one actor. */
  readonly mailboxMax?: number;
  /** Incarnations count from here on; a process that cannot remember earlier ones passes a number that only grows. */
  readonly incarnationBase?: number;
  /** Kills this host with its disk, as its world does it; without it only the memory is dropped. */
  readonly kill?: (detail: string) => void;
  /** What faults left on this host, where the world makes a new one for each life of it. */
  readonly meddling?: Meddling;
}

const restartDelayMinUs = 100_000;
const restartDelayMaxUs = 30_000_000;
/** An actor that has lived this long is forgiven its earlier crashes. */
const forgivenAfterUs = 60_000_000;

/** A failure domain: some actors with one clock, disk and network interface. Knows no Kubernetes, and not whether it is simulated. */
export class Host implements WireReceiver {
  readonly name: HostName;
  readonly zone: string;
  readonly ports: Ports;
  readonly conversations: Conversations;
  up = false;
  private readonly cells = new Map<Address, Cell>();
  private readonly collectors = new Map<Cell, Collector>();
  private readonly placed = new Map<Address, unknown>();
  private readonly incarnations = new Map<Address, number>();
  private readonly meddling: Meddling;
  private readonly breaks = new Map<HostName, number>();
  private lives = 0;
  private timerGeneration = 0;
  private lastItem: { readonly bytes: Uint8Array; readonly message: Message } | null = null;

  constructor(private readonly options: HostOptions) {
    this.name = options.name;
    this.zone = options.zone;
    this.ports = options.ports;
    this.meddling = options.meddling ?? noMeddling();
    this.conversations = new Conversations({
      hostOf: (actor) => this.ports.directory.hostOf(actor),
      send: (envelope, toHost) => this.send(envelope, toHost),
      enqueue: (cell, delivery) => this.enqueue(cell, delivery),
      monotonicUs: () => this.ports.clock.monotonicUs(),
    });
  }

  /** Says that this actor lives here: it starts with the host, now if the host is up, and again after each crash. */
  place(address: Address, config: unknown): void {
    this.placed.set(address, config);
    this.ports.directory.register(address, this.name);
    if (this.up) this.startCell(address, config, null);
  }

  /** Brings the host up: attaches it to the wire and starts what is placed on it. */
  start(): void {
    if (this.up) return;
    this.up = true;
    this.lives++;
    this.ports.wire.attach(this.name, this);
    this.observe({ type: "hostUp", detail: "" });
    for (const [address, config] of this.placed) this.startCell(address, config, null);
  }

  /** Drops all memory at once, as a killed process does. Nobody here says anything more. */
  crash(detail: string): void {
    if (!this.up) return;
    this.up = false;
    this.ports.wire.detach(this.name);
    for (const cell of [...this.cells.values()]) this.bury(cell, false);
    this.cells.clear();
    this.observe({ type: "hostDown", detail });
  }

  cell(address: Address): Cell | undefined {
    return this.cells.get(address);
  }

  addresses(): readonly Address[] {
    return [...this.cells.keys()];
  }

  /** What starts with this host, whether it is up or not. */
  residents(): readonly Address[] {
    return [...this.placed.keys()];
  }

  /** Makes one actor lose its memory and start again, as a panic would. */
  crashActor(address: Address, error: unknown): void {
    const cell = this.cells.get(address);
    if (cell !== undefined && cell.phase !== "down") this.crashCell(cell, error);
  }

  /** Kills an actor and does not start it again until it is released; the rest of the host goes on. */
  keepDown(address: Address, detail: string): void {
    this.meddling.kept.add(address);
    this.crashActor(address, new Error(detail));
  }

  /** Lets an actor that was kept down start. */
  release(address: Address): void {
    if (!this.meddling.kept.delete(address) || !this.up) return;
    const cell = this.cells.get(address);
    if (cell?.phase === "down") this.startCell(address, cell.config, cell.parent);
    else if (cell === undefined && this.placed.has(address)) this.startCell(address, this.placed.get(address), null);
  }

  /** Takes an actor off this host for good, also while the host is down. */
  remove(address: Address): void {
    this.stop(address);
    if (this.placed.delete(address)) this.ports.directory.unregister(address, this.name);
  }

  /** What a placed actor was configured with. */
  configOf(address: Address): unknown {
    return this.placed.get(address);
  }

  /** Whether no fault stands in the way of this host's actors. */
  get isUnmeddled(): boolean {
    return this.meddling.interposers.none && this.meddling.kept.size === 0;
  }

  /** Puts an interposer between this host's actors and the rest of the world, through all lives of the host, until it is cancelled. */
  interpose(interposer: Interposer): Cancel {
    this.meddling.interposers.add(interposer);
    return { cancel: () => this.meddling.interposers.remove(interposer) };
  }

  /** From the wire. */
  receive(e: Envelope): void {
    if (this.meddling.interposers.none) this.take(e);
    else for (const envelope of this.meddling.interposers.arriving(e)) this.take(envelope);
  }

  private send(envelope: Envelope, toHost: HostName): void {
    if (this.meddling.interposers.none) this.ports.wire.send(this.name, toHost, envelope);
    else
      for (const one of this.meddling.interposers.leaving(envelope))
        this.ports.wire.send(this.name, one === envelope ? toHost : (this.ports.directory.hostOf(one.to) ?? toHost), one);
  }

  /** Gives an envelope to its actor. */
  take(e: Envelope): void {
    if (!this.up) return;
    const cell = this.cells.get(e.to);
    if (cell === undefined || cell.phase === "down" || cell.phase === "stopped") {
      this.deadLetter(e, "no such actor");
      this.conversations.bounce(
        e,
        { address: e.to, incarnation: this.incarnations.get(e.to) ?? 0 },
        "refused",
        `no actor ${e.to} is running`,
      );
      return;
    }
    if (e.toIncarnation !== 0 && e.toIncarnation !== cell.incarnation) {
      this.deadLetter(e, "old incarnation");
      this.conversations.bounce(e, cell, "crashed", `${e.to} has started again`);
      return;
    }
    // Credits change no actor's state: they need no turn.
    if (e.operation === "credit") {
      const stream = this.conversations.find(cell, e);
      if (stream !== undefined) this.conversations.credit(cell, stream, e.sequence);
      return;
    }
    const delivery: Delivery = { type: "envelope", envelope: e };
    if (laneOf(delivery) === "new" && cell.queued >= (this.options.mailboxMax ?? 10_000) && e.operation !== "close") {
      this.deadLetter(e, "mailbox full");
      this.conversations.bounce(e, cell, "refused", `the mailbox of ${e.to} is full`);
      return;
    }
    this.enqueue(cell, delivery);
  }

  /** How often what came from a host was lost: its connection broke, or this host crashed. */
  breaksOf(peer: HostName): number {
    return this.lives + (this.breaks.get(peer) ?? 0);
  }

  disconnected(host: HostName): void {
    this.breaks.set(host, (this.breaks.get(host) ?? 0) + 1);
    for (const cell of this.cells.values()) this.conversations.disconnected(cell, host);
  }

  enqueue(cell: Cell, delivery: Delivery): void {
    if (cell.phase === "starting" && delivery.type !== "start") {
      cell.held.push(delivery);
      return;
    }
    if (laneOf(delivery) === "new") cell.queued++;
    this.options.dispatcher.enqueue(this, cell, delivery);
  }

  /** An item's message. Who has many streams often gets the same bytes on each: they are decoded once, and what is decoded is read-only. */
  decodedItem(bytes: Uint8Array): Message {
    if (this.lastItem?.bytes !== bytes) this.lastItem = { bytes, message: decode(bytes) };
    return this.lastItem.message;
  }

  /** Gives a cell one delivery; called by the dispatcher. Returns false when the cell is gone meanwhile. */
  turn(cell: Cell, delivery: Delivery): boolean {
    if (laneOf(delivery) === "new") cell.queued--;
    if (this.cells.get(cell.address) !== cell || cell.phase === "down" || cell.phase === "stopped") return false;
    const collector = this.collectors.get(cell)!;
    let effects: readonly Effect[];
    try {
      effects = collector.collect(() => deliver(this, cell, delivery, collector));
    } catch (error) {
      this.crashCell(cell, error);
      return true;
    }
    performAll(this, cell, effects, collector.continuations);
    if (delivery.type === "start") this.begin(cell);
    return true;
  }

  // ——— what the interpreter needs ———

  observe(event: RuntimeEvent): void {
    this.ports.observer.event(this.name, event);
  }

  /** What becomes of an effect, by whoever stands between. */
  fateOf(cell: Cell, effect: Effect, synced: boolean): Fate {
    return this.meddling.interposers.none ? performed : this.meddling.interposers.effect(cell.address, effect, synced);
  }

  /** Ends an actor, or this host with its disk, in the middle of its effects. */
  strike(cell: Cell, whom: "actor" | "host", detail: string): void {
    if (whom === "host") this.options.kill ? this.options.kill(detail) : this.crash(detail);
    else if (this.cells.get(cell.address) === cell && cell.phase !== "down") this.crashCell(cell, new Error(detail));
  }

  /** True while this incarnation lives: effects that waited for a disk are said only then. */
  alive(cell: Cell, incarnation: number): boolean {
    return (
      this.cells.get(cell.address) === cell && cell.incarnation === incarnation && (cell.phase === "running" || cell.phase === "starting")
    );
  }

  deadLetter(envelope: Envelope, why: "no such actor" | "old incarnation" | "mailbox full"): void {
    this.observe({ type: "deadLetter", envelope, why });
  }

  setTimer(cell: Cell, name: string, delayUs: number): void {
    cell.timers.get(name)?.cancel.cancel();
    const generation = ++this.timerGeneration;
    const cancel = this.ports.clock.after(delayUs, () => {
      if (cell.timers.get(name)?.generation === generation) this.enqueue(cell, { type: "timer", name, generation });
    });
    cell.timers.set(name, { generation, cancel });
  }

  cancelTimer(cell: Cell, name: string): void {
    cell.timers.get(name)?.cancel.cancel();
    cell.timers.delete(name);
  }

  keepAsk(cell: Cell, effect: Extract<Effect, { type: "ask" }>, then: (state: unknown, answer: Answer, ctx: Collector) => undefined): void {
    const { id, to, kind, deadlineMs } = effect;
    const deadline = this.ports.clock.after(Math.round(deadlineMs * 1000), () =>
      this.enqueue(cell, {
        type: "answer",
        id,
        answer: { ok: false, error: "timeout", detail: `no answer from ${to} within ${deadlineMs} ms` },
      }),
    );
    cell.asks.set(id, { to, toHost: this.ports.directory.hostOf(to), kind, deadline, then: then as never });
  }

  signed(cell: Cell, id: number, result: SignResult): void {
    this.enqueue(cell, { type: "signed", id, result });
  }

  /** Starts a child; one that already runs under this address is stopped first, so that a parent that starts again has fresh children. */
  spawn(parent: Cell, address: Address, config: unknown): void {
    this.stop(address);
    this.ports.directory.register(address, this.name);
    this.startCell(address, config, parent.address);
  }

  stop(address: Address): void {
    const cell = this.cells.get(address);
    if (cell === undefined) return;
    this.conversations.abandon(cell, "stopped");
    this.bury(cell, true);
    cell.phase = "stopped";
    this.cells.delete(address);
    this.placed.delete(address);
    this.ports.directory.unregister(address, this.name);
    this.observe({ type: "stopped", actor: address, incarnation: cell.incarnation });
  }

  // ——— life and death ———

  private startCell(address: Address, config: unknown, parent: Address | null, crashes = 0): void {
    if (this.meddling.kept.has(address)) return;
    const actor = this.options.actors.get(roleOf(address));
    if (actor === undefined)
      throw new Error(`no actor has the role of ${address}; known are ${[...this.options.actors.keys()].join(", ")}`);
    const incarnation = (this.incarnations.get(address) ?? this.options.incarnationBase ?? 0) + 1;
    this.incarnations.set(address, incarnation);
    const cell = newCell(address, actor, config, parent, incarnation);
    cell.crashes = crashes;
    cell.startedUs = this.ports.clock.monotonicUs();
    this.cells.set(address, cell);
    this.collectors.set(cell, new Collector(cell, this.ports, this.name, this.zone));
    this.ports.disk.recover(
      address,
      (recovered) => {
        if (this.cells.get(address) === cell && cell.phase === "starting") this.enqueue(cell, { type: "start", recovered });
      },
      (detail) => {
        if (this.cells.get(address) === cell) this.crashCell(cell, new Error(`disk: ${detail}`));
      },
    );
  }

  private begin(cell: Cell): void {
    if (cell.phase !== "starting") return;
    cell.phase = "running";
    for (const delivery of cell.held.splice(0)) this.enqueue(cell, delivery);
  }

  private crashCell(cell: Cell, error: unknown): void {
    this.observe({ type: "crashed", actor: cell.address, incarnation: cell.incarnation, error });
    this.conversations.abandon(cell, "crashed");
    const now = this.ports.clock.monotonicUs();
    const crashes = now - cell.startedUs > forgivenAfterUs ? 1 : cell.crashes + 1;
    this.bury(cell, false);
    for (const child of [...this.cells.values()]) if (child.parent === cell.address) this.stop(child.address);
    if (cell.parent !== null && !this.cells.has(cell.parent)) return;
    const delayUs = Math.min(restartDelayMinUs * 2 ** (crashes - 1), restartDelayMaxUs);
    this.ports.clock.after(delayUs, () => {
      if (this.up && this.cells.get(cell.address) === cell) this.startCell(cell.address, cell.config, cell.parent, crashes);
    });
  }

  private bury(cell: Cell, children: boolean): void {
    for (const timer of cell.timers.values()) timer.cancel.cancel();
    for (const ask of cell.asks.values()) ask.deadline.cancel();
    cell.timers.clear();
    cell.asks.clear();
    cell.streams.clear();
    cell.inbound.clear();
    cell.held.length = 0;
    cell.phase = "down";
    cell.state = undefined;
    this.collectors.delete(cell);
    this.options.dispatcher.forget?.(this, cell);
    for (const gone of cell.whenGone.splice(0)) gone();
    if (children) for (const child of [...this.cells.values()]) if (child.parent === cell.address) this.stop(child.address);
  }

  /** Answers an ask of this cell; used by the interpreter for replies. */
  answer(cell: Cell, operation: "answer" | "refuse", request: Parameters<typeof requestKey>[0], kind: string, body: Uint8Array): void {
    this.conversations.answer(cell, operation, requestKey(request), kind, body);
  }
}
