import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { RunResult } from "../scenarios/run";
import type { Bundle, Loaded } from "./load";
import { Interrupted, simulate } from "./simulate";

export interface SeedsOptions {
  readonly loaded: Loaded;
  readonly first: number;
  readonly last: number;
  readonly workers: number;
  readonly untilUs: number | undefined;
  readonly interrupted: () => boolean;
  readonly onResult: (result: RunResult, wallMs: number) => void;
}

/** What the main thread gives a worker at its start, and then one seed after the other (null: no more). */
export interface WorkerTask {
  readonly bundle: Bundle;
  readonly untilUs: number | undefined;
}

export type WorkerSays = { readonly type: "ready" } | { readonly type: "result"; readonly result: RunResult; readonly wallMs: number };

/** Runs every seed of a range, here or in worker threads; results come in the order in which runs end. Throws Interrupted. */
export async function runSeeds(options: SeedsOptions): Promise<void> {
  const { loaded, first, last, workers, untilUs, interrupted, onResult } = options;
  if (workers > 1 && last > first) return inWorkers(options);
  for (let seed = first; seed <= last; seed++) {
    const { result, wallMs } = await simulate(loaded, {
      seed,
      keepTraceLines: 0,
      interrupted,
      ...(untilUs === undefined ? {} : { untilUs }),
    });
    onResult(result, wallMs);
  }
}

async function inWorkers({ loaded, first, last, workers, untilUs, interrupted, onResult }: SeedsOptions): Promise<void> {
  let next = first;
  const task: WorkerTask = { bundle: loaded.bundle, untilUs };
  const threads = Array.from(
    { length: Math.min(workers, last - first + 1) },
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
            thread.on("exit", (code) =>
              code === 0 ? resolve() : reject(interrupted() ? new Interrupted() : new Error(`a worker thread ended with status ${code}`)),
            );
            thread.on("message", (said: WorkerSays) => {
              if (said.type === "result") onResult(said.result, said.wallMs);
              thread.postMessage(next <= last ? next++ : null);
            });
          }),
      ),
    );
  } finally {
    clearInterval(watch);
    for (const thread of threads) void thread.terminate();
  }
}
