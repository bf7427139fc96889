import type { Container, Probe } from "../../protocol/kinds/generated";

/** Startup, readiness and liveness probes as machines: what was seen goes in, the result and the next date come out. */

export type ProbeKind = "startup" | "readiness" | "liveness";
export const probeKinds: readonly ProbeKind[] = ["startup", "readiness", "liveness"];

export interface ProbeProgress {
  readonly result: "unknown" | "success" | "failure";
  /** How often the last outcome came in a row. */
  readonly run: number;
  readonly lastOk: boolean;
  /** Monotonic ms. */
  readonly dueMs: number;
  readonly inFlight: boolean;
}

/** Defaults of the API, for objects that have not been through it. */
const periodMs = (probe: Probe) => (probe.periodSeconds ?? 10) * 1000;
export const probeTimeoutMs = (probe: Probe) => (probe.timeoutSeconds ?? 1) * 1000;

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  switch (kind) {
    case "startup":
      return container.startupProbe;
    case "readiness":
      return container.readinessProbe;
    case "liveness":
      return container.livenessProbe;
  }
}

/** A container that has just started is neither up nor ready, and counts as alive. */
export function newProbe(kind: ProbeKind, probe: Probe, startedMs: number): ProbeProgress {
  const result = kind === "liveness" ? "success" : kind === "readiness" ? "failure" : "unknown";
  return { result, run: 0, lastOk: false, dueMs: startedMs + (probe.initialDelaySeconds ?? 0) * 1000, inFlight: false };
}

/** Takes in one outcome: the result changes once it has come so often in a row as the probe's threshold says. */
export function afterProbe(progress: ProbeProgress, probe: Probe, ok: boolean, nowMs: number): ProbeProgress {
  const run = progress.run > 0 && progress.lastOk === ok ? progress.run + 1 : 1;
  const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  const result = run >= threshold ? (ok ? "success" : "failure") : progress.result;
  // Kept to the beat of the first probe, unless that one is already past.
  const dueMs = Math.max(progress.dueMs + periodMs(probe), nowMs);
  return { result, run, lastOk: ok, dueMs, inFlight: false };
}
