import type { ClusterShape } from "../cluster";
import type { ScheduledStep } from "../storm";
import type { Recipe, RecordedLoad } from "./recipe";
import { type Reduction, reduce } from "./reduce";

/** Yields smaller recipes; hears whether each still fails, and returns the smallest that did. */
export type Pass = Generator<Recipe, Recipe, boolean>;

type Part = { readonly type: "step"; readonly step: ScheduledStep } | { readonly type: "load"; readonly load: RecordedLoad };

/**
 * Everything that can be made smaller, the most promising first: what stays dead in the calm, steps and workloads by delta debugging, then the cluster, what is applied, durations,
 * times, targets and rates. What became smaller may make more steps needless, so the first pass comes again after the others.
 */
export function* shrink(whole: Recipe, objectIds: readonly string[]): Pass {
  let recipe = yield* allHealed(yield* withoutIdleSteps(whole));
  for (let round = 0; round < roundsMax; round++) {
    const before = JSON.stringify(recipe);
    recipe = yield* fewerParts(recipe);
    recipe = yield* fewerObjects(recipe, objectIds);
    recipe = yield* smallerCluster(recipe, objectIds);
    recipe = yield* shorterFaults(recipe);
    recipe = yield* closerSteps(recipe);
    recipe = yield* fewerTargets(recipe);
    recipe = yield* lessLoad(recipe);
    if (JSON.stringify(recipe) === before) break;
  }
  return recipe;
}

const roundsMax = 3;

/** Steps that hit nothing, because the budget or their selectors left them out. */
function* withoutIdleSteps(recipe: Recipe): Pass {
  const schedule = recipe.schedule.filter(({ type, targets, mayMiss }) => !(type === "fault" && targets.length === 0 && mayMiss));
  return schedule.length < recipe.schedule.length && (yield { ...recipe, schedule }) ? { ...recipe, schedule } : recipe;
}

/** In the calm everything is healed, though the scenario leaves dead what is not needed. */
function* allHealed(recipe: Recipe): Pass {
  const healed = { ...recipe, coreOnly: false };
  return recipe.coreOnly && (yield healed) ? healed : recipe;
}

function* fewerParts(recipe: Recipe): Pass {
  const parts: readonly Part[] = [
    ...recipe.schedule.map((step): Part => ({ type: "step", step })),
    ...recipe.load.map((load): Part => ({ type: "load", load })),
  ];
  return yield* reduced(parts, (left) => ({
    ...recipe,
    schedule: left.flatMap((part) => (part.type === "step" ? [part.step] : [])),
    load: left.flatMap((part) => (part.type === "load" ? [part.load] : [])),
  }));
}

function* fewerObjects(recipe: Recipe, all: readonly string[]): Pass {
  const ids = recipe.objects ?? all;
  return ids.length === 0 ? recipe : yield* reduced(ids, (objects) => ({ ...recipe, objects }));
}

/** Delta debugging over parts of a recipe. */
function* reduced<T>(parts: readonly T[], make: (left: readonly T[]) => Recipe): Pass {
  const reduction: Generator<readonly T[], Reduction<T>, boolean> = reduce(parts);
  let step = reduction.next();
  while (!step.done) step = reduction.next(yield make(step.value));
  return make(step.value.left);
}

// ——— the cluster ———

function* smallerCluster(recipe: Recipe, all: readonly string[]): Pass {
  let best = recipe;
  // Without what they need objects never settle: to find that out would take long.
  const runsPods = (recipe.objects ?? all).some((id) => /^(Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|Pod) /.test(id));
  for (const [count, least] of [
    ["nodes", runsPods ? 1 : 0],
    ["controllers", 1],
    ["apiServers", 1],
    ["etcd", 1],
    ["zones", 1],
  ] as const) {
    const tryCount = (value: number) => withShape(best, { ...best.shape, [count]: value });
    if (best.shape[count] <= least) continue;
    const possible = count === "etcd" ? [1, 3, 5, 7].filter((n) => n < best.shape.etcd) : range(least, best.shape[count]);
    const smallest = yield* smallestOf(possible, tryCount);
    if (smallest !== undefined) best = tryCount(smallest);
  }
  const knobs = Object.entries(best.shape.knobs);
  if (knobs.length > 0) best = yield* reduced(knobs, (left) => withShape(best, { ...best.shape, knobs: Object.fromEntries(left) }));
  return best;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** The first of some values, from the smallest on, with which it still fails: the two smallest are tried, then the middle of what is left, and so on. */
function* smallestOf(values: readonly number[], make: (value: number) => Recipe): Generator<Recipe, number | undefined, boolean> {
  let [low, high] = [0, values.length];
  let found: number | undefined;
  for (let tries = 0; low < high; tries++) {
    const at = tries < 2 ? low : Math.floor((low + high) / 2);
    if (yield make(values[at]!)) {
      found = values[at]!;
      high = at;
    } else low = at + 1;
  }
  return found;
}

/** Another cluster; what is gone cannot be hit. */
function withShape(recipe: Recipe, shape: ClusterShape): Recipe {
  const counts = { etcd: shape.etcd, apiserver: shape.apiServers, control: shape.controllers, node: shape.nodes };
  const isThere = (target: string) => {
    const match = /^(etcd|apiserver|control|node)-(\d+)$/.exec(target);
    return !match || Number(match[2]) < counts[match[1] as keyof typeof counts];
  };
  const schedule = recipe.schedule.flatMap((step) => {
    const targets = step.targets.filter(isThere);
    return step.type === "fault" && step.targets.length > 0 && targets.length === 0 ? [] : [{ ...step, targets }];
  });
  return { ...recipe, shape, schedule };
}

// ——— times ———

const leastUs = 1_000;

/** Each fault as short as it can be, to about a tenth. */
function* shorterFaults(recipe: Recipe): Pass {
  let best = recipe;
  for (const [i, step] of recipe.schedule.entries()) {
    if (step.type !== "fault") continue;
    // A fault that the calm ended may end by itself just as well.
    let longUs = step.forUs ?? Math.max(leastUs, (recipe.stormUs ?? 0) - step.atUs);
    let shortUs = 0;
    for (let tries = 0; tries < 6 && longUs - shortUs > Math.max(longUs / 10, leastUs); tries++) {
      // By tens at first: what lasted for half a minute often need not have lasted for a second.
      const us = Math.max(leastUs, Math.round(shortUs === 0 ? longUs / 8 : (longUs + shortUs) / 2));
      const candidate = withStep(best, i, { ...best.schedule[i]!, forUs: us });
      if (yield candidate) {
        best = candidate;
        longUs = us;
      } else shortUs = us;
    }
  }
  return best;
}

/** Nothing happens for longer than need be: before the first step, between steps, and after the last. */
function* closerSteps(recipe: Recipe): Pass {
  let best = recipe;
  for (const gapUs of [1_000_000, 5_000_000]) {
    const candidate = compressed(best, gapUs);
    if (JSON.stringify(candidate) === JSON.stringify(best)) break;
    if (!(yield candidate)) continue;
    best = candidate;
    break;
  }
  const endUs = Math.max(0, ...best.schedule.map(({ atUs, forUs }) => atUs + (forUs ?? 0)));
  for (const afterUs of [0, 1_000_000, 5_000_000, 20_000_000]) {
    const stormUs = endUs + afterUs;
    if (best.stormUs === null || stormUs >= best.stormUs) break;
    const candidate = { ...best, stormUs };
    if (!(yield candidate)) continue;
    best = candidate;
    break;
  }
  return best;
}

/** The same steps with at most so much between one thing that happens and the next. */
function compressed(recipe: Recipe, gapUs: number): Recipe {
  const moments = recipe.schedule.flatMap(({ atUs, forUs }) => (forUs === null ? [atUs] : [atUs, atUs + forUs])).sort((a, b) => a - b);
  const moved = new Map<number, number>();
  let [before, now] = [0, 0];
  for (const moment of moments) {
    now += Math.min(moment - before, gapUs);
    before = moment;
    moved.set(moment, now);
  }
  const schedule = recipe.schedule.map((step) => {
    const atUs = moved.get(step.atUs)!;
    // What lasts keeps on lasting as long: only the waiting is cut.
    return { ...step, atUs };
  });
  return { ...recipe, schedule };
}

// ——— targets and rates ———

function* fewerTargets(recipe: Recipe): Pass {
  let best = recipe;
  for (const [i, step] of recipe.schedule.entries())
    if (step.targets.length > 1) best = yield* reduced(step.targets, (targets) => withStep(best, i, { ...best.schedule[i]!, targets }));
  return best;
}

/** Numbers of a workload that say how much of it there is. */
const amounts = ["requestsPerSecond", "processes", "keys", "watches"];

function* lessLoad(recipe: Recipe): Pass {
  let best = recipe;
  for (const [i] of recipe.load.entries()) {
    for (const amount of amounts)
      for (let value = best.load[i]!.params[amount]; typeof value === "number" && value > 1; value = best.load[i]!.params[amount]) {
        const { params } = best.load[i]!;
        const candidate = withLoad(best, i, { params: { ...params, [amount]: Math.max(1, Math.floor((value as number) / 2)) } });
        if (!(yield candidate)) break;
        best = candidate;
      }
    best = yield* shorterLoad(best, i);
  }
  return best;
}

/** Operations before and after those that matter are not sent. */
function* shorterLoad(recipe: Recipe, i: number): Pass {
  let best = recipe;
  const stormUs = recipe.stormUs ?? 0;
  for (let tries = 0; tries < 5; tries++) {
    const { fromUs, toUs } = best.load[i]!;
    const endUs = toUs ?? stormUs;
    if (endUs - fromUs < 500_000) break;
    const middleUs = Math.round((fromUs + endUs) / 2);
    const early = withLoad(best, i, { toUs: middleUs });
    if (yield early) {
      best = early;
      continue;
    }
    const late = withLoad(best, i, { fromUs: middleUs });
    if (!(yield late)) break;
    best = late;
  }
  return best;
}

function withLoad(recipe: Recipe, i: number, change: Partial<RecordedLoad>): Recipe {
  return { ...recipe, load: recipe.load.map((load, at) => (at === i ? { ...load, ...change } : load)) };
}

function withStep(recipe: Recipe, i: number, step: ScheduledStep): Recipe {
  return { ...recipe, schedule: recipe.schedule.map((one, at) => (at === i ? step : one)) };
}
