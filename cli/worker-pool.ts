import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { Interrupted } from "./exit";

export interface WorkerPoolOptions<Job, Said> {
  /** The worker's module, beside this one, without its ending. It says "ready" and is given one job after the other, and null when there are no more. */
  readonly module: string;
  readonly workerData?: unknown;
  readonly workers: number;
  readonly jobs: Iterator<Job>;
  readonly interrupted: () => boolean;
  /** Hears what a worker says of its job. False: no more jobs are begun, and those under way are given up. What it throws ends the pool. */
  readonly onSaid: (said: Said, job: Job) => boolean;
}

/** Works through jobs in worker threads, each of which asks for the next when it is done with one. Throws Interrupted, and what a worker threw. */
export async function inWorkerThreads<Job, Said>(options: WorkerPoolOptions<Job, Said>): Promise<void> {
  const { module, workerData, workers, jobs, interrupted, onSaid } = options;
  let goesOn = true;
  const next = (): Job | null => {
    const step = goesOn ? jobs.next() : undefined;
    return step && !step.done ? step.value : null;
  };
  const start = () => new Worker(join(__dirname, `worker-thread${extname(__filename)}`), { workerData, argv: [module] });
  const threads = Array.from({ length: workers }, start);
  const endAll = () => {
    for (const thread of threads) void thread.terminate();
  };
  const watch = setInterval(() => {
    if (interrupted()) endAll();
  }, 100);
  const work = (thread: Worker) =>
    new Promise<void>((resolve, reject) => {
      let job: Job | null = null;
      thread.on("error", reject);
      thread.on("exit", (code) => {
        // Nothing more is wanted of what was under way when the last was asked for.
        if (code === 0 || !goesOn) resolve();
        else reject(interrupted() ? new Interrupted() : new Error(`a worker thread ended with status ${code}`));
      });
      thread.on("message", (said: Said | "ready") => {
        if (!goesOn) return;
        try {
          if (said !== "ready" && job !== null && !onSaid(said, job)) {
            goesOn = false;
            return endAll();
          }
        } catch (error) {
          return reject(error);
        }
        job = next();
        thread.postMessage(job);
      });
    });
  try {
    await Promise.all(threads.map(work));
  } finally {
    clearInterval(watch);
    endAll();
  }
}
