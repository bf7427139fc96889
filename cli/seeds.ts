import type { Cut } from "../scenarios/language/plan";
import type { RunResult } from "../scenarios/run";
import { tuneForSimulation } from "./engine";
import type { Bundle, Loaded } from "./load";
import { cutAt, simulate } from "./simulate";
import { inWorkerThreads } from "./worker-pool";

/** One run of many: its seed, and for a plan where it is cut. */
export interface Job {
  readonly seed: number;
  readonly cut: Cut | null;
}

export interface Done {
  readonly job: Job;
  readonly result: RunResult;
  readonly wallMs: number;
}

export interface SeedsOptions {
  readonly loaded: Loaded;
  readonly jobs: Iterable<Job>;
  readonly workers: number;
  readonly untilUs: number | undefined;
  readonly interrupted: () => boolean;
  /** Answers false when no more runs are to be begun. */
  readonly onDone: (done: Done) => boolean;
}

/** What the main thread gives a worker at its start, and then one job after the other (null: no more). */
export interface WorkerTask {
  readonly bundle: Bundle;
  readonly untilUs: number | undefined;
}

/** What a worker says of a job. */
export type WorkerSays = Done;

/** Every seed from one to another. */
export function* seedJobs(first: number, last: number): Generator<Job> {
  for (let seed = first; seed <= last; seed++) yield { seed, cut: null };
}

/** Runs jobs, here or in worker threads; results come in the order in which runs end. Throws Interrupted. */
export async function runSeeds(options: SeedsOptions): Promise<void> {
  const { loaded, jobs, workers, untilUs, interrupted, onDone } = options;
  if (workers > 1) {
    tuneForSimulation();
    const workerData: WorkerTask = { bundle: loaded.bundle, untilUs };
    const queue = jobs[Symbol.iterator]();
    return inWorkerThreads<Job, WorkerSays>({ module: "seed-worker", workerData, workers, jobs: queue, interrupted, onSaid: onDone });
  }
  for (const job of jobs) {
    const { result, wallMs } = await simulate(cutAt(loaded, job.cut), {
      seed: job.seed,
      keepTraceLines: 0,
      interrupted,
      ...(untilUs === undefined ? {} : { untilUs }),
    });
    if (!onDone({ job, result, wallMs })) return;
  }
}
