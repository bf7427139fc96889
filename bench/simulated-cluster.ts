import { join } from "node:path";
import { tuneForSimulation } from "../cli/engine";
import { loadScenario } from "../cli/load";
import { inputOf } from "../cli/simulate";
import { Run } from "../scenarios/run";

/** Runs a scenario of this folder and times a stretch of it that begins when the cluster is at rest and the code is warm. */
export function virtualSecondsPerSecond(
  file: string,
  virtualSeconds: number,
): { readonly ratio: number; readonly eventsPerVirtualSecond: number; readonly eventsPerSecond: number } {
  tuneForSimulation();
  const run = new Run(inputOf(loadScenario(join(__dirname, "../../bench", file)), { seed: 1 }));
  run.begin();
  for (let ms = 0; ms < 90_000; ms += 500) run.advance(500);
  const events = run.simulation.heap.count;
  const started = performance.now();
  for (let ms = 0; ms < virtualSeconds * 1000; ms += 500) run.advance(500);
  const seconds = (performance.now() - started) / 1000;
  const handled = run.simulation.heap.count - events;
  return { ratio: virtualSeconds / seconds, eventsPerVirtualSecond: handled / virtualSeconds, eventsPerSecond: handled / seconds };
}
