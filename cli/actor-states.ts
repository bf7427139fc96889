import { inspect } from "node:util";
import colors from "picocolors";
import { requestKey } from "../runtime/cell";
import type { Simulation } from "../runtime/simulated/simulation";

/** One actor as it was when a run was stopped. */
export interface ActorState {
  readonly actor: string;
  readonly host: string;
  readonly incarnation: number;
  readonly phase: string;
  /** Names of the timers that are set. */
  readonly timers: readonly string[];
  /** What it has asked and not been answered, "etcd.txn > etcd/0". */
  readonly asks: readonly string[];
  /** Requests that it has not answered. */
  readonly unanswered: readonly string[];
  readonly streams: readonly string[];
  readonly state: unknown;
}

/** Every actor of a simulation, in the order of the hosts. Hosts that are down have none. */
export function actorStates(simulation: Simulation): readonly ActorState[] {
  return [...simulation.hosts.values()].flatMap(({ name, host }) =>
    host.addresses().flatMap((address): readonly ActorState[] => {
      const cell = host.cell(address);
      if (!cell) return [];
      return [
        {
          actor: address,
          host: name,
          incarnation: cell.incarnation,
          phase: cell.phase,
          timers: [...cell.timers.keys()],
          asks: [...cell.asks.values()].map(({ kind, to }) => `${kind} > ${to}`),
          unanswered: [...cell.inbound.values()].map(({ request }) => requestKey(request)),
          streams: [...cell.streams.values()].map(({ peer, opener }) => (opener ? `to ${peer}` : `from ${peer}`)),
          state: plain(cell.state, depthMax, new Set()),
        },
      ];
    }),
  );
}

/** The states as people read them: a few lines for each actor. */
export function statesText(states: readonly ActorState[], width: number): string {
  const lines = states.map(({ actor, host, incarnation, phase, timers, asks, unanswered, streams, state }) => {
    const counts = [
      timers.length > 0 ? `timers ${few(timers)}` : "",
      asks.length > 0 ? `waits for ${few(asks)}` : "",
      unanswered.length > 0 ? `owes ${unanswered.length} answers` : "",
      streams.length > 0 ? `${streams.length} streams` : "",
    ].filter((text) => text !== "");
    const head = `${colors.bold(actor)}  ${colors.dim(`on ${host}, incarnation ${incarnation}, ${phase}${counts.length > 0 ? `: ${counts.join("; ")}` : ""}`)}`;
    return [head, ...fieldsOf(state).map(([name, value]) => `  ${colors.cyan(name)} ${oneLine(value, width - name.length - 3)}`)].join(
      "\n",
    );
  });
  return lines.join("\n");
}

/** What does not change while an actor lives tells nothing about the moment. */
const settings = new Set(["client", "config", "settings", "knobs", "options", "id", "self", "retired"]);

function fieldsOf(state: unknown): readonly (readonly [string, unknown])[] {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return [["state", state]];
  return Object.entries(state).filter(([name, value]) => !settings.has(name) && !isEmpty(value));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

function oneLine(value: unknown, width: number): string {
  const text = inspect(withoutSettings(value), { depth: 3, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 8, maxStringLength: 80 });
  const line = text.replace(/\s+/g, " ");
  return line.length > width ? `${line.slice(0, Math.max(40, width - 1))}…` : line;
}

function withoutSettings(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, own]) => !settings.has(name) && !isEmpty(own)));
}

function few(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

const depthMax = 8;
const itemsMax = 100;
const bytesShown = 32;

/** A state as plain data that can be written as JSON: maps as records, bytes as text where they are short, what is too deep or too much as a remark. */
function plain(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array)
    return value.length <= bytesShown ? `bytes ${Buffer.from(value).toString("hex")}` : `${value.length} bytes`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof RegExp) return String(value);
  if (above.has(value)) return "(itself)";
  if (depth === 0) return Array.isArray(value) ? `${value.length} items` : `a ${value.constructor?.name ?? "record"}`;
  above.add(value);
  const inner = (one: unknown) => plain(one, depth - 1, above);
  const made = Array.isArray(value) || value instanceof Set ? list([...value], inner) : record(value, inner);
  above.delete(value);
  return made;
}

function list(items: readonly unknown[], inner: (one: unknown) => unknown): readonly unknown[] {
  const shown = items.slice(0, itemsMax).map(inner);
  return items.length > itemsMax ? [...shown, `… and ${items.length - itemsMax} more`] : shown;
}

function record(value: object, inner: (one: unknown) => unknown): Readonly<Record<string, unknown>> {
  const entries: (readonly [string, unknown])[] =
    value instanceof Map
      ? [...value].map(([key, one]) => [typeof key === "string" ? key : JSON.stringify(inner(key)), one])
      : Object.entries(value);
  const shown = entries.slice(0, itemsMax).map(([key, one]) => [key, inner(one)] as const);
  if (entries.length > itemsMax) shown.push(["…", `and ${entries.length - itemsMax} more`]);
  return Object.fromEntries(shown.filter(([, one]) => one !== undefined));
}
