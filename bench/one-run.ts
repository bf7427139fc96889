import { loadScenario } from "../cli/load";
import { simulate } from "../cli/simulate";

// One run in a process of its own, so that its memory is its own: `node one-run.js FILE SEED SECONDS` prints a line of JSON. A run that takes more seconds of
// processor time is stopped there.

async function main(): Promise<void> {
  const [file = "", seed = "1", seconds = "Infinity"] = process.argv.slice(2);
  const loaded = loadScenario(file);
  const before = process.cpuUsage();
  const cpuMsSince = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const { result, wallMs } = await simulate(loaded, {
    seed: Number(seed),
    keepTraceLines: 0,
    stopWhen: () => cpuMsSince() > Number(seconds) * 1000,
  });
  const cpuMs = cpuMsSince();
  const { verdict, virtualMs, events, stopped } = result;
  process.stdout.write(
    `${JSON.stringify({ verdict, stopped, virtualMs, events, wallMs, cpuMs, peakKilobytes: process.resourceUsage().maxRSS })}\n`,
  );
}

void main();
