import type { Final, HistoryEvent } from "../history";
import type { JsonSchema } from "../schema";
import type { Cycle } from "./txn/cycle";

/**
 * A check: a claim about every run, written from a guarantee and judged over what really happened, never over what an actor believes.
 * One file each; a line in index.ts makes it known to scenario files.
 */
export interface Check {
  readonly name: string;
  /** The claim, in a sentence. */
  readonly claim: string;
  /** Where the guarantee is written. */
  readonly source: string;
  /** JSON Schema properties of what a scenario may say beside `check`. */
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /**
   * What becomes of it when etcd is made anew of a backup. Where this is left out it begins anew, with the objects that there are then: its claim is about one history.
   * Where it "spans", it sees what comes after as it saw what was before, the restore among it; where "never", no scenario may ask for both.
   */
  readonly acrossRestore?: "spans" | "never";
  /** A condition in its parameters, which is held against the cluster when the scenario is read; fields that are undefined are not said. */
  states?(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  begin(params: Readonly<Record<string, unknown>>): Watcher;
}

/** One check at work on one run. It is a reducer: what it says depends on the events alone. */
export interface Watcher {
  /** Looks at what happened; answers with what is wrong once something is. The first violation is kept. */
  see(event: HistoryEvent): string | undefined;
  /** Judges the run as a whole. */
  end(final: Final): Judgement;
}

export interface Judgement {
  readonly violation?: string;
  /** Where the violation is a cycle of operations: its parts. */
  readonly cycle?: Cycle;
  /** What was seen, for people: "3 elections, no term with two leaders". */
  readonly detail: string;
  /** How many times there was something to judge; a check that never had is no proof, and the run fails. */
  readonly reached: number;
}

export interface CheckResult {
  readonly name: string;
  readonly verdict: "held" | "violated";
  readonly detail: string;
  /** When the violation was seen, -1 where none or only at the end. */
  readonly atUs: number;
  readonly reached: number;
  /** It counts as violated only because it had nothing to judge: nothing is known to be wrong. */
  readonly unproven?: true;
  /** What is violated by a cycle of operations: its parts. */
  readonly cycle?: Cycle;
}

/** Whether something is known to be wrong, not only that there was nothing to judge. */
export function isWrong({ verdict, unproven }: CheckResult): boolean {
  return verdict === "violated" && !unproven;
}

/** Runs one check beside a run: feeds it, keeps the first violation, ends with a result. */
export class CheckRun {
  private violation: string | undefined;
  private atUs = -1;
  private watcher: Watcher;

  constructor(
    readonly label: string,
    private readonly check: Check,
    private readonly params: Readonly<Record<string, unknown>>,
  ) {
    this.watcher = check.begin(params);
  }

  get isViolated(): boolean {
    return this.violation !== undefined;
  }

  /** Whether it goes on when etcd is made anew of a backup. */
  get spansRestore(): boolean {
    return this.check.acrossRestore === "spans";
  }

  /** Forgets what it saw, but not that something was wrong. */
  beginAnew(): void {
    this.watcher = this.check.begin(this.params);
  }

  /** What is wrong, when this event is what first violated the check. */
  see(event: HistoryEvent): string | undefined {
    if (this.violation !== undefined) return undefined;
    this.violation = this.watcher.see(event);
    if (this.violation !== undefined) this.atUs = event.atUs;
    return this.violation;
  }

  /** Judges what was seen. Of a run that was stopped before its end only what is wrong already counts. */
  end(final: Final, stopped = false): CheckResult {
    if (stopped && this.violation === undefined)
      return { name: this.label, verdict: "held", detail: "not violated so far", atUs: -1, reached: 0 };
    const { violation: atEnd, cycle, detail, reached } = this.watcher.end(final);
    const violation = this.violation ?? atEnd;
    if (violation !== undefined) {
      const shown = cycle && this.violation === undefined ? { cycle } : {};
      return { name: this.label, verdict: "violated", detail: violation, atUs: this.atUs, reached, ...shown };
    }
    if (reached === 0)
      return {
        name: this.label,
        verdict: "violated",
        detail: `nothing happened that it could judge (${detail}): this run proves nothing`,
        atUs: -1,
        reached,
        unproven: true,
      };
    return { name: this.label, verdict: "held", detail, atUs: -1, reached };
  }
}
