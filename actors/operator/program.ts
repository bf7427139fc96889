import type { Context, Input, Recovered } from "../../runtime/actor";
import type { Controller } from "../client";
import type { OperatorConfig } from "./operator";

/** What a module of an operator comes to. */
export type Program =
  /** Reconcilers over shared caches: the harness does the rest. */
  | { readonly type: "controllers"; readonly controllers: readonly Controller[] }
  /** A step function of the actor contract, for who wants everything in its own hands. */
  | { readonly type: "actor"; readonly steps: Steps };

/** The step function of a program in actor form. */
export interface Steps {
  // biome-ignore lint/suspicious/noExplicitAny: the state is the program's own, of whatever type
  start(config: OperatorConfig, ctx: Context<any>, recovered: Recovered): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  receive(state: any, input: Input, ctx: Context<any>): undefined;
}

export type ProgramResult = { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly wrong: string };

const expected =
  "expected the module's default export to be a controller ({ name, watches, reconcile }), a list of them, an actor ({ start, receive }), or a function of the configuration that answers with one of these";

/** Reads what a module exports: its default, called with the configuration where it is a function. What that throws is thrown. */
export function readProgram(exported: unknown, config: OperatorConfig): ProgramResult {
  const found = (exported as { readonly default?: unknown } | null | undefined)?.default;
  const value: unknown = typeof found === "function" ? (found as (config: OperatorConfig) => unknown)(config) : found;
  if (isRecord(value) && typeof value.start === "function" && typeof value.receive === "function")
    return { ok: true, program: { type: "actor", steps: value as unknown as Steps } };
  const controllers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (controllers.length === 0) return { ok: false, wrong: `${expected}; found an empty list` };
  const names = new Set<string>();
  for (const controller of controllers) {
    if (!isRecord(controller)) return { ok: false, wrong: value === undefined ? `${expected}; found none` : expected };
    const { name, watches, reconcile } = controller;
    if (typeof name !== "string" || name === "") return { ok: false, wrong: `${expected}; a controller has no name` };
    if (names.has(name)) return { ok: false, wrong: `two controllers are called "${name}"` };
    names.add(name);
    if (!Array.isArray(watches) || watches.length === 0)
      return { ok: false, wrong: `the controller "${name}" watches nothing: expected a list of watch(resource, keys)` };
    if (typeof reconcile !== "function") return { ok: false, wrong: `the controller "${name}" has no function reconcile` };
  }
  return { ok: true, program: { type: "controllers", controllers: controllers.map((one) => strict(one as Controller)) } };
}

/** The same controller, which fails where it answers with something else than a plan. */
function strict(controller: Controller): Controller {
  return {
    ...controller,
    reconcile(key, view, moment, memory) {
      const plan: unknown = controller.reconcile(key, view, moment, memory);
      if (isRecord(plan) && typeof plan.then === "function")
        throw new Error(`the controller "${controller.name}" answered with a promise: reconcile decides at once, and answers with a plan`);
      if (!isRecord(plan) || !Array.isArray(plan.steps))
        throw new Error(`the controller "${controller.name}" answered with no plan: expected { steps: [...] }`);
      return plan as unknown as ReturnType<Controller["reconcile"]>;
    },
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
