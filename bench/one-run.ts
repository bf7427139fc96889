import { loadScenario } from "../cli/load";
import { simulate } from "../cli/simulate";

// One run in a process of its own, so that its memory is its own: `node one-run.js FILE SEED` prints a line of JSON.

async function main(): Promise<void> {
  const [file = "", seed = "1"] = process.argv.slice(2);
  const loaded = loadScenario(file);
  const before = process.cpuUsage();
  const { result, wallMs } = await simulate(loaded, { seed: Number(seed), keepTraceLines: 0 });
  const { user, system } = process.cpuUsage(before);
  const { verdict, virtualMs, events } = result;
  const cpuMs = (user + system) / 1000;
  process.stdout.write(`${JSON.stringify({ verdict, virtualMs, events, wallMs, cpuMs, peakKilobytes: process.resourceUsage().maxRSS })}\n`);
}

void main();
