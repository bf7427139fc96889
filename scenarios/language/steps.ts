import type { Action } from "../actions/action";
import type { Target } from "../aim";
import type { Fault } from "../faults/fault";
import type { Path } from "../source";
import type { Condition } from "./condition";

export type Params = Readonly<Record<string, unknown>>;

/** What a storm does: a fault or an action. When it does it is said by the node that holds it; it may do it more than once. */
export type StormStep = {
  /** Counts the steps of a scenario in the order of its file; those that a seed draws come after them. */
  readonly index: number;
  readonly path: Path;
  readonly params: Params;
} & (
  | {
      readonly type: "fault";
      readonly fault: Fault;
      readonly target: Target;
      /** undefined where the fault lasts until the calm. */
      readonly forUs: number | undefined;
      /** Ends the fault earlier than `forUs`. */
      readonly until: Condition | undefined;
      /** Whether it is fine that the selector matches nothing when its time comes. */
      readonly mayMiss: boolean;
    }
  | { readonly type: "action"; readonly action: Action }
);

/** As of CronJobs: both go on; the new one is left out; the old one is ended. */
export type ConcurrencyPolicy = "Allow" | "Forbid" | "Replace";

/** When a node begins, counted from when its block did (in a serial block: from when the node before it ended). */
export interface Start {
  readonly atUs: number;
  /** Each run draws how much later than `atUs`, up to so much. */
  readonly spreadUs: number;
  /** From then on it waits for this. */
  readonly when: { readonly condition: Condition; readonly withinUs: number; readonly mayMiss: boolean } | undefined;
  /** And so long after it. */
  readonly afterUs: number;
  /** How often in all, and how long from one begin to the next; with `when` each time waits for it anew. */
  readonly times: number;
  readonly everyUs: number;
  /** A round whose turn comes while this holds is left out. */
  readonly unless: Condition | undefined;
  /** The begins of its rounds where a cron schedule says them, instead of `times` and `everyUs`. */
  readonly roundsUs: readonly number[] | undefined;
  /** What becomes of a round whose turn comes while the one before it goes on. */
  readonly policy: ConcurrencyPolicy;
}

/** A part of a storm, as its file nests them. */
export interface StormNode {
  readonly path: Path;
  readonly start: Start;
  readonly body: StormBody;
}

export type StormBody =
  | { readonly type: "step"; readonly step: StormStep }
  /** One after the other. */
  | { readonly type: "serial"; readonly nodes: readonly StormNode[] }
  /** Side by side; it ends with the last of them. */
  | { readonly type: "parallel"; readonly nodes: readonly StormNode[] }
  | {
      readonly type: "branch";
      readonly condition: Condition;
      readonly then: readonly StormNode[];
      readonly otherwise: readonly StormNode[];
    }
  /** The nodes one after the other, again and again: so many times, or until the condition holds after a round. */
  | { readonly type: "repeat"; readonly nodes: readonly StormNode[]; readonly times: number; readonly until: Condition | undefined }
  /** Nothing, until the condition holds. */
  | { readonly type: "wait"; readonly condition: Condition; readonly withinUs: number; readonly mayMiss: boolean };

export const immediately: Start = {
  atUs: 0,
  spreadUs: 0,
  when: undefined,
  afterUs: 0,
  times: 1,
  everyUs: 0,
  unless: undefined,
  roundsUs: undefined,
  policy: "Allow",
};

/** A node that takes a step at a time. */
export function stepAt(atUs: number, step: StormStep): StormNode {
  return { path: step.path, start: { ...immediately, atUs }, body: { type: "step", step } };
}

/** Every step in a storm, in the order of the file. */
export function stepsOf(nodes: readonly StormNode[]): readonly StormStep[] {
  return nodes.flatMap(({ body }) => {
    switch (body.type) {
      case "step":
        return [body.step];
      case "branch":
        return [...stepsOf(body.then), ...stepsOf(body.otherwise)];
      case "wait":
        return [];
      default:
        return stepsOf(body.nodes);
    }
  });
}

/** Every condition in a storm with where it stands. */
export function conditionsOf(nodes: readonly StormNode[]): readonly { readonly condition: Condition; readonly path: Path }[] {
  return nodes.flatMap(({ path, start, body }) => {
    const own = [
      ...(start.when ? [{ condition: start.when.condition, path: [...path, "when"] }] : []),
      ...(start.unless ? [{ condition: start.unless, path: [...path, "unless"] }] : []),
    ];
    switch (body.type) {
      case "step": {
        const until = body.step.type === "fault" ? body.step.until : undefined;
        return until ? [...own, { condition: until, path: [...path, "until"] }] : own;
      }
      case "branch":
        return [...own, { condition: body.condition, path: [...path, "if"] }, ...conditionsOf(body.then), ...conditionsOf(body.otherwise)];
      case "wait":
        return [...own, { condition: body.condition, path: [...path, "wait"] }];
      case "repeat": {
        const until = body.until ? [{ condition: body.until, path: [...path, "until"] }] : [];
        return [...own, ...until, ...conditionsOf(body.nodes)];
      }
      default:
        return [...own, ...conditionsOf(body.nodes)];
    }
  });
}

/** How long a storm lasts at least, as far as its file says; what waits for conditions may add to it. */
export function shortestUs(nodes: readonly StormNode[]): number {
  return Math.max(0, ...nodes.map(({ start, body }) => start.atUs + start.afterUs + roundsOf(start).at(-1)! + bodyUs(body)));
}

/** When the rounds of a node begin, counted from its first turn. */
export function roundsOf({ times, everyUs, roundsUs }: Start): readonly number[] {
  return roundsUs ?? Array.from({ length: times }, (_, n) => n * everyUs);
}

function bodyUs(body: StormBody): number {
  switch (body.type) {
    case "step":
      return body.step.type === "fault" && body.step.until === undefined ? (body.step.forUs ?? 0) : 0;
    case "serial":
      return body.nodes.reduce((sum, node) => sum + shortestUs([node]), 0);
    case "parallel":
      return shortestUs(body.nodes);
    default:
      return 0;
  }
}
