import type { HostName } from "../../../protocol/address";
import { type Envelope, isDatagram } from "../../../protocol/envelope";
import { judge, type WireRule } from "../../rules";
import type { Cancel, Clock, Random } from "../../world";

/** A connection that carries nothing for this long breaks, as keep-alives see to it. */
export const blockedBreaksAfterUs = 15_000_000;

interface Held {
  readonly envelope: Envelope;
  /** When it may go on; undefined while it is blocked. */
  dueUs: number | undefined;
}

interface Pair {
  readonly from: HostName;
  readonly to: HostName;
  readonly queue: Held[];
  timer: Cancel | undefined;
  breaking: Cancel | undefined;
  draws: number;
}

export interface Ends {
  deliver(from: HostName, to: HostName, envelope: Envelope): void;
  /** The connection between the two broke under the rules. */
  broke(from: HostName, to: HostName): void;
}

/**
 * The rules in front of a wire. What belongs to a connection keeps its order: a delayed packet delays those behind it, a blocked one holds
 * them until the rule goes away or the connection breaks. Judged once, where a packet sets out.
 */
export class FaultyPath {
  private rules: readonly WireRule[] = [];
  get installed(): readonly WireRule[] {
    return this.rules;
  }

  private readonly pairs = new Map<string, Pair>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly ends: Ends,
    private readonly breaksAfterUs = blockedBreaksAfterUs,
  ) {}

  install(rules: readonly WireRule[]): void {
    this.rules = rules;
    for (const pair of [...this.pairs.values()]) this.pump(pair);
  }

  send(from: HostName, to: HostName, envelope: Envelope): void {
    if (this.rules.length === 0 && this.pairs.size === 0) return this.ends.deliver(from, to, envelope);
    const pair = this.pairOf(from, to);
    if (isDatagram(envelope)) return this.sendDatagram(pair, envelope);
    pair.queue.push({ envelope, dueUs: this.dueUs(pair, envelope) });
    if (pair.queue.length === 1) this.pump(pair);
  }

  /** A host went away: what is held for it or from it is lost. */
  forget(host: HostName): void {
    for (const [key, pair] of this.pairs) {
      if (pair.from !== host && pair.to !== host) continue;
      pair.timer?.cancel();
      pair.breaking?.cancel();
      this.pairs.delete(key);
    }
  }

  private sendDatagram(pair: Pair, envelope: Envelope): void {
    const verdict = judge(this.rules, envelope, pair.from, pair.to, this.draw(pair));
    if (verdict.type === "blocked") return;
    for (const afterUs of verdict.afterUs) {
      if (afterUs === 0) this.ends.deliver(pair.from, pair.to, envelope);
      else this.clock.after(afterUs, () => this.ends.deliver(pair.from, pair.to, envelope));
    }
    this.tidy(pair);
  }

  private pump(pair: Pair): void {
    pair.timer?.cancel();
    pair.timer = undefined;
    for (;;) {
      const head = pair.queue[0];
      if (head === undefined) break;
      head.dueUs ??= this.dueUs(pair, head.envelope);
      if (head.dueUs === undefined) {
        pair.breaking ??= this.clock.after(this.breaksAfterUs, () => this.break(pair));
        return;
      }
      const waitUs = head.dueUs - this.clock.monotonicUs();
      if (waitUs > 0) {
        pair.timer = this.clock.after(waitUs, () => this.pump(pair));
        break;
      }
      pair.queue.shift();
      this.ends.deliver(pair.from, pair.to, head.envelope);
    }
    pair.breaking?.cancel();
    pair.breaking = undefined;
    this.tidy(pair);
  }

  private break(pair: Pair): void {
    for (const [from, to] of [
      [pair.from, pair.to],
      [pair.to, pair.from],
    ] as const) {
      const direction = this.pairs.get(`${from}>${to}`);
      direction?.timer?.cancel();
      direction?.breaking?.cancel();
      this.pairs.delete(`${from}>${to}`);
    }
    this.ends.broke(pair.from, pair.to);
  }

  private dueUs(pair: Pair, envelope: Envelope): number | undefined {
    const verdict = judge(this.rules, envelope, pair.from, pair.to, this.draw(pair));
    return verdict.type === "blocked" ? undefined : this.clock.monotonicUs() + (verdict.afterUs[0] ?? 0);
  }

  private draw(pair: Pair): (purpose: string) => number {
    const index = pair.draws++;
    return (purpose) => this.random.draw(`${pair.from}>${pair.to}`, purpose, index);
  }

  private pairOf(from: HostName, to: HostName): Pair {
    const key = `${from}>${to}`;
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = { from, to, queue: [], timer: undefined, breaking: undefined, draws: 0 };
      this.pairs.set(key, pair);
    }
    return pair;
  }

  /** With no rules left, pairs that hold nothing are let go, and the wire is bare again. */
  private tidy(pair: Pair): void {
    if (this.rules.length === 0 && pair.queue.length === 0) this.pairs.delete(`${pair.from}>${pair.to}`);
  }
}
