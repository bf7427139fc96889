import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Cut } from "../scenarios/language/plan";
import type { RunResult } from "../scenarios/run";
import type { Bundle, Loaded } from "./load";
import { cutAt, Interrupted, simulate } from "./simulate";

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

export type WorkerSays = { readonly type: "ready" } | ({ readonly type: "done" } & Done);

/** Every seed from one to another. */
export function* seedJobs(first: number, last: number): Generator<Job> {
  for (let seed = first; seed <= last; seed++) yield { seed, cut: null };
}

/** Runs jobs, here or in worker threads; results come in the order in which runs end. Throws Interrupted. */
export async function runSeeds(options: SeedsOptions): Promise<void> {
  const { loaded, jobs, workers, untilUs, interrupted, onDone } = options;
  if (workers > 1) return inWorkers(options);
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

async function inWorkers({ loaded, jobs, workers, untilUs, interrupted, onDone }: SeedsOptions): Promise<void> {
  const queue = jobs[Symbol.iterator]();
  let goesOn = true;
  const next = (): Job | null => {
    const step = goesOn ? queue.next() : undefined;
    return step && !step.done ? step.value : null;
  };
  const task: WorkerTask = { bundle: loaded.bundle, untilUs };
  const threads = Array.from(
    { length: workers },
    () => new Worker(join(__dirname, `seed-worker${extname(__filename)}`), { workerData: task }),
  );
  const watch = setInterval(() => {
    if (interrupted()) for (const thread of threads) void thread.terminate();
  }, 100);
  try {
    await Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            thread.on("error", reject);
            thread.on("exit", (code) => {
              if (code === 0) resolve();
              else if (interrupted()) reject(new Interrupted());
              // Nothing more is wanted of runs that were under way when the last was asked for.
              else if (!goesOn) resolve();
              else reject(new Error(`a worker thread ended with status ${code}`));
            });
            thread.on("message", (said: WorkerSays) => {
              if (!goesOn) return;
              if (said.type === "done" && !onDone(said)) {
                goesOn = false;
                for (const one of threads) void one.terminate();
                return;
              }
              thread.postMessage(next());
            });
          }),
      ),
    );
  } finally {
    clearInterval(watch);
    for (const thread of threads) void thread.terminate();
  }
}
