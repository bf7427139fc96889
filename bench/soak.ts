import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Interrupted } from "../cli/exit";
import { loadScenario } from "../cli/load";
import { huntAll, type Prepared, prepareAll } from "../cli/mutants/campaign";
import { verdictOf } from "../cli/mutants/hunt";
import { allMutants } from "../cli/mutants/mutant-files";
import { simulate } from "../cli/simulate";
import type { RunResult } from "../scenarios/run";
import { crashStorm } from "./crash/crash-storm";
import { killedCluster } from "./crash/killed-cluster";
import { simulatedStorm } from "./crash/simulated-storm";
import { differentialSequences } from "./differential";
import { besiegeShell } from "./hostile/shell";
import { besiege } from "./hostile/siege";
import { besiegeForAWhile } from "./hostile/wire/while";

// Keeps at it: `npm run soak -- --minutes N [--first SEED] [--only PART]`. Its parts take turns until the time is over, each turn with seeds that were not tried
// before, and each at least one; then it prints what each part did, and its status is 1 if any of them found something or came to nothing.

/** One turn of a part; adds to the figures and answers with what it found. */
type Turn = (endMs: number) => Promise<readonly string[]>;

interface Part {
  readonly name: string;
  readonly figures: Map<string, number>;
  readonly turn: Turn;
  /** How long a turn may take; what cannot be broken off and gone on with later has its whole share at once. */
  readonly turnMaxMs: number;
  seconds: number;
  turns: number;
}

const root = join(__dirname, "../..");
const shopSeeds = 50;
const comparedPerTurn = 1_000;
const turnMaxMs = 60_000;

function partsFrom(first: number): Part[] {
  const part = (name: string, make: (add: (figure: string, by: number) => void) => Turn, maxMs = turnMaxMs): Part => {
    const figures = new Map<string, number>();
    const turn = make((figure, by) => figures.set(figure, (figures.get(figure) ?? 0) + by));
    return { name, figures, turn, turnMaxMs: maxMs, seconds: 0, turns: 0 };
  };
  return [
    part("etcd processes killed", (add) => {
      let seed = first;
      return async (endMs) => {
        const withinMs = Math.max(5_000, (endMs - performance.now()) * 0.75);
        const { violations, ...figures } = await crashStorm({ seed, kills: 60, withinMs });
        for (const [figure, by] of Object.entries(figures)) if (figure !== "terms") add(figure, by);
        const told = violations.map((why) => `crash storm of seed ${seed}: ${why}`);
        seed++;
        return told;
      };
    }),
    part("wavetank up, killed", (add) => async (endMs) => {
      const { violations, ...figures } = await killedCluster({ kills: 20, withinMs: Math.max(5_000, (endMs - performance.now()) * 0.75) });
      for (const [figure, by] of Object.entries(figures)) add(figure, by);
      return violations;
    }),
    part("etcd storms, simulated", (add) => {
      let seed = first;
      return async (endMs) => {
        const found: string[] = [];
        for (let n = 0; n < 20 && performance.now() < endMs; n++) {
          const { violations, ...figures } = simulatedStorm(seed++);
          add("seeds", 1);
          for (const [figure, by] of Object.entries(figures)) add(figure, by);
          found.push(...violations);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return found;
      };
    }),
    part("etcd beside the real etcd", (add) => {
      let seed = first;
      return async (endMs) => {
        const found = await differentialSequences(seed++, comparedPerTurn, Math.min(180_000, Math.max(20_000, endMs - performance.now())));
        add("sequences asked for", comparedPerTurn);
        return found;
      };
    }),
    part("scenarios/library/etcd-storm.yaml", (add) =>
      seedsOf("scenarios/library/etcd-storm.yaml", first, Number.POSITIVE_INFINITY, 10, add),
    ),
    part("hostile requests", (add) => {
      let seed = first;
      return async (endMs) => {
        const found: string[] = [];
        while (performance.now() < endMs) {
          const { requests, accepted, refused, slowest, violations } = besiege(seed, 20_000, endMs);
          for (const [figure, by] of Object.entries({ requests, accepted, refused })) add(figure, by);
          found.push(
            ...violations.map((why) => `hostile requests of seed ${seed} (the slowest took ${Math.round(slowest.ms)} ms): ${why}`),
          );
          seed++;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return found;
      };
    }),
    part("hostile commands in containers", (add) => {
      let seed = first;
      return async (endMs) => {
        const found: string[] = [];
        while (performance.now() < endMs) {
          const { violations, ...figures } = besiegeShell(seed, 2_000, endMs);
          for (const [figure, by] of Object.entries(figures)) add(figure, by);
          found.push(...violations);
          seed++;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return found;
      };
    }),
    part("hostile bytes on the wire", (add) => {
      let seed = first;
      return async (endMs) => {
        const { violations, nextSeed, ...figures } = await besiegeForAWhile(seed, endMs);
        for (const [figure, by] of Object.entries(figures)) add(figure, by);
        seed = nextSeed;
        return violations;
      };
    }),
    part("mutants", (add) => hunts(first, add), Number.POSITIVE_INFINITY),
    part("examples/shop/leader-loss.yaml", (add) => seedsOf("examples/shop/leader-loss.yaml", first, shopSeeds, 10, add)),
    part("scenarios/library/swarm.yaml", (add) => seedsOf("scenarios/library/swarm.yaml", first, Number.POSITIVE_INFINITY, 5, add)),
    part("healthy seeds", (add) => healthySeeds(first, add)),
    part("the whole library", (add) => everyScenario(first, add)),
  ];
}

/** Hunts one mutant after the other, those first that may take least. A search that the time breaks off says nothing about its mutant. */
function hunts(first: number, add: (figure: string, by: number) => void): Turn {
  let next = first;
  let prepared: readonly Prepared[] | undefined;
  return async (endMs) => {
    const mutants = (prepared ??= prepareAll(allMutants()).toSorted((a, b) => a.planted.mutant.withinCpuMs - b.planted.mutant.withinCpuMs));
    const found: string[] = [];
    while (performance.now() < endMs) {
      const firstSeed = 1 + 1_000 * Math.floor(next / mutants.length);
      try {
        found.push(...(await huntOne(mutants[next++ % mutants.length]!, firstSeed, endMs, add)));
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        add("broken off", 1);
      }
    }
    return found;
  };
}

/** Hunts one mutant; where the first search misses it, the median of three others counts. Throws Interrupted when the time is over. */
async function huntOne(
  mutant: Prepared,
  firstSeed: number,
  endMs: number,
  add: (figure: string, by: number) => void,
): Promise<readonly string[]> {
  const search = async (repeat: number, seed: number) => {
    const interrupted = () => performance.now() > endMs;
    const quiet = { onHunted: () => undefined, onProgress: () => undefined };
    const [hunted] = await huntAll([mutant], { workers: 1, repeat, firstSeed: seed, withinCpuMs: undefined, interrupted, ...quiet });
    for (const { runs, cpuMs } of hunted!.attempts) {
      add("runs", runs);
      add("CPU-seconds", cpuMs / 1000);
    }
    return verdictOf(hunted!);
  };
  let { verdict } = await search(1, firstSeed);
  if (verdict === "missed") verdict = (await search(3, firstSeed + 500)).verdict;
  add(verdict, 1);
  return verdict === "caught" ? [] : [`npx wavetank mutants ${mutant.planted.mutant.id} --first-seed ${firstSeed}: ${verdict}`];
}

/**
 * Nothing is planted here: whatever is violated is a bug, or a check's false alarm. Of a hundred seeds most go where many are cheap, and the rest to what takes a
 * whole cluster; together they ask every check that can judge a short run.
 */
const healthyMix = { "healthy-store": 84, "healthy-swarm": 9, "healthy-workloads": 5, "healthy-crowded": 2 } as const;

function healthySeeds(first: number, add: (figure: string, by: number) => void): Turn {
  const shares = Object.entries(healthyMix).map(([name, share]) => {
    const count = (figure: string, by: number) => add(figure === "seeds" ? `seeds of ${name}` : figure, by);
    return seedsOf(`scenarios/library/${name}.yaml`, first, Number.POSITIVE_INFINITY, share, count);
  });
  return async (endMs) => {
    const found: string[] = [];
    const before = process.cpuUsage();
    for (const share of shares) found.push(...(await share(endMs)));
    const { user, system } = process.cpuUsage(before);
    add("CPU-seconds", (user + system) / 1e6);
    return found;
  };
}

/** Runs seeds of a scenario, so many in each turn; after `most` of them it begins anew with the first. */
function seedsOf(file: string, first: number, most: number, perTurn: number, add: (figure: string, by: number) => void): Turn {
  const loaded = loadScenario(join(root, file));
  let next = 0;
  return async (endMs) => {
    const found: string[] = [];
    for (let n = 0; n < perTurn && performance.now() < endMs; n++) {
      const seed = first + (next++ % most);
      const { result } = await simulate(loaded, { seed, keepTraceLines: 0 });
      add("seeds", 1);
      add("virtual minutes", result.virtualMs / 60_000);
      found.push(...violationsOf(result).map((why) => `${file} --seed ${seed}: ${why}`));
    }
    return found;
  };
}

/** One scenario of the library after the other, each twice with the same seed and to its end, and then all of them with the next seed. */
function everyScenario(first: number, add: (figure: string, by: number) => void): Turn {
  const folder = "scenarios/library";
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".yaml"));
  const turns = names
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const file = `${folder}/${name}`;
      const loaded = loadScenario(join(root, file));
      let seed = first;
      return async () => {
        const at = seed++;
        const run = async () => (await simulate(loaded, { seed: at, keepTraceLines: 0 })).result;
        const [one, two] = [await run(), await run()];
        add("seeds", 1);
        add("virtual minutes", (one.virtualMs + two.virtualMs) / 60_000);
        const found = violationsOf(one);
        return [...found, ...(one.traceHash === two.traceHash ? [] : ["two runs left different traces"])].map(
          (why) => `${file} --seed ${at}: ${why}`,
        );
      };
    });
  let next = 0;
  return async (endMs) => {
    const found: string[] = [];
    for (let n = 0; n < turns.length && performance.now() < endMs; n++) found.push(...(await turns[next++ % turns.length]!()));
    return found;
  };
}

function violationsOf(result: RunResult): readonly string[] {
  if (result.verdict === "held") return [];
  const broken = result.checks.filter(({ verdict }) => verdict === "violated").map(({ name, detail }) => `${name}: ${detail}`);
  return [`violated: ${broken.join("; ") || "it did not converge"}`];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "10" }, first: { type: "string", default: "1" }, only: { type: "string", default: "" } },
  });
  const [minutes, first] = [Number(values.minutes), Number(values.first)];
  if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: expected a number above 0`);
  if (!Number.isSafeInteger(first) || first < 0) throw new Error(`--first ${values.first}: expected a whole number, 0 or more`);
  const endMs = performance.now() + minutes * 60_000;
  const all = partsFrom(first);
  const parts = all.filter(({ name }) => name.includes(values.only));
  if (parts.length === 0)
    throw new Error(`--only ${values.only}: expected a part, or what is in its name: ${all.map(({ name }) => name).join("; ")}`);
  const violations: string[] = [];
  const shareMs = (minutes * 60_000) / parts.length;
  for (let turn = 0; turn < parts.length || performance.now() < endMs; turn++) {
    const part = parts[turn % parts.length]!;
    const startedMs = performance.now();
    const leftMs = shareMs - part.seconds * 1000;
    if (part.turns > 0 && part.turnMaxMs > shareMs && leftMs < 1_000) {
      if (parts.length === 1) break;
      continue;
    }
    // However short the time, and whoever took too much of it, each part is to have a turn.
    const turnEndMs = Math.min(turn < parts.length ? Number.POSITIVE_INFINITY : endMs, startedMs + part.turnMaxMs, startedMs + shareMs);
    const found = await part.turn(turnEndMs).catch((error: Error) => [`${part.name}: ${error.stack}`]);
    for (const why of found) process.stdout.write(`VIOLATED  ${why}\n`);
    violations.push(...found);
    part.seconds += (performance.now() - startedMs) / 1000;
    part.turns++;
    process.stdout.write(`${line(part)}\n`);
  }
  for (const { name, figures } of parts)
    if (![...figures.values()].some((figure) => figure > 0))
      violations.push(`${name}: did nothing, so it proves nothing: give it more time`);
  process.stdout.write(`\n${parts.map(line).join("\n")}\n`);
  process.stdout.write(
    violations.length === 0 ? "\nnothing was violated\n" : `\n${violations.length} violations:\n${violations.join("\n")}\n`,
  );
  return violations.length === 0 ? 0 : 1;
}

function line({ name, figures, seconds, turns }: Part): string {
  const told = [...figures].map(([figure, value]) => `${Math.round(value).toLocaleString("en-US")} ${figure}`);
  return `${name.padEnd(34)} ${String(turns).padStart(3)} turns, ${String(Math.round(seconds)).padStart(4)} s: ${told.join(", ")}`;
}

main().then(
  (status) => process.exit(status),
  (error: Error) => {
    process.stderr.write(`soak: ${error.message}\n`);
    process.exit(2);
  },
);
