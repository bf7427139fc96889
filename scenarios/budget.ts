import type { HostName } from "../protocol/address";
import type { PlannedHost } from "./aim";
import type { Fault } from "./faults/fault";
import { type Params, type StormNode, type StormStep, stepsOf } from "./language/steps";
import { formatPath, type Path } from "./source";
import { fewest, type HostFacts, matchingHosts, type Selector } from "./target";

/**
 * Why hitting these hosts is more than a cluster must survive, with all that are `lost` (those among them): of etcd a quorum has to stay, which is also a copy
 * of the data, and of API servers one. Undefined where it is not more.
 */
export function exceedsBudget(hosts: readonly HostFacts[], hit: ReadonlySet<HostName>, lost: ReadonlySet<HostName>): string | undefined {
  const allow = "allow that with `beyondBudget: true`";
  const members = hosts.filter(({ role }) => role === "etcd");
  const gone = members.filter(({ name, up }) => !up || lost.has(name)).length;
  const most = Math.floor((members.length - 1) / 2);
  if (gone > most)
    return `it would silence ${gone} of ${members.length} etcd members, and the cluster must only survive ${most} (${allow})`;
  const servers = hosts.filter(({ role }) => role === "apiserver");
  // With none of its own hit it is not this one's doing.
  if (servers.some(({ name }) => hit.has(name)) && servers.every(({ name, up }) => !up || lost.has(name)))
    return `it would silence ${servers.length === 1 ? "the only API server" : `all ${servers.length} API servers`}, and one has to stay (${allow})`;
  return undefined;
}

/** Those of its targets that a fault takes from the budget. */
export function lostOf(fault: Fault, hosts: readonly HostFacts[], targets: readonly string[], params: Params): readonly string[] {
  if (!fault.silences && fault.damages !== true) return [];
  return fault.silenced?.(hosts, targets, params) ?? targets;
}

/** The hosts of a plan when nothing has happened to them. */
export function whole(hosts: readonly PlannedHost[]): readonly HostFacts[] {
  return hosts.map(({ name, zone, role }) => ({ name, zone, role, up: true, leads: false }));
}

/** A step that can never be taken, with the reason. */
export interface Refused {
  readonly path: Path;
  readonly message: string;
}

/**
 * The steps of a storm that are refused in each of these clusters, whatever a seed draws, whoever leads, and though nothing else is lost. What is lost besides
 * only makes it worse, so that they need not be tried. Steps that may miss are passed over instead; what hits actors and pods is judged when its time comes,
 * because only then it is known which of them run.
 */
export function refusedByBudget(nodes: readonly StormNode[], clusters: Iterable<readonly PlannedHost[]>): readonly Refused[] {
  let sure: readonly Refused[] | undefined;
  for (const cluster of clusters) {
    const refused = refusedIn(nodes, whole(cluster));
    sure = sure ? sure.filter(({ path }) => refused.some((other) => other.path === path)) : refused;
    if (sure.length === 0) return sure;
  }
  return sure ?? [];
}

function refusedIn(nodes: readonly StormNode[], hosts: readonly HostFacts[]): readonly Refused[] {
  const refused = stepsOf(nodes).flatMap((step): readonly Refused[] => {
    const { lost } = leastLost(step, hosts);
    const message = lost.length > 0 ? exceedsBudget(hosts, new Set(lost), new Set(lost)) : undefined;
    return message === undefined ? [] : [{ path: step.path, message }];
  });
  const alone = refused.map(({ path }) => path);
  /** By the moment at which they begin: the steps of which it is known whom they hit. */
  const moments = new Map<number, { readonly path: Path; readonly lost: readonly HostName[] }[]>();
  const together = nodes.flatMap(({ start, body }): readonly Refused[] => {
    if (body.type !== "step" || alone.includes(body.step.path)) return [];
    if (start.spreadUs > 0 || start.when || start.unless || start.roundsUs) return [];
    const { lost, isCertain } = leastLost(body.step, hosts);
    if (lost.length === 0 || !isCertain) return [];
    const atUs = start.atUs + start.afterUs;
    const before = moments.get(atUs) ?? [];
    moments.set(atUs, [...before, { path: body.step.path, lost }]);
    const message = exceedsBudget(hosts, new Set(lost), new Set([...lost, ...before.flatMap((one) => one.lost)]));
    if (message === undefined) return [];
    const others = before.map(({ path }) => formatPath(path).slice(2)).join(" and ");
    return [{ path: body.step.path, message: `together with ${others}, at the same moment, ${message}` }];
  });
  return [...refused, ...together];
}

/**
 * The hosts that a step takes from the budget where chance is kindest to it: those that count for nothing first, then API servers up to the last one, then members
 * of etcd. Empty where that is nothing or is not known. `isCertain` where these are the ones, whatever is drawn.
 */
function leastLost(step: StormStep, hosts: readonly HostFacts[]): { readonly lost: readonly HostName[]; readonly isCertain: boolean } {
  const none = { lost: [], isCertain: false };
  if (step.type !== "fault" || step.mayMiss || (step.fault.aims ?? "hosts") !== "hosts") return none;
  const { is, ...selector } = step.target as Selector;
  const able = matchingHosts(selector, hosts);
  const servers = hosts.filter(({ role }) => role === "apiserver");
  const stays = servers.find((server) => !able.includes(server)) ?? servers.at(-1);
  const cost = (host: HostFacts) => (host === stays ? 3 : host.role === "etcd" ? 2 : host.role === "apiserver" ? 1 : 0);
  // One of them leads at most, and a step that finds nobody is refused as well.
  const matching = is === undefined ? able.length : is === "leader" ? 1 : able.length - 1;
  const count = fewest(selector, matching);
  const isCertain = count === able.length;
  // Who is outvoted is a matter of all targets, and among hosts of several roles it changes with those that are down.
  if (step.fault.silenced && !(isCertain && able.every(({ role }) => role === able[0]!.role))) return none;
  const kindest = isCertain ? able : [...able].sort((a, b) => cost(a) - cost(b)).slice(0, count);
  const names = kindest.map(({ name }) => name);
  return { lost: lostOf(step.fault, hosts, names, step.params), isCertain };
}
