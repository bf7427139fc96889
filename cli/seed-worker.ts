import { parentPort, workerData } from "node:worker_threads";
import { prepare } from "./load";
import type { WorkerSays, WorkerTask } from "./seeds";
import { simulate } from "./simulate";

/** A worker thread of `run --seeds`: asks for a seed, runs it, says what came of it, until there are no more. */
const { bundle, untilUs } = workerData as WorkerTask;
const loaded = prepare(bundle);
const port = parentPort!;

port.on("message", async (seed: number | null) => {
  if (seed === null) return port.close();
  const { result, wallMs } = await simulate(loaded, { seed, keepTraceLines: 0, ...(untilUs === undefined ? {} : { untilUs }) });
  port.postMessage({ type: "result", result, wallMs } satisfies WorkerSays);
});
port.postMessage({ type: "ready" } satisfies WorkerSays);
