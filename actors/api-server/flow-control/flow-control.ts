import type { ApiRequest, ApiResponse } from "../../../protocol/api";
import type { FlowSchema, PriorityLevelConfiguration } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { Registry } from "../../metrics/registry";
import { masters } from "../authentication/user";
import { type Call, respond } from "../call";
import { text } from "../health";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { prefixOfList, resourceNamed, type StoredResource } from "../storage/keys";
import { distinguisher, matches } from "./classify";
import type { Width } from "./fair-queues";
import { FlowFigures } from "./figures";
import { dropEmpty, type Level, type Levels, rebalance, reconfigure } from "./levels";
import { isLongRunning, isRead, takesNoSeats } from "./long-running";
import { widthOf } from "./width";

/**
 * Priority and fairness: each request is put into a flow of a priority level, and runs once its level has seats for it. Long-running requests
 * but the beginnings of watches take none. Where it is turned off, a plain limit on requests in flight stands in its place.
 */
export interface FlowControl {
  readonly levels: Levels;
  /** Requests that wait or hold seats, by number. */
  readonly requests: Map<number, FlowRequest>;
  readonly figures: FlowFigures;
  /** What answers say of their schema and its level. */
  readonly headers: WeakMap<Stored<FlowSchema>, readonly [Header, Header]>;
  /** Requests that run where there is only a plain limit. */
  readonly plain: { reading: number; writing: number };
  nextId: number;
  /** The objects have changed since the levels were made. */
  stale: boolean;
  waitTimerSet: boolean;
  /** Requests whose turn has come and that are about to run. One that is answered at once makes room for the next: that is a loop, not a recursion. */
  readonly ready: number[];
  running: boolean;
}

export interface FlowRequest {
  readonly id: number;
  readonly call: FlowCall;
  readonly level: Level;
  readonly schema: string;
  readonly distinguisher: string;
  readonly width: Width;
  readonly arrivedUs: number;
  startedUs: number | undefined;
  readonly proceed: Proceed;
}

export type FlowCall = Pick<Call, "request" | "caller" | "user" | "deadlineUs">;
type Proceed = (state: ServerState, ctx: Ctx) => undefined;

const schemasResource = resourceNamed("flowcontrol.apiserver.k8s.io", "v1", "flowschemas");
const levelsResource = resourceNamed("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations");

export const balanceTimer = "flow-balance";
export const flowWaitTimer = "flow-wait";
export const flowReleaseTimerPrefix = "flow-release/";
const balanceIntervalMs = 10_000;
/** The longest that a request waits in a queue; otherwise a quarter of the time that it has. */
const waitMaxUs = 60_000_000;
/** A request whose time was over this long ago has been answered by its deadline, whoever forgot to say so. */
const graceUs = 1_000_000;

export function newFlowControl(registry: Registry): FlowControl {
  const flow: FlowControl = {
    levels: { byName: new Map(), schemas: [] },
    requests: new Map(),
    figures: new FlowFigures(registry, () => flow),
    headers: new WeakMap(),
    plain: { reading: 0, writing: 0 },
    nextId: 1,
    stale: true,
    waitTimerSet: false,
    ready: [],
    running: false,
  };
  return flow;
}

/** To be called at start. */
export function startFlowControl(state: ServerState, ctx: Ctx): void {
  if (isFair(state)) ctx.setTimer(balanceTimer, balanceIntervalMs);
}

/** To be called for each change of a cache. */
export function flowObjectsChanged({ flow }: ServerState, resource: StoredResource): boolean {
  if (resource !== schemasResource && resource !== levelsResource) return false;
  flow.stale = true;
  return true;
}

/** Lets a request run now or when its turn comes, or turns it away with 429. */
export function throttle(state: ServerState, ctx: Ctx, call: FlowCall, proceed: Proceed): undefined {
  if (takesNoSeats(call.request)) return proceed(state, ctx);
  return isFair(state) ? takeSeats(state, ctx, call, proceed) : countInFlight(state, ctx, call, proceed);
}

function isFair({ knobs }: ServerState): boolean {
  return knobs["enable-priority-and-fairness"] > 0;
}

/** All seats of this server. */
export function totalSeats({ knobs }: Pick<ServerState, "knobs">): number {
  return Math.max(1, knobs["max-requests-inflight"] + knobs["max-mutating-requests-inflight"]);
}

function takeSeats(state: ServerState, ctx: Ctx, call: FlowCall, proceed: Proceed): undefined {
  const { flow } = state;
  const nowUs = ctx.monotonicUs();
  if (flow.stale) {
    flow.stale = false;
    const ready = reconfigure(
      flow.levels,
      all<FlowSchema>(state, schemasResource),
      all<PriorityLevelConfiguration>(state, levelsResource),
      totalSeats(state),
      nowUs,
    );
    runAll(state, ctx, ready);
  }
  const { request, user, caller } = call;
  const schema = flow.levels.schemas.find((each) => matches(each, user, request)) ?? flow.levels.schemas.at(-1)!;
  const level = flow.levels.byName.get(schema.spec!.priorityLevelConfiguration.name)!;
  caller.exchange.headers.push(...headersOf(flow, schema, level));
  const load = request.verb === "get" ? noLoad : loadOf(state, request);
  const width = widthOf(request, load, Math.ceil(level.limits.nominal * 0.15));
  const flowRequest: FlowRequest = {
    id: flow.nextId++,
    ...{ call, level, schema: schema.metadata.name, distinguisher: distinguisher(schema, user, request) },
    ...{ width, arrivedUs: nowUs, startedUs: undefined, proceed },
  };
  const { id } = flowRequest;
  flow.figures.estimated(flowRequest, load.watchers);
  if (level.exempt) {
    level.queues.force(nowUs, { id, flow: "", width, untilUs: 0 });
    flow.requests.set(id, flowRequest);
    return run(state, ctx, id);
  }
  const untilUs = nowUs + Math.min(waitMaxUs, Math.max(0, call.deadlineUs - nowUs) / 4);
  const verdict = level.queues.arrive(nowUs, { id, flow: `${flowRequest.schema}\n${flowRequest.distinguisher}`, width, untilUs });
  note(level, nowUs);
  if (!("queueLength" in verdict)) return turnAway(ctx, flow, flowRequest, verdict.type);
  flow.requests.set(id, flowRequest);
  if (verdict.queueLength > 0) flow.figures.enqueued(flowRequest, verdict.queueLength);
  if (verdict.type === "execute") return run(state, ctx, id);
  // A stream whose client goes while it waits leaves the queue; see `flowCallerGone`.
  if (!flow.waitTimerSet) setWaitTimer(flow, ctx, untilUs);
}

type Header = readonly [name: string, value: string];

/** What answers say of their schema and level: the same pairs each time, which are written and read once. */
function headersOf({ headers }: FlowControl, schema: Stored<FlowSchema>, level: Level): readonly Header[] {
  const known = headers.get(schema);
  if (known !== undefined && known[1][1] === level.uid) return known;
  const made = [
    ["X-Kubernetes-PF-FlowSchema-UID", schema.metadata.uid ?? ""],
    ["X-Kubernetes-PF-PriorityLevel-UID", level.uid],
  ] as const;
  headers.set(schema, made);
  return made;
}

function all<T>({ feed }: ServerState, resource: StoredResource): readonly Stored<T>[] {
  return cacheOf(feed, resource)
    .list(prefixOfList(resource, ""))
    .map(({ object }) => object as unknown as Stored<T>);
}

/** What reads one object is as wide as it is, whatever there is of it. */
const noLoad = { stored: 0, watchers: 0 };

function loadOf({ served, feed, watchers }: ServerState, { isResource, group, version, resource }: ApiRequest) {
  const kind = isResource ? served.kindOfResource(group, version, resource) : undefined;
  const stored = kind && served.storedResourceOf(kind);
  if (!stored) return { stored: 0, watchers: 0 };
  return { stored: feed.caches.get(stored.name)?.size ?? 0, watchers: watchers.byResource.get(stored.name)?.size ?? 0 };
}

function runAll(state: ServerState, ctx: Ctx, ids: readonly number[]): void {
  const { flow } = state;
  flow.ready.push(...ids);
  if (flow.running) return;
  flow.running = true;
  for (let id = flow.ready.shift(); id !== undefined; id = flow.ready.shift()) run(state, ctx, id);
  flow.running = false;
}

/** The request's turn has come. */
function run(state: ServerState, ctx: Ctx, id: number): undefined {
  const { flow } = state;
  const request = flow.requests.get(id);
  if (!request) return;
  const { level, call } = request;
  request.startedUs = ctx.monotonicUs();
  note(level, request.startedUs);
  level.counts.dispatched++;
  flow.figures.dispatched(request);
  call.caller.exchange.onAnswer.push((ctx) => answered(state, ctx, id));
  return request.proceed(state, ctx);
}

function answered(state: ServerState, ctx: Ctx, id: number): void {
  const { flow } = state;
  const request = flow.requests.get(id);
  if (!request) return;
  const nowUs = ctx.monotonicUs();
  const { level } = request;
  const { next, laterUs } = level.queues.finish(nowUs, id);
  flow.figures.answered(request, nowUs);
  if (laterUs === undefined) flow.requests.delete(id);
  else ctx.setTimer(flowReleaseTimerPrefix + id, (laterUs - nowUs) / 1000);
  afterRelease(state, ctx, level, next);
}

function afterRelease(state: ServerState, ctx: Ctx, level: Level, next: readonly number[]): void {
  note(level, ctx.monotonicUs());
  runAll(state, ctx, next);
  if (level.leaving) dropEmpty(state.flow.levels);
}

/** The timers of flow control; answers true for them. */
export function onFlowTimer(state: ServerState, ctx: Ctx, name: string): boolean {
  const { flow } = state;
  const nowUs = ctx.monotonicUs();
  if (name === balanceTimer) {
    for (const { id, call } of [...flow.requests.values()])
      if (call.deadlineUs + graceUs < nowUs && flow.requests.get(id)?.startedUs !== undefined) answered(state, ctx, id);
    runAll(state, ctx, rebalance(flow.levels, totalSeats(state), nowUs));
    ctx.setTimer(balanceTimer, balanceIntervalMs);
    return true;
  }
  if (name === flowWaitTimer) {
    flow.waitTimerSet = false;
    for (const level of flow.levels.byName.values())
      for (const id of level.queues.expire(nowUs)) {
        const request = flow.requests.get(id)!;
        flow.requests.delete(id);
        note(level, nowUs);
        turnAway(ctx, flow, request, "time-out");
      }
    const next = [...flow.levels.byName.values()].map(({ queues }) => queues.nextExpiryUs()).filter((at) => at !== undefined);
    if (next.length > 0) setWaitTimer(flow, ctx, Math.min(...next));
    return true;
  }
  if (!name.startsWith(flowReleaseTimerPrefix)) return false;
  const id = Number(name.slice(flowReleaseTimerPrefix.length));
  const request = flow.requests.get(id);
  if (request) {
    flow.requests.delete(id);
    afterRelease(state, ctx, request.level, request.level.queues.release(nowUs, id));
  }
  return true;
}

/** The client of a stream has gone: what it had in a queue is taken out. */
export function flowCallerGone(state: ServerState, ctx: Ctx, streamKey: string): undefined {
  for (const { id, call, level, startedUs } of state.flow.requests.values()) {
    if (call.caller.type !== "open" || call.caller.stream.key !== streamKey) continue;
    if (startedUs !== undefined) return answered(state, ctx, id) as undefined;
    level.queues.cancel(ctx.monotonicUs(), id);
    level.counts.cancelled++;
    state.flow.requests.delete(id);
    return;
  }
}

function setWaitTimer(flow: FlowControl, ctx: Ctx, atUs: number): void {
  flow.waitTimerSet = true;
  ctx.setTimer(flowWaitTimer, Math.max(1, (atUs - ctx.monotonicUs()) / 1000));
}

/** The level's demand has changed. */
function note({ queues, demand }: Level, nowUs: number): void {
  demand.set(nowUs, queues.seatsInUse + queues.waitingSeats);
}

export type Refusal = "queue-full" | "concurrency-limit" | "time-out";

function turnAway(ctx: Ctx, flow: FlowControl, request: FlowRequest, reason: Refusal): undefined {
  request.level.counts[reason === "time-out" ? "timedOut" : "rejected"]++;
  flow.figures.rejected(request, reason, ctx.monotonicUs());
  return respond(ctx, request.call, tooMany());
}

/** As real servers say it: plain text, which clients turn into a Status of their own. */
function tooMany(): ApiResponse {
  const answer = text(429, "Too many requests, please try again later.\n");
  return { ...answer, headers: [...answer.headers, ["Retry-After", "1"]] };
}

/** --max-requests-inflight and --max-mutating-requests-inflight without fairness. Those who may do everything are never turned away. */
function countInFlight(state: ServerState, ctx: Ctx, call: FlowCall, proceed: Proceed): undefined {
  const { flow, knobs } = state;
  if (isLongRunning(call.request)) return proceed(state, ctx);
  const side = isRead(call.request) ? "reading" : "writing";
  const most = knobs[side === "reading" ? "max-requests-inflight" : "max-mutating-requests-inflight"];
  if (most > 0 && flow.plain[side] >= most && !call.user.groups.includes(masters)) {
    flow.figures.dropped(side);
    return respond(ctx, call, tooMany());
  }
  flow.plain[side]++;
  call.caller.exchange.onAnswer.push(() => {
    flow.plain[side]--;
  });
  return proceed(state, ctx);
}
