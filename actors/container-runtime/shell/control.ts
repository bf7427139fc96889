import type { Branch, Compound, Step } from "./script";
import { expand, fieldsOf, isAssignment, type Piece, type Values, type Word, wordsMax } from "./words";

/**
 * What stands between the commands that a shell has before it: how it goes on where an `if`'s test, a loop's body, a function or a `$(…)` comes to its end. A shell
 * that waits in the middle of all that, for a sleep say, is a list of what is left.
 */
export type Control =
  | { readonly control: "branch"; readonly branch: Branch; readonly others: readonly Branch[]; readonly otherwise: readonly Step[] }
  /** A loop's test has come to its end. */
  | { readonly control: "tested"; readonly loop: Loop; readonly status: number }
  /** A loop's body has; its status is the loop's. */
  | { readonly control: "again"; readonly loop: Loop }
  | {
      readonly control: "each";
      readonly name: string;
      readonly values: readonly string[];
      readonly at: number;
      readonly body: readonly Step[];
    }
  /** A function ends. */
  | { readonly control: "returned"; readonly positional: readonly string[] }
  /** A shell of its own ends: ( … ), or what stands in a pipe. */
  | { readonly control: "shell"; readonly environment: ReadonlyMap<string, string>; readonly positional: readonly string[] }
  /** What was redirected as a whole ends. */
  | { readonly control: "frame"; readonly pipes: boolean }
  | {
      readonly control: "captured";
      readonly step: Step;
      readonly piece: Piece;
      readonly piped: Uint8Array[] | undefined;
      readonly environment: ReadonlyMap<string, string>;
    }
  | { readonly control: "negate" };

export type Loop = Extract<Compound, { readonly is: "while" }>;

export type Queued = Step | Control;

/** Where what is inside of a redirected group writes and reads, where not outside of it. */
export interface Frame {
  readonly out: FrameOutput;
  readonly err: FrameOutput;
  /** What has been written into the pipe or the $(…) behind it. */
  readonly held: Uint8Array[];
  heldBytes: number;
  /** What it reads, and has not read yet. */
  input: Uint8Array | undefined;
}

export type FrameOutput = "stdout" | "stderr" | "nowhere" | "held" | { readonly path: string };

/** All words that are filled in before a step runs. */
export function wordsOf({ words, input, here, outputs, compound }: Step): readonly Word[] {
  const files = [outputs?.out, outputs?.err].flatMap((output) => (typeof output === "object" ? [output.file] : []));
  const inside = compound?.is === "for" ? (compound.words ?? []) : compound?.is === "case" ? [compound.word] : [];
  return [...words, ...inside, ...(input ? [input] : []), ...(here ? [here] : []), ...files];
}

/** The first piece of a step that stands for the output of commands, which are to run first. */
export function pendingPiece(step: Step): Piece | undefined {
  for (const word of wordsOf(step)) for (const piece of word) if (piece.commands) return piece;
  return undefined;
}

/** A step with a text in the place of one of its pieces. */
export function withPiece(step: Step, piece: Piece, text: string): Step {
  const { commands: _, ...rest } = piece;
  const replaced = (word: readonly Piece[]) =>
    word.includes(piece) ? word.map((each) => (each === piece ? { ...rest, text } : each)) : word;
  const { words, input, here, outputs, compound } = step;
  const output = (to: NonNullable<typeof outputs>["out"]) => (typeof to === "object" ? { ...to, file: replaced(to.file) } : to);
  return {
    ...step,
    words: words.map(replaced),
    ...(input ? { input: replaced(input) } : {}),
    ...(here ? { here: replaced(here) } : {}),
    ...(outputs ? { outputs: { out: output(outputs.out), err: output(outputs.err) } } : {}),
    ...(compound?.is === "for" && compound.words ? { compound: { ...compound, words: compound.words.map(replaced) } } : {}),
    ...(compound?.is === "case" ? { compound: { ...compound, word: replaced(compound.word) } } : {}),
  };
}

/** Whether what comes next looks at how the last command ended: then a failure does not end a shell that was told to (`set -e`). */
export function judges(next: Queued): boolean {
  if ("control" in next) return next.control === "branch" || next.control === "tested" || next.control === "negate";
  return next.runs !== "always";
}

/** A step's words, and the variables that are set before them. */
export function filledIn({ words }: Step, values: Values) {
  const end = words.findIndex((word) => !isAssignment(word));
  const before = end < 0 ? words : words.slice(0, end);
  const assigned = before.map((word) => expand(word, values).split(/=(.*)/s) as [string, string]);
  const rest: string[] = [];
  let bytes = 0;
  for (const word of end < 0 ? [] : words.slice(end)) {
    if (bytes > wordsMax) break;
    for (const field of fieldsOf(word, values)) {
      rest.push(field);
      bytes += field.length;
    }
  }
  return { words: rest, assigned };
}
