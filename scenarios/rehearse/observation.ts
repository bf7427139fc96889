import type { HostName } from "../../protocol/address";

/** Why a request failed, as the world knows it. */
export type Cause =
  /** The Service had no endpoint at all. */
  | "no-endpoint"
  /** It had some, but none on the node where the request came in, and its policy keeps it there. */
  | "no-local-endpoint"
  /** It went to a pod whose node was gone, while Kubernetes still counted the pod as ready. */
  | "lost-node"
  /** It went to a pod that was ready by Kubernetes' account, before its process listened. */
  | "not-listening-yet"
  /** It went to a pod that was on its way out. */
  | "terminating"
  /** Its container exited while or before it was served. */
  | "crashed"
  /** The pod answered with an error, because a Service that it depends on failed. */
  | "dependency"
  /** The pod answered with an error of its own. */
  | "error-answer"
  /** The node where it came in did not know or do what it should. */
  | "entry"
  /** None of these; nobody answered in time. */
  | "no-answer";

/** Requests that failed for the same reason, of one pod, node or Service. */
export interface Failures {
  readonly cause: Cause;
  /** The pod, the node or the Service that it came down to; "" where there is none. */
  readonly subject: string;
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly detail: string;
}

/** A stretch of time; `untilUs` is the run's end where it lasted. */
export interface Stretch {
  readonly fromUs: number;
  readonly untilUs: number;
}

export interface ServiceObservation {
  readonly service: string;
  readonly requests: number;
  readonly failed: number;
  readonly failures: readonly Failures[];
  /** From a failed request to the next that succeeded. */
  readonly outages: readonly Stretch[];
  /** From the first failed request to the last before ten seconds without one. */
  readonly disturbances: readonly Stretch[];
  /** How many pods were listed as ready, from when on. */
  readonly ready: readonly { readonly atUs: number; readonly pods: readonly string[] }[];
}

export type Ending = "evicted" | "node lost" | "replaced" | "deleted";

export interface ExitRecord {
  readonly container: string;
  readonly atUs: number;
  readonly exitCode: number;
  readonly reason: string;
}

/** The life of a pod, as far as a rehearsal asks for it. Times are virtual microseconds; undefined where it did not come to that. */
export interface PodRecord {
  /** "shop/web-abc". */
  readonly pod: string;
  /** "Deployment shop/web", or "" of a pod of its own. */
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly node: string;
  readonly createdUs: number;
  readonly boundUs: number | undefined;
  readonly ready: readonly Stretch[];
  readonly deletedUs: number | undefined;
  readonly goneUs: number | undefined;
  readonly ending: Ending | undefined;
  readonly started: readonly { readonly container: string; readonly atUs: number }[];
  readonly exits: readonly ExitRecord[];
  /** Containers that a failing probe had killed. */
  readonly probeKills: readonly { readonly container: string; readonly probe: "liveness" | "startup"; readonly atUs: number }[];
  /** Why it found no node, the last that was said. */
  readonly unschedulable: { readonly reason: string; readonly atUs: number } | undefined;
  /** Why containers wait: "ImagePullBackOff", "CrashLoopBackOff". */
  readonly waiting: readonly string[];
}

export interface BudgetObservation {
  /** "shop/web". */
  readonly budget: string;
  /** It asked for every pod that it expected when all were up: not even with all of them healthy does it allow an eviction. */
  readonly blocksAlways: boolean;
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** What happened in one run, as plain data: blame is found in it, away from the run. */
export interface Observation {
  readonly settled: boolean;
  /** Why it did not settle or converge. */
  readonly reasons: readonly string[];
  readonly stormUs: number;
  /** When the storm's first step was taken. */
  readonly beganUs: number;
  readonly calmUs: number;
  readonly endUs: number;
  readonly services: readonly ServiceObservation[];
  readonly pods: readonly PodRecord[];
  readonly budgets: readonly BudgetObservation[];
  readonly nodesNotReady: readonly { readonly node: string; readonly atUs: number }[];
  /** When the control plane had leaders again who were lost. */
  readonly takeovers: readonly { readonly what: string; readonly atUs: number }[];
  readonly cordons: readonly (Stretch & { readonly node: HostName })[];
  /** Steps of the operator that failed. */
  readonly failedActions: readonly string[];
  /** What nodes had left at the end: thousandths of a processor and bytes. */
  readonly room: readonly { readonly node: string; readonly ready: boolean; readonly cpu: number; readonly memory: number }[];
}
