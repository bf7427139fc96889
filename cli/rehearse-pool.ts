import { InputError } from "./exit";
import { type Rehearsed, type RehearseTask, rehearseOne } from "./rehearse-one";
import type { RehearseWorkerSays } from "./rehearse-worker";
import { inWorkerThreads } from "./worker-pool";

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
  const places = new Map(tasks.map((task, i) => [task, i]));
  await inWorkerThreads<RehearseTask, RehearseWorkerSays>({
    ...{ module: "rehearse-worker", workers: Math.min(workers, tasks.length), jobs: tasks.values(), interrupted },
    onSaid(said, task) {
      if (said.type === "wrong") throw new InputError(said.message);
      onDone(places.get(task)!, said.rehearsed);
      return true;
    },
  });
}
