import type { RunResult } from "../run";
import { recoveries } from "./recovery";

/** One part of a score: how many of its points, and how that came. */
export interface ScorePart {
  readonly name: string;
  readonly points: number;
  readonly of: number;
  readonly why: string;
}

export interface Score {
  /** 0 to 100, of the parts that apply. */
  readonly total: number;
  readonly parts: readonly ScorePart[];
}

/** Recovery within so much is perfect, and later than this much worthless. */
const [promptUs, lateUs] = [2_000_000, 120_000_000];
/** The share of failed requests with which availability is worth nothing, and everything: one nine, four nines. */
const [poor, excellent] = [1, 4];

/**
 * How well a run went, for comparing runs of one scenario with each other: it judges nothing. Checks that held, requests that were answered, how soon
 * Services were back after each fault, how soon all was at rest. Parts for which there was nothing to see are left out, and the rest counts for 100.
 */
export function scoreOf(result: Pick<RunResult, "checks" | "series" | "convergence" | "stopped">): Score {
  const parts = [checksPart(result), ...availabilityPart(result), ...recoveryPart(result), ...convergencePart(result)];
  const of = parts.reduce((sum, part) => sum + part.of, 0);
  const points = parts.reduce((sum, part) => sum + part.points, 0);
  return { total: Math.floor((100 * points) / of), parts };
}

/** Half of the points goes with the first check that is violated: a wrong answer is worse than a late one. */
function checksPart({ checks }: Pick<RunResult, "checks">): ScorePart {
  const held = checks.filter(({ verdict }) => verdict === "held").length;
  const points = held === checks.length ? 40 : (20 * held) / Math.max(1, checks.length);
  return { name: "checks", points, of: 40, why: `${held} of ${checks.length} held` };
}

function availabilityPart({ series }: Pick<RunResult, "series">): readonly ScorePart[] {
  const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
  const shares = series.load
    .map(({ service, succeeded, failed }) => ({ service, sent: sum(succeeded) + sum(failed), failed: sum(failed) }))
    .filter(({ sent }) => sent > 0);
  if (shares.length === 0) return [];
  const worst = shares.reduce((a, b) => (b.failed / b.sent > a.failed / a.sent ? b : a));
  const nines = worst.failed === 0 ? excellent : -Math.log10(worst.failed / worst.sent);
  const why = `${worst.failed} of ${worst.sent} requests to ${worst.service} failed`;
  return [{ name: "availability", points: 25 * share(nines, poor, excellent), of: 25, why }];
}

function recoveryPart({ series }: Pick<RunResult, "series">): readonly ScorePart[] {
  const all = recoveries(series).flatMap(({ fault, services }) =>
    services.map(({ service, answeredAfterUs }) => ({ fault, service, afterUs: answeredAfterUs < 0 ? lateUs : answeredAfterUs })),
  );
  const loaded = all.filter(({ service }) => series.load.some((one) => one.service === service));
  if (loaded.length === 0) return [];
  const worst = loaded.reduce((a, b) => (b.afterUs > a.afterUs ? b : a));
  const mean = loaded.reduce((sum, { afterUs }) => sum + promptness(afterUs), 0) / loaded.length;
  const why =
    worst.afterUs === 0
      ? "no fault kept a request from being answered"
      : `slowest: ${worst.service} ${(worst.afterUs / 1e6).toFixed(1)} s after ${worst.fault.label} of ${worst.fault.row}`;
  return [{ name: "recovery", points: 20 * mean, of: 20, why }];
}

function convergencePart({ convergence, stopped }: Pick<RunResult, "convergence" | "stopped">): readonly ScorePart[] {
  if (stopped) return [];
  const { converged, stayed, afterUs, reasons } = convergence;
  if (!converged || !stayed) return [{ name: "convergence", points: 0, of: 15, why: reasons[0] ?? "not at rest" }];
  return [
    { name: "convergence", points: 15 * promptness(afterUs), of: 15, why: `at rest ${(afterUs / 1e6).toFixed(1)} s after the storm` },
  ];
}

/** 1 for prompt, 0 for late, and between them by the order of magnitude. */
function promptness(afterUs: number): number {
  return 1 - share(Math.log10(Math.max(afterUs, promptUs)), Math.log10(promptUs), Math.log10(lateUs));
}

function share(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}
