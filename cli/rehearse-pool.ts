import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { InputError } from "./load";
import { type Rehearsed, type RehearseTask, rehearseOne } from "./rehearse-one";
import type { RehearseWorkerSays } from "./rehearse-worker";
import { Interrupted } from "./simulate";

export interface PoolOptions {
  readonly workers: number;
  readonly interrupted: () => boolean;
}

/** Makes runs here or in worker threads, as many at a time as there are workers. `onDone` hears of each as it ends. Throws what a run throws. */
export async function rehearseAll(
  tasks: readonly RehearseTask[],
  { workers, interrupted }: PoolOptions,
  onDone: (index: number, rehearsed: Rehearsed) => void,
): Promise<void> {
  if (workers <= 1 || tasks.length <= 1) {
    for (const [i, task] of tasks.entries()) onDone(i, await rehearseOne(task, interrupted));
    return;
  }
  let next = 0;
  const threads = Array.from(
    { length: Math.min(workers, tasks.length) },
    () => new Worker(join(__dirname, `rehearse-worker${extname(__filename)}`)),
  );
  const watch = setInterval(() => {
    if (interrupted()) for (const thread of threads) void thread.terminate();
  }, 100);
  try {
    await Promise.all(
      threads.map(
        (thread) =>
          new Promise<void>((resolve, reject) => {
            let current = -1;
            thread.on("error", reject);
            thread.on("exit", (code) =>
              code === 0 ? resolve() : reject(interrupted() ? new Interrupted() : new Error(`a worker thread ended with status ${code}`)),
            );
            thread.on("message", (said: RehearseWorkerSays) => {
              if (said.type === "wrong") return reject(new InputError(said.message));
              if (said.type === "done") onDone(current, said.rehearsed);
              current = next++;
              thread.postMessage(tasks[current] ?? null);
            });
          }),
      ),
    );
  } finally {
    clearInterval(watch);
    for (const thread of threads) void thread.terminate();
  }
}
