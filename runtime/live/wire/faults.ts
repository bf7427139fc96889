import type { HostName } from "../../../protocol/address";
import { type Envelope, isDatagram } from "../../../protocol/envelope";
import { judge, type Passing, type Verdict, type WireRule } from "../../rules";
import type { Cancel, Clock, Random } from "../../world";

/** A connection that carries nothing for this long breaks, as keep-alives see to it. */
export const blockedBreaksAfterUs = 15_000_000;

interface Held {
  readonly envelope: Envelope;
  /** When it may go on; undefined while it is blocked. */
  dueUs: number | undefined;
  damaged: boolean;
}

interface Pair {
  readonly from: HostName;
  readonly to: HostName;
  readonly queue: Held[];
  /** Datagrams that wait until the path is no longer clogged. */
  clogged: Envelope[];
  timer: Cancel | undefined;
  breaking: Cancel | undefined;
  draws: number;
  readonly sentByUs: Map<string, number>;
}

export interface Ends {
  deliver(from: HostName, to: HostName, envelope: Envelope): void;
  /** It arrives with a wrong bit. False where whom it reaches refuses it. */
  deliverDamaged(from: HostName, to: HostName, envelope: Envelope, draw: number): boolean;
  /** A rule did something to a packet. */
  hit?(rule: string, envelope: Envelope): void;
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
  /** Packets to which a rule did something, by the rule's id; also of rules that are gone. */
  readonly ruleCounts = new Map<string, number>();
  readonly count = (id: string) => void this.ruleCounts.set(id, (this.ruleCounts.get(id) ?? 0) + 1);

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly ends: Ends,
    private readonly breaksAfterUs = blockedBreaksAfterUs,
  ) {}

  install(rules: readonly WireRule[]): void {
    this.rules = rules;
    for (const pair of [...this.pairs.values()]) {
      this.pump(pair);
      for (const envelope of pair.clogged.splice(0)) this.sendDatagram(pair, envelope);
    }
  }

  send(from: HostName, to: HostName, envelope: Envelope): void {
    if (this.rules.length === 0 && this.pairs.size === 0) return this.ends.deliver(from, to, envelope);
    const pair = this.pairOf(from, to);
    if (isDatagram(envelope)) return this.sendDatagram(pair, envelope);
    const held: Held = { envelope, dueUs: undefined, damaged: false };
    this.judgeHeld(pair, held);
    pair.queue.push(held);
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
    const { from, to } = pair;
    const verdict = this.judged(pair, envelope);
    if (verdict.type === "clogged") pair.clogged.push(envelope);
    if (verdict.type !== "deliver") return;
    for (const afterUs of verdict.afterUs) {
      const arrive = () => {
        if (verdict.damaged) this.ends.deliverDamaged(from, to, envelope, this.draw(pair, "wrong bit"));
        else this.ends.deliver(from, to, envelope);
      };
      if (afterUs === 0) arrive();
      else this.clock.after(afterUs, arrive);
    }
    this.tidy(pair);
  }

  private pump(pair: Pair): void {
    pair.timer?.cancel();
    pair.timer = undefined;
    for (;;) {
      const head = pair.queue[0];
      if (head === undefined) break;
      if (head.dueUs === undefined) this.judgeHeld(pair, head);
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
      if (!head.damaged) this.ends.deliver(pair.from, pair.to, head.envelope);
      else if (!this.ends.deliverDamaged(pair.from, pair.to, head.envelope, this.draw(pair, "wrong bit"))) return this.break(pair);
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

  /** Notes when a packet of the connection may go on, if it may at all. */
  private judgeHeld(pair: Pair, held: Held): void {
    const verdict = this.judged(pair, held.envelope);
    if (verdict.type !== "deliver") return;
    held.dueUs = this.clock.monotonicUs() + (verdict.afterUs[0] ?? 0);
    held.damaged = verdict.damaged === true;
  }

  private judged(pair: Pair, envelope: Envelope): Verdict {
    pair.draws++;
    const passing: Passing = {
      nowUs: this.clock.monotonicUs(),
      draw: (purpose) => this.draw(pair, purpose),
      sentByUs: pair.sentByUs,
    };
    return judge(this.rules, envelope, pair.from, pair.to, passing, (rule) => {
      this.count(rule);
      this.ends.hit?.(rule, envelope);
    });
  }

  private draw({ from, to, draws }: Pair, purpose: string): number {
    return this.random.draw(`${from}>${to}`, purpose, draws);
  }

  private pairOf(from: HostName, to: HostName): Pair {
    const key = `${from}>${to}`;
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = { from, to, queue: [], clogged: [], timer: undefined, breaking: undefined, draws: 0, sentByUs: new Map() };
      this.pairs.set(key, pair);
    }
    return pair;
  }

  /** With no rules left, pairs that hold nothing are let go, and the wire is bare again. */
  private tidy(pair: Pair): void {
    if (this.rules.length === 0 && pair.queue.length === 0 && pair.clogged.length === 0) this.pairs.delete(`${pair.from}>${pair.to}`);
  }
}
