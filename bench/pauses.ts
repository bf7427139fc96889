import { readFileSync, renameSync, writeFileSync } from "node:fs";

// Loaded before the program in a process that is measured: tells, when it is asked by a signal, for how long its event loop was not free to turn to
// anything else at most. Counted is the processor time of its main thread between two ticks of a timer, where the system tells of it, so that what
// else is at work on the machine is not in it; otherwise the time that passed.
const tickMs = 5;

const busyMs = (): number => {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return performance.now();
  }
};

let last = busyMs();
let longestMs = 0;
setInterval(() => {
  const now = busyMs();
  longestMs = Math.max(longestMs, now - last);
  last = now;
}, tickMs).unref();

const file = process.env.BENCH_PAUSES;
process.on("SIGUSR2", () => {
  if (file === undefined) return;
  // It appears whole.
  writeFileSync(`${file}.new`, String(longestMs));
  renameSync(`${file}.new`, file);
  longestMs = 0;
});
