import type { Aim, Target } from "../aim";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import type { HostFacts, Mode, Role } from "../target";

export type Params = Readonly<Record<string, unknown>>;

/** A fault: something that a storm does to a world. One file each; a line in index.ts makes it known to scenario files. */
export interface Fault {
  readonly name: string;
  /** What happens, in a sentence or two, for `describe` and for whoever reads a report. */
  readonly what: string;
  /** JSON Schema properties of what a step may say beside `at`, `for` and `target`. */
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /** What its target selects; hosts where it does not say. */
  readonly aims?: Aim;
  /** Whether a host has a second member of etcd while it lasts: whatever else takes the host then takes two votes, which the budget does not allow. */
  readonly doublesVotes?: true;
  /** Whether a host that suffers it counts as lost in the fault budget: it can neither vote nor serve. */
  readonly silences: boolean;
  /** Which of its targets count as lost, where that is not all of them. */
  silenced?(hosts: readonly HostFacts[], targets: readonly string[], params: Params): readonly string[];
  /** Whether a host that suffers it may lose its copy of the data: it counts as lost until the fault says that it is mended. */
  readonly damages?: boolean;
  /** Whether the store goes back to an earlier state, which some checks cannot judge. */
  readonly endsHistory?: true;
  /** How a swarm draws it; it does not where this is left out. */
  readonly swarm?: Drawing;
  /** Begins. `targets` are names of what it aims at; `id` is unique in the run. What it returns undoes it. */
  begin(tank: Tank, targets: readonly string[], params: Params, id: string): Ongoing;
}

/** How a seed draws a fault: whom it may hit, and with what parameters. `d` is a draw in [0, 1). */
export interface Drawing {
  /** One of these roles is hit: a host of it, or as many as the mode says. */
  readonly roles?: readonly Role[];
  readonly mode?: Mode;
  /** For what does not aim at hosts of a role. */
  target?(d: number): Target;
  params?(d: number): Params;
}

export interface Ongoing {
  /** Undoes the fault and says what it did: "312 packets lost"; "" when it did nothing. Called exactly once. */
  end(): string;
  /** What it has done up to now, of faults that may stand in the middle of a host of another process. */
  soFar?(): string;
  /** Of a fault that comes to an end of its own: whether there is nothing more to come. */
  isOver?(): boolean;
  /** Of a fault that damages data or doubles votes: whether all copies are whole again, and each host has one vote, which may take a while after its end. */
  isMended?(): boolean;
}

/** "1 packet lost", "312 packets lost"; "" for none. */
export function count(amount: number, singular: string, rest: string, plural = `${singular}s`): string {
  return amount === 0 ? "" : `${amount} ${amount === 1 ? singular : plural} ${rest}`;
}

/** Joins what happened, leaving out what did not. */
export function listed(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(", ");
}
