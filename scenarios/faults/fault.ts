import type { HostName } from "../../protocol/address";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";

export type Params = Readonly<Record<string, unknown>>;

/** A fault: something that a storm does to a world. One file each; a line in index.ts makes it known to scenario files. */
export interface Fault {
  readonly name: string;
  /** What happens, in a sentence or two, for `describe` and for whoever reads a report. */
  readonly what: string;
  /** JSON Schema properties of what a step may say beside `at`, `for` and `target`. */
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /** Whether a host that suffers it counts as lost in the fault budget: it can neither vote nor serve. */
  readonly silences: boolean;
  /** Begins. `id` is unique in the run. What it returns undoes it. */
  begin(tank: Tank, hosts: readonly HostName[], params: Params, id: string): Ongoing;
}

export interface Ongoing {
  /** Undoes the fault and says what it did: "312 packets lost"; "" when it did nothing. Called exactly once. */
  end(): string;
}

/** "1 packet lost", "312 packets lost"; "" for none. */
export function count(amount: number, singular: string, rest: string, plural = `${singular}s`): string {
  return amount === 0 ? "" : `${amount} ${amount === 1 ? singular : plural} ${rest}`;
}

/** Joins what happened, leaving out what did not. */
export function listed(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(", ");
}
