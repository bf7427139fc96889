import { type ActorSystemRef, dispatch, type Ref, spawn, start, stop } from "nact";
import type { HostName } from "../../protocol/address";
import { type Cell, type Delivery, laneOf } from "../cell";
import type { Dispatcher, Host } from "../host";

/** After so many deliveries, or so long, a cell lets the others and the sockets have their turn. */
const turnsPerWakeMax = 128;
const wakeMaxMs = 5;
/** After all cells together have had so long in one round of the event loop, each that is still to come has a few turns of it and waits for the next round. */
const roundMaxMs = 10;
const turnsAtLeast = 8;

/** Deliveries that wait for one cell, and the nact actor that is woken for them. */
interface Mailbox {
  readonly host: Host;
  readonly cell: Cell;
  readonly begun: Queue<Delivery>;
  readonly new: Queue<Delivery>;
  readonly actor: Ref<"wake">;
  /** A wake-up is under way or running. */
  awake: boolean;
}

/** A host whose processor is slow: until when it is busy with the turns that it has given. */
interface Slowness {
  readonly factor: number;
  untilMs: number;
}

/**
 * Live turns: one nact actor for each incarnation of a cell, spawned flat under one system. Its message is only a wake-up; deliveries wait in
 * our own lanes, and nothing that a handler throws ever reaches nact.
 */
export class NactDispatcher implements Dispatcher {
  private readonly system: ActorSystemRef = start({ name: `wavetank-${process.pid}-${process.hrtime.bigint()}` } as never);
  private readonly mailboxes = new Map<Cell, Mailbox>();
  private readonly forgotten = new WeakSet<Cell>();
  private readonly paused = new Set<HostName>();
  private readonly slowed = new Map<HostName, Slowness>();
  /** When the first cell of this round of the event loop was woken; undefined before that. */
  private roundStartedMs: number | undefined;

  enqueue(host: Host, cell: Cell, delivery: Delivery): void {
    if (this.forgotten.has(cell)) return;
    const mailbox = this.mailboxes.get(cell) ?? this.open(host, cell);
    mailbox[laneOf(delivery)].push(delivery);
    this.rouse(mailbox);
  }

  /** Freezes a host, as a virtual machine that is not scheduled: messages and timers pile up. */
  pause(host: HostName): void {
    this.paused.add(host);
  }

  resume(host: HostName): void {
    if (this.paused.delete(host)) this.rouseAll(host);
  }

  /** Lets everything on a host take so many times as long. */
  slow(host: HostName, factor: number): void {
    if (factor > 1) this.slowed.set(host, { factor, untilMs: 0 });
    else if (this.slowed.delete(host)) this.rouseAll(host);
  }

  private rouseAll(host: HostName): void {
    for (const mailbox of this.mailboxes.values()) if (mailbox.host.name === host) this.rouse(mailbox);
  }

  private rouse(mailbox: Mailbox): void {
    if (mailbox.awake || this.paused.has(mailbox.host.name) || mailbox.begun.length + mailbox.new.length === 0) return;
    mailbox.awake = true;
    const slowness = this.slowed.get(mailbox.host.name);
    const waitMs = slowness === undefined ? 0 : slowness.untilMs - performance.now();
    if (waitMs < 1) dispatch(mailbox.actor, "wake");
    else setTimeout(() => this.mailboxes.has(mailbox.cell) && dispatch(mailbox.actor, "wake"), waitMs);
  }

  forget(_host: Host, cell: Cell): void {
    this.forgotten.add(cell);
    const mailbox = this.mailboxes.get(cell);
    if (mailbox === undefined) return;
    this.mailboxes.delete(cell);
    stop(mailbox.actor);
  }

  /** Ends the nact system; nothing has a turn any more. */
  close(): void {
    for (const { host, cell } of [...this.mailboxes.values()]) this.forget(host, cell);
    stop(this.system);
  }

  private open(host: Host, cell: Cell): Mailbox {
    // nact allows letters, digits, "-" and "_" in names; the incarnation keeps a late stop from meeting the next life.
    const name = `${host.name}__${cell.address}__${cell.incarnation}`.replaceAll(
      /[^A-Za-z0-9_-]/g,
      (c) => `_${c.charCodeAt(0).toString(16)}_`,
    );
    const actor = spawn(this.system, (_state: undefined, _wake: "wake") => this.wake(mailbox), name);
    const mailbox: Mailbox = { host, cell, begun: new Queue(), new: new Queue(), actor, awake: false };
    this.mailboxes.set(cell, mailbox);
    return mailbox;
  }

  private wake(mailbox: Mailbox): undefined {
    const { host, cell } = mailbox;
    const startedMs = performance.now();
    const untilMs = Math.min(startedMs + wakeMaxMs, this.roundStart(startedMs) + roundMaxMs);
    const turnsMax = startedMs > untilMs ? turnsAtLeast : turnsPerWakeMax;
    for (let turns = 0; turns < turnsMax; turns++) {
      if (this.paused.has(host.name)) break;
      const delivery = mailbox.begun.shift() ?? mailbox.new.shift();
      if (delivery === undefined || this.forgotten.has(cell)) break;
      const slowness = this.slowed.get(host.name);
      const turnMs = performance.now();
      try {
        host.turn(cell, delivery);
      } catch (error) {
        // A handler's own errors stay inside of turn; this is an effect that could not be performed.
        host.crashActor(cell.address, error);
      }
      if (slowness !== undefined) {
        const nowMs = performance.now();
        slowness.untilMs = Math.max(slowness.untilMs, turnMs) + (nowMs - turnMs) * slowness.factor;
        if (slowness.untilMs - nowMs >= 1) break;
      }
      if (turns % turnsAtLeast === turnsAtLeast - 1 && performance.now() > untilMs) break;
    }
    mailbox.awake = false;
    if (this.mailboxes.has(cell)) this.rouse(mailbox);
    return undefined;
  }

  /**
   * When this round began. Wake-ups are immediates, and the loop runs all of them that it finds in one go: this one, asked for before any cell is
   * woken again, is the first of the next round. It keeps no process alive, and no loop from waiting.
   */
  private roundStart(nowMs: number): number {
    if (this.roundStartedMs !== undefined) return this.roundStartedMs;
    setImmediate(() => {
      this.roundStartedMs = undefined;
    }).unref();
    this.roundStartedMs = nowMs;
    return nowMs;
  }
}

/** First in, first out, without moving what waits. */
class Queue<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined;
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}
