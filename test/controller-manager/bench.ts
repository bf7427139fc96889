import type { Controller, Moment, Plan, Resource, Result, Step, View } from "../../actors/client";
import { Store } from "../../actors/client/store";
import type { Stored } from "../../protocol/kinds/object";
import { notFound } from "../../protocol/status";
import { SimulatedSecrets } from "../../runtime/simulated/secrets";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into writes of every resource
type Any = any;

export interface BenchOptions {
  readonly nowMs?: number;
  readonly monotonicMs?: number;
  readonly memory?: unknown;
  readonly clusterCidr?: string;
  readonly knobs?: Readonly<Record<string, number>>;
  /** What reads past the cache find, by "pods shop/web-1"; nothing else is there. */
  readonly live?: Readonly<Record<string, object>>;
  /** Whether a step "fail" is what the test expects. */
  readonly noFail?: boolean;
}

/** Objects in the caches, by the plural of their resource. */
export type Objects = Readonly<Record<string, readonly Stored<Any>[]>>;

export interface Decided {
  readonly plan: Plan;
  /** All writes in order, as if every one succeeded. */
  readonly writes: readonly Any[];
  /** "Normal Reason message". */
  readonly events: readonly string[];
  readonly failures: readonly string[];
  /** "family{label,label} value", of what was counted. */
  readonly measures: readonly string[];
}

/** Lets a controller decide about a key over caches with these objects, and says what it wants, following each step as if it had succeeded. */
export function plan(controller: Controller, key: string, objects: Objects, options: BenchOptions = {}): Decided {
  const stores = new Map<string, Store<Any>>();
  for (const { resource } of controller.watches) if (!stores.has(resource.plural)) stores.set(resource.plural, new Store<Any>());
  for (const { resource, name, of } of controller.indexes ?? []) stores.get(resource.plural)!.addIndex(name, of);
  for (const [plural, list] of Object.entries(objects)) for (const object of list) stores.get(plural)!.set(object);
  const of = (resource: Resource<Any>) => stores.get(resource.plural)!;
  const view: View = { of, customResources: () => [], aggregatedGroups: () => [], seen: () => Number.MAX_SAFE_INTEGER };
  const { nowMs = Date.parse("2026-01-01T01:00:00Z"), monotonicMs = 0, clusterCidr = "10.244.0.0/16", knobs = {} } = options;
  const moment: Moment = { nowMs, monotonicMs, settings: { knobs, clusterCidr, nodeCidrMaskSize: 24, rootCa: "PEM" } };
  const decided = controller.reconcile(key, view, moment, options.memory);
  const writes: Any[] = [];
  const events: string[] = [];
  const failures: string[] = [];
  const measures: string[] = [];

  const resultOf = (step: Any): Result<Any> => {
    if (step.do === "get") {
      const name = `${step.resource.plural} ${step.namespace ? `${step.namespace}/` : ""}${step.name}`;
      const found = options.live?.[name];
      return found
        ? { ok: true, object: found }
        : { ok: false, status: notFound({ group: "", resource: step.resource.plural, name: step.name }), unknown: false };
    }
    if (step.do === "list") return { ok: true, object: { items: [], metadata: { resourceVersion: "1" } } };
    writes.push(step);
    const object = step.object ?? {};
    return { ok: true, object: { ...object, metadata: { name: "made-1", ...object.metadata } } };
  };
  const follow = (steps: readonly Step[]): void => {
    for (const step of steps) {
      switch (step.do) {
        case "event":
          events.push(`${step.type} ${step.reason} ${step.message}`);
          break;
        case "count":
          measures.push(`${step.measure.family.name}{${step.measure.labels}} ${step.measure.value}`);
          break;
        case "record":
        case "requeue":
          break;
        case "fail":
          failures.push(step.message);
          break;
        case "parallel":
          follow(step.steps);
          break;
        case "attempt":
          follow(step.steps);
          follow(step.then(undefined));
          break;
        case "gather":
          follow(step.then(step.steps.map(resultOf)));
          break;
        case "sign":
          follow(step.then(new SimulatedSecrets().perform(step.request)));
          break;
        default: {
          const result = resultOf(step);
          follow(step.after?.(result) ?? []);
        }
      }
    }
  };
  follow(decided.steps);
  if (failures.length > 0 && !options.noFail) throw new Error(failures.join("; "));
  return { plan: decided, writes, events, failures, measures };
}
