import { parentPort, workerData } from "node:worker_threads";
import { prepare } from "./load";
import type { Job, WorkerSays, WorkerTask } from "./seeds";
import { cutAt, simulate } from "./simulate";

/** A worker thread of many runs: asks for a job, runs it, says what came of it, until there are no more. */
const { bundle, untilUs } = workerData as WorkerTask;
const loaded = prepare(bundle);
const port = parentPort!;

port.on("message", async (job: Job | null) => {
  if (job === null) return port.close();
  const { result, wallMs } = await simulate(cutAt(loaded, job.cut), {
    seed: job.seed,
    keepTraceLines: 0,
    ...(untilUs === undefined ? {} : { untilUs }),
  });
  port.postMessage({ job, result, wallMs } satisfies WorkerSays);
});
port.postMessage("ready");
