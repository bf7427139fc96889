import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

// Loaded before the program in a process that is measured: tells, when it is asked by a signal, how long its event loop stood still at most.
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const file = process.env.BENCH_PAUSES;
process.on("SIGUSR2", () => {
  if (file === undefined) return;
  // It appears whole.
  writeFileSync(`${file}.new`, String(delay.max / 1e6));
  renameSync(`${file}.new`, file);
  delay.reset();
});
