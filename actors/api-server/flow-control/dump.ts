import type { ApiResponse } from "../../../protocol/api";
import { text } from "../health";
import type { Ctx, ServerState } from "../state";
import type { FlowControl, FlowRequest } from "./flow-control";
import type { Level } from "./levels";

/** /debug/api_priority_and_fairness/dump_…: what the levels, queues and requests are at, as tables of comma-separated values. */

const prefix = "/debug/api_priority_and_fairness/";

/** The dump that a path names; undefined for any other path. */
export function dumpOf(state: ServerState, ctx: Ctx, path: string, details: boolean): ApiResponse | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const make = dumps.get(path.slice(prefix.length));
  return make && text(200, make(state.flow, ctx.monotonicUs(), ctx.wallUs(), details));
}

type Dump = (flow: FlowControl, nowUs: number, wallUs: number, details: boolean) => string;

const dumps: ReadonlyMap<string, Dump> = new Map<string, Dump>([
  ["dump_priority_levels", (flow) => table(levelColumns, [...flow.levels.byName.values()].map(levelRow))],
  ["dump_queues", (flow) => table(queueColumns, [...flow.levels.byName.values()].flatMap(queueRows))],
  ["dump_requests", dumpRequests],
]);

const levelColumns = [
  ...["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests"],
  ...["DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"],
];

function levelRow({ name, exempt, leaving, queues, counts }: Level): readonly string[] {
  const active = queues.queues.filter(({ waiting, executing }) => waiting.length > 0 || executing > 0).length;
  const running = queues.executing.size;
  const figures = exempt
    ? ["<none>", "<none>", "<none>", "<none>", String(running)]
    : [String(active), String(queues.waitingCount + running === 0), String(leaving), String(queues.waitingCount), String(running)];
  return [name, ...figures, String(counts.dispatched), String(counts.rejected), String(counts.timedOut), String(counts.cancelled)];
}

const queueColumns = [
  ...["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR"],
  ...["InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"],
];

function queueRows({ name, queues }: Level): readonly (readonly string[])[] {
  return queues.queues.map(({ waiting, executing, seatsInUse, nextDispatchR }, index) => {
    const sum = (of: (request: (typeof waiting)[number]) => number) => waiting.reduce((total, request) => total + of(request), 0);
    return [
      ...[name, String(index), String(waiting.length), String(executing), String(seatsInUse), seatSeconds(nextDispatchR)],
      String(sum(({ width }) => width.initialSeats)),
      String(sum(({ width }) => Math.max(width.initialSeats, width.finalSeats))),
      seatSeconds(sum(({ width }) => width.finalSeats * width.additionalUs)),
    ];
  });
}

const requestColumns = [
  ...["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime"],
  ...["InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"],
];
const detailColumns = ["UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"];

function dumpRequests(flow: FlowControl, nowUs: number, wallUs: number, details: boolean): string {
  const at = (us: number) => new Date((wallUs - (nowUs - us)) / 1000).toISOString();
  const rows = [...flow.requests.values()].map((request) => {
    const { level, schema, width, arrivedUs, startedUs } = request;
    const [queue, index] = placeOf(request);
    const row = [
      ...[level.name, schema, queue, index, request.distinguisher, at(arrivedUs)],
      ...[String(width.initialSeats), String(width.finalSeats), `${width.additionalUs / 1e6}s`],
      startedUs === undefined ? "" : at(startedUs),
    ];
    return details ? [...row, ...detailsOf(request)] : row;
  });
  return table(details ? [...requestColumns, ...detailColumns] : requestColumns, rows);
}

function placeOf({ id, level, startedUs }: FlowRequest): readonly [queue: string, index: string] {
  if (startedUs !== undefined) return ["<none>", "<none>"];
  for (const [queue, { waiting }] of level.queues.queues.entries()) {
    const index = waiting.findIndex((request) => request.id === id);
    if (index >= 0) return [String(queue), String(index)];
  }
  return ["<none>", "<none>"];
}

function detailsOf({ call: { user, request } }: FlowRequest): readonly string[] {
  const { verb, path, namespace, name, version, resource, subresource } = request;
  return [user.name, verb, path, namespace, name, version, resource, subresource];
}

/** Virtual time in seats and seconds. */
function seatSeconds(us: number): string {
  return `${(us / 1e6).toFixed(8)}ss`;
}

/** Real servers put a blank behind each comma and end each line with a comma and a blank. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, ...rows].map((cells) => `${cells.map(cell).join(", ")}\n`).join("");
}

function cell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
