import type { Condition } from "./condition";
import { type Expectation, expectationOf, looksAtMessages, type Observation, type Standing, timesIn } from "./expectation";
import { roundsOf, type StormBody, type StormNode, type StormStep } from "./steps";

/** What a director needs of the world in which its storm blows; times count from when the storm began, in microseconds. */
export interface Stage {
  readonly standing: Standing;
  nowUs(): number;
  /** Calls back at that time, before anything else that happens then, in the order of the calls. */
  at(atUs: number, run: () => void): void;
  /** Takes a step, for the `occurrence`th time (from 0). `ended` is called once when it is over, if ever. */
  take(step: StormStep, occurrence: number, ended: () => void): Taken;
  /** Says that a wait was for nothing. */
  missed(node: StormNode, why: string): void;
  /** A draw in [0, 1). */
  draw(purpose: string, index: number): number;
}

export interface Taken {
  /** Ends a fault before its time. */
  end(): void;
  /** Whether the storm lasts until it is over; an action may go on into the calm. */
  readonly lasts: boolean;
}

interface Armed {
  readonly expectation: Expectation;
  readonly readsMessages: boolean;
  readonly fire: () => void;
}

/** A condition that came true at one moment is acted on at the next: whoever saw it is in the middle of an event. */
const reactionUs = 1;
/** A round of a repetition takes at least so long, so that one that does nothing cannot stop the time. */
const roundMinUs = 1_000;

/**
 * Plays a storm as its file nests it: decides when each step begins, waits for conditions, takes branches. It knows nothing of how faults work. What it
 * decides reaches the world only through `take`, and so a recorded schedule of what was taken repeats the storm without it.
 */
export class Director {
  private readonly armed = new Set<Armed>();
  private readonly occurrences = new Map<StormStep, number>();
  /** Nodes that may not overlap and have begun. */
  private readonly underWay = new Set<StormNode>();
  /** Each step as it was taken last; what is over already can be ended again. */
  private readonly taken = new Map<StormStep, Taken>();
  private readonly draws = new Map<StormNode, number>();
  /** What the storm still waits for. */
  private busy = 0;
  private messageReaders = 0;

  constructor(
    private readonly nodes: readonly StormNode[],
    private readonly stage: Stage,
  ) {}

  begin(): void {
    this.together(this.nodes, undefined);
  }

  /** Whether everything has been taken, and every fault that has an end is over. */
  get done(): boolean {
    return this.busy === 0;
  }

  /** Whether somebody waits for a message: only then deliveries need to be shown. */
  get readsMessages(): boolean {
    return this.messageReaders > 0;
  }

  /** Shows what happened to everybody who waits. */
  see(observation: Observation): void {
    if (this.armed.size === 0) return;
    for (const one of [...this.armed]) {
      if (!this.armed.has(one)) continue;
      one.expectation.see(observation);
      if (one.expectation.holds()) one.fire();
    }
  }

  // ——— time and conditions ———

  /** Calls back at a time; until then the storm is not done. */
  private later(atUs: number, run: () => void): void {
    this.busy++;
    this.stage.at(atUs, () => {
      this.busy--;
      run();
    });
  }

  /** Waits for a condition. `then` hears whether it came true within that time; answers with what gives up. */
  private wait(condition: Condition, withinUs: number, then: (held: boolean) => void): () => void {
    const { stage } = this;
    const expectation = expectationOf(condition, stage.standing);
    const readsMessages = looksAtMessages(condition);
    let over = false;
    const finish = (held: boolean | undefined, atUs: number) => {
      if (over) return;
      over = true;
      this.armed.delete(armed);
      if (readsMessages) this.messageReaders--;
      this.busy--;
      if (held !== undefined) this.later(atUs, () => then(held));
    };
    const fire = () => finish(true, stage.nowUs() + reactionUs);
    const armed: Armed = { expectation, readsMessages, fire };
    this.busy++;
    if (readsMessages) this.messageReaders++;
    this.armed.add(armed);
    if (expectation.holds()) fire();
    else {
      const endUs = stage.nowUs() + withinUs;
      const look = () => {
        if (!over && expectation.holds()) fire();
      };
      for (const us of timesIn(condition)) if (us > stage.nowUs() && us < endUs) stage.at(us, look);
      stage.at(endUs, () => {
        look();
        finish(false, endUs);
      });
    }
    return () => finish(undefined, 0);
  }

  // ——— nodes ———

  /** Begins nodes side by side; `then`, where somebody waits for it, is called when all are over. */
  private together(nodes: readonly StormNode[], then: (() => void) | undefined): void {
    let left = nodes.length;
    if (left === 0) return then?.();
    for (const node of nodes) this.start(node, then && (() => void (--left === 0 && then())));
  }

  private oneByOne(nodes: readonly StormNode[], then: (() => void) | undefined, from = 0): void {
    const node = nodes[from];
    if (!node) return then?.();
    const isLast = from === nodes.length - 1;
    this.start(node, isLast ? then : () => this.oneByOne(nodes, then, from + 1));
  }

  /** Begins a node as often as its start says. */
  private start(node: StormNode, then: (() => void) | undefined): void {
    const { atUs, spreadUs, when, times } = node.start;
    const drawn = this.draws.get(node) ?? 0;
    this.draws.set(node, drawn + 1);
    const late = spreadUs === 0 ? 0 : Math.floor(this.stage.draw(`between ${node.path.join(".")}`, drawn) * spreadUs);
    const beginUs = this.stage.nowUs() + atUs + late;
    const rounds = roundsOf(node.start);
    let left = when ? times : rounds.length;
    const over = then && (() => void (--left === 0 && then()));
    if (when) return this.later(beginUs, () => this.whenever(node, when, times, over));
    for (const roundUs of rounds) this.later(beginUs + roundUs, () => this.round(node, over));
  }

  /** One of the times that a node begins at; it is left out while its `unless` holds. Its policy says what becomes of it while the one before it goes on. */
  private round(node: StormNode, over: (() => void) | undefined): void {
    const { unless, policy } = node.start;
    if (unless && expectationOf(unless, this.stage.standing).holds()) return over?.();
    if (policy === "Replace") return this.replace(node, over);
    if (policy === "Allow") return this.afterwards(node, over);
    if (this.underWay.has(node)) return over?.();
    this.underWay.add(node);
    this.afterwards(node, () => {
      this.underWay.delete(node);
      over?.();
    });
  }

  /** Ends the round before it, if that goes on, and begins when it has ended. */
  private replace(node: StormNode, over: (() => void) | undefined): void {
    const before = node.body.type === "step" ? this.taken.get(node.body.step) : undefined;
    if (!before) return this.afterwards(node, over);
    before.end();
    this.later(this.stage.nowUs() + 2 * reactionUs, () => this.afterwards(node, over));
  }

  private whenever(node: StormNode, when: NonNullable<StormNode["start"]["when"]>, left: number, over: (() => void) | undefined): void {
    const armedUs = this.stage.nowUs();
    this.wait(when.condition, when.withinUs, (held) => {
      if (!held) {
        if (!when.mayMiss) this.stage.missed(node, `what it waits for did not come true within ${when.withinUs / 1e6} s`);
        for (let n = 0; n < left; n++) over?.();
        return;
      }
      this.afterwards(node, over);
      if (left > 1)
        this.later(Math.max(this.stage.nowUs() + roundMinUs, armedUs + node.start.everyUs), () =>
          this.whenever(node, when, left - 1, over),
        );
    });
  }

  private afterwards(node: StormNode, over: (() => void) | undefined): void {
    const { afterUs } = node.start;
    if (afterUs === 0) this.play(node, over);
    else this.later(this.stage.nowUs() + afterUs, () => this.play(node, over));
  }

  private play(node: StormNode, then: (() => void) | undefined): void {
    const { body } = node;
    switch (body.type) {
      case "step":
        return this.take(body.step, then);
      case "serial":
        return this.oneByOne(body.nodes, then);
      case "parallel":
        return this.together(body.nodes, then);
      case "branch": {
        const holds = expectationOf(body.condition, this.stage.standing).holds();
        return this.oneByOne(holds ? body.then : body.otherwise, then);
      }
      case "repeat":
        return this.repeat(node, body, then);
      case "wait":
        this.wait(body.condition, body.withinUs, (held) => {
          if (!held && !body.mayMiss) this.stage.missed(node, `what it waits for did not come true within ${body.withinUs / 1e6} s`);
          then?.();
        });
        return;
    }
  }

  private repeat(node: StormNode, body: Extract<StormBody, { readonly type: "repeat" }>, then: (() => void) | undefined): void {
    const { nodes, times, until } = body;
    // It counts from the begin of the first round.
    const expectation = until && expectationOf(until, this.stage.standing);
    const armed = expectation && { expectation, readsMessages: looksAtMessages(until), fire: () => undefined };
    if (armed) this.armed.add(armed);
    if (armed?.readsMessages) this.messageReaders++;
    const end = () => {
      if (armed) this.armed.delete(armed);
      if (armed?.readsMessages) this.messageReaders--;
      then?.();
    };
    const round = (left: number) => {
      const begunUs = this.stage.nowUs();
      this.busy++;
      this.oneByOne(nodes, () => {
        this.busy--;
        if (left <= 1 || expectation?.holds()) return end();
        const nextUs = Math.max(this.stage.nowUs(), begunUs + Math.max(roundMinUs, node.start.everyUs));
        this.later(nextUs, () => round(left - 1));
      });
    };
    round(times);
  }

  private take(step: StormStep, then: (() => void) | undefined): void {
    const occurrence = this.occurrences.get(step) ?? 0;
    this.occurrences.set(step, occurrence + 1);
    let counts = false;
    let over = false;
    let giveUp: (() => void) | undefined;
    const taken = this.stage.take(step, occurrence, () => {
      // A fault without an end of its own counts as over at once; one that replaces it may end it later.
      if (over) return;
      over = true;
      giveUp?.();
      if (counts) this.busy--;
      if (then) this.later(this.stage.nowUs(), then);
    });
    this.taken.set(step, taken);
    if (over) return;
    counts = taken.lasts || then !== undefined;
    if (counts) this.busy++;
    if (step.type !== "fault" || !step.until) return;
    giveUp = this.wait(step.until, step.forUs ?? Number.POSITIVE_INFINITY, (held) => {
      if (held) taken.end();
    });
  }
}
