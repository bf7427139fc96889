import type { CriAnswer, CriStatsListed } from "../../protocol/cri";
import {
  admits,
  conditionType,
  evictionGraceMs,
  evictionMessage,
  evictionOrder,
  overLimit,
  type Scarce,
  type Signals,
  scarceNow,
  scarceResources,
  shortageOf,
  signalsOf,
  softThreshold,
  transitionReason,
  underPressure,
} from "./eviction";
import { nodeReference, noteNodeChange } from "./node-agent";
import type { PodWorker } from "./pod-worker";
import { type Ctx, nowMsOf, type State } from "./state";
import { syncPod } from "./sync-pod";

/** As the kubelet's eviction manager: a look each ten seconds, and soon again after an eviction. */
const everyMs = 10_000;
const againMs = 1_000;
/** What a pod gets to end by itself that goes because of its own volumes. */
const localStorageGraceMs = 1_000;
const statsDeadlineMs = 5_000;
const timer = "pressure";

/** Looks at what the node has left, now and again and again. */
export function watchPressure(state: State, ctx: Ctx): void {
  ctx.setTimer(timer, everyMs);
  if (!state.begun || !state.runtimeUp) return;
  ctx.ask<CriAnswer>(state.runtime, { kind: "cri.stats" }, { deadlineMs: statsDeadlineMs }, (s, answer, later) => {
    if (answer.ok && answer.body.kind === "cri.statsListed") found(s, answer.body, later);
    return undefined;
  });
}

function found(state: State, stats: CriStatsListed, ctx: Ctx): void {
  const { capacity } = state.config;
  const signals = signalsOf(
    { memory: String(capacity.memory), "ephemeral-storage": String(capacity["ephemeral-storage"] ?? "100Gi") },
    stats,
  );
  const nowMs = nowMsOf(ctx);
  const { soft, lastShort, shortSince } = state.pressure;
  const shortages = new Map(scarceResources.map((scarce) => [scarce, shortageOf(scarce, signals, soft)]));
  for (const [scarce, shortage] of shortages) {
    if (shortage === undefined) shortSince.delete(scarce);
    else {
      // Conditions say so at once, whatever grace period there is for the pods.
      lastShort.set(scarce, nowMs);
      if (!shortSince.has(scarce)) shortSince.set(scarce, nowMs);
    }
  }
  noteConditions(state, underPressure(lastShort, nowMs, state.times.pressureTransitionMs), ctx);
  // Memory before disk, and one pod at a time: its end may be enough.
  if (stats.volumes) evictOverLimit(state, stats, ctx);
  const need = scarceNow(shortages, shortSince, nowMs, soft);
  if (!need) return;
  const isWaitedFor = ({ evicted, finished }: PodWorker) => evicted !== undefined && !finished && nowMs < evicted.dueMs;
  const waits = need.shortage === "soft" && [...state.workers.values()].some(isWaitedFor);
  if (waits || evictOne(state, need, signals, stats, ctx)) ctx.setTimer(timer, againMs);
}

function noteConditions(state: State, pressed: readonly Scarce[], ctx: Ctx): void {
  const before = state.pressure.pressed;
  const changed = scarceResources.filter((scarce) => before.includes(scarce) !== pressed.includes(scarce));
  if (changed.length === 0) return;
  state.pressure.pressed = pressed;
  for (const scarce of changed) {
    const reason = transitionReason(scarce, pressed.includes(scarce));
    state.recorder.event(ctx, nodeReference(state), "Normal", reason, `Node ${state.config.node} status is now: ${reason}`);
    ctx.record({ kind: "node.pressure", node: state.config.node, condition: conditionType(scarce), pressed: pressed.includes(scarce) });
  }
  noteNodeChange(state, ctx);
}

function evictOne(
  state: State,
  { scarce, shortage }: NonNullable<ReturnType<typeof scarceNow>>,
  signals: Signals,
  stats: CriStatsListed,
  ctx: Ctx,
): boolean {
  state.recorder.event(ctx, nodeReference(state), "Warning", "EvictionThresholdMet", `Attempting to reclaim ${scarce}`);
  const active = [...state.workers.values()].filter((worker) => isActive(worker));
  const [first] = evictionOrder(
    active.map(({ pod }) => pod),
    scarce,
    stats,
  );
  if (!first) return false;
  const worker = state.workers.get(first.pod.metadata.uid)!;
  const { soft } = state.pressure;
  const limit = shortage === "hard" ? undefined : softThreshold(scarce, signals, soft);
  evict(state, worker, evictionMessage(scarce, signals, first, stats, limit), evictionGraceMs(worker.pod, shortage, soft), ctx);
  ctx.record({
    kind: "pod.pressureEvicted",
    node: state.config.node,
    pod: `${worker.pod.metadata.namespace}/${worker.pod.metadata.name}`,
    resource: scarce,
  });
  syncPod(state, worker, ctx);
  return true;
}

function evict(state: State, worker: PodWorker, message: string, graceMs: number, ctx: Ctx): void {
  worker.evicted = { reason: "Evicted", message, dueMs: nowMsOf(ctx) + graceMs };
  state.recorder.event(ctx, worker.pod, "Warning", "Evicted", message);
}

/** Who keeps more in an emptyDir than it may has to go, and has a moment for it. */
function evictOverLimit(state: State, stats: CriStatsListed, ctx: Ctx): void {
  for (const worker of [...state.workers.values()]) {
    const message = isActive(worker) ? overLimit(worker.pod, stats) : undefined;
    if (message === undefined) continue;
    evict(state, worker, message, localStorageGraceMs, ctx);
    syncPod(state, worker, ctx);
  }
}

function isActive({ pod, rejected, evicted, finished, terminating }: PodWorker): boolean {
  return !rejected && !evicted && !finished && !terminating && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";
}

/** Why a node under pressure turns a new pod away; undefined where it takes it. */
export function refusedByPressure({ pressure }: Pick<State, "pressure">, pod: PodWorker["pod"]): PodWorker["rejected"] {
  if (admits(pod, pressure.pressed)) return undefined;
  const conditions = pressure.pressed.map(conditionType).join(" ");
  return { reason: "Evicted", message: `Pod was rejected: The node had condition: [${conditions}]. ` };
}
