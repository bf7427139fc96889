import { parentPort } from "node:worker_threads";
import { InputError } from "./exit";
import { type Rehearsed, type RehearseTask, rehearseOne } from "./rehearse-one";

export type RehearseWorkerSays =
  | { readonly type: "done"; readonly rehearsed: Rehearsed }
  | { readonly type: "wrong"; readonly message: string };

/** A worker thread of `rehearse`: asks for a run, makes it, says what came of it, until there are no more. */
const port = parentPort!;
const say = (what: RehearseWorkerSays) => port.postMessage(what);

port.on("message", async (task: RehearseTask | null) => {
  if (task === null) return port.close();
  try {
    say({ type: "done", rehearsed: await rehearseOne(task, () => false) });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    say({ type: "wrong", message: error.message });
  }
});
port.postMessage("ready");
