import type { FlowSchema, PriorityLevelConfiguration } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { inOrder } from "./classify";
import { FairQueues, type Queuing } from "./fair-queues";
import { allocate, SeatDemand, type SeatLimits, type Shares, seatLimits } from "./seat-limits";
import { mandatoryLevels, mandatorySchemas } from "./standard-objects";

/** One priority level at work. */
export interface Level {
  readonly name: string;
  uid: string;
  exempt: boolean;
  shares: Shares;
  limits: SeatLimits;
  /** Of an exempt level only the count of seats is of interest. */
  readonly queues: FairQueues;
  readonly demand: SeatDemand;
  /** Its configuration is gone: it serves what it has taken in, and goes then. */
  leaving: boolean;
  /** Since the level is there. */
  readonly counts: { dispatched: number; rejected: number; timedOut: number; cancelled: number };
}

/** The levels there are and the schemas that lead to them. */
export interface Levels {
  readonly byName: Map<string, Level>;
  /** In the order in which they are tried; only those whose level exists. */
  schemas: readonly Stored<FlowSchema>[];
}

const noQueues: Queuing = { queues: 0, handSize: 0, queueLengthLimit: 0 };

/** Brings the levels in line with the objects; answers with the ids of requests that may run now since their level got more seats. */
export function reconfigure(
  levels: Levels,
  schemas: readonly Stored<FlowSchema>[],
  configurations: readonly Stored<PriorityLevelConfiguration>[],
  totalSeats: number,
  nowUs: number,
): readonly number[] {
  const wanted = withMandatory(configurations, mandatoryLevels as unknown as readonly Stored<PriorityLevelConfiguration>[]);
  for (const configuration of wanted) adopt(levels, configuration, nowUs);
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  for (const level of levels.byName.values()) level.leaving = !names.has(level.name);
  dropEmpty(levels);
  levels.schemas = inOrder(withMandatory(schemas, mandatorySchemas as unknown as readonly Stored<FlowSchema>[])).filter(({ spec }) =>
    names.has(spec?.priorityLevelConfiguration.name ?? ""),
  );
  const ordered = [...levels.byName.values()];
  const limits = seatLimits(
    totalSeats,
    ordered.map(({ shares }) => shares),
  );
  return ordered.flatMap((level, index) => {
    const before = level.limits;
    level.limits = limits[index]!;
    const { nominal, min, max } = level.limits;
    // What was lent and borrowed stays so until the next period, unless the limits themselves have changed.
    if (level.exempt || (before.nominal === nominal && before.min === min && before.max === max)) return [];
    return level.queues.setLimit(nowUs, Math.max(1, nominal));
  });
}

/** Ends a period of borrowing: shares the seats out anew. Answers with the ids of requests that may run now. */
export function rebalance(levels: Levels, totalSeats: number, nowUs: number): readonly number[] {
  const ordered = [...levels.byName.values()];
  const needs = ordered.map(({ limits, exempt, demand }) => ({ limits, exempt, ...demand.next(nowUs) }));
  const seats = allocate(totalSeats, needs);
  return ordered.flatMap((level, index) => (level.exempt ? [] : level.queues.setLimit(nowUs, seats[index]!)));
}

/** Takes out levels that were left and are empty. */
export function dropEmpty({ byName }: Levels): void {
  for (const { name, leaving, queues } of [...byName.values()])
    if (leaving && queues.executing.size === 0 && queues.waitingCount === 0) byName.delete(name);
}

function withMandatory<T extends { readonly metadata: { readonly name: string } }>(
  found: readonly T[],
  mandatory: readonly T[],
): readonly T[] {
  const names = new Set(found.map(({ metadata }) => metadata.name));
  return [...found, ...mandatory.filter(({ metadata }) => !names.has(metadata.name))];
}

function adopt(levels: Levels, { metadata, spec }: Stored<PriorityLevelConfiguration>, nowUs: number): void {
  const exempt = spec?.type === "Exempt";
  const queuing = queuingOf(spec);
  const shares = sharesOf(spec);
  const known = levels.byName.get(metadata.name);
  if (!known) {
    const queues = new FairQueues(queuing, 1, nowUs);
    const limits = { nominal: 0, min: 0, max: 0 };
    const { name, uid = "" } = metadata;
    levels.byName.set(name, {
      name,
      uid,
      exempt,
      shares,
      limits,
      queues,
      demand: new SeatDemand(nowUs),
      leaving: false,
      counts: { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 },
    });
    return;
  }
  known.uid = metadata.uid ?? "";
  known.exempt = exempt;
  known.shares = shares;
  const { queuing: before } = known.queues;
  if (before.queues !== queuing.queues || before.handSize !== queuing.handSize || before.queueLengthLimit !== queuing.queueLengthLimit)
    known.queues.reconfigure(queuing);
}

function queuingOf(spec: PriorityLevelConfiguration["spec"]): Queuing {
  const queuing = spec?.type === "Limited" ? spec.limited?.limitResponse?.queuing : undefined;
  if (!queuing) return noQueues;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = queuing;
  return { queues, handSize, queueLengthLimit };
}

function sharesOf(spec: PriorityLevelConfiguration["spec"]): Shares {
  const { exempt, limited } = spec ?? {};
  if (spec?.type === "Exempt")
    return {
      nominalConcurrencyShares: exempt?.nominalConcurrencyShares ?? 0,
      lendablePercent: exempt?.lendablePercent ?? 0,
      borrowingLimitPercent: undefined,
    };
  return {
    nominalConcurrencyShares: limited?.nominalConcurrencyShares ?? 30,
    lendablePercent: limited?.lendablePercent ?? 0,
    borrowingLimitPercent: limited?.borrowingLimitPercent,
  };
}
