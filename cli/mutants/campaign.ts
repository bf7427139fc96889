import { dirname, relative, resolve } from "node:path";
import { InputError, Interrupted } from "../exit";
import { loadScenario } from "../load";
import { type Hunted, type HuntOptions, hunt } from "./hunt";
import { Hunter } from "./hunter";
import { compileMutant, type LoadedMutant } from "./mutant-files";

/** A mutant that was compiled, with its scenarios. */
export type Prepared = Pick<HuntOptions, "planted" | "scenarios">;

/** Compiles every mutant and reads its scenarios before anything runs; what is wrong with any of them is said at once. Throws an InputError. */
export function prepareAll(mutants: readonly LoadedMutant[]): readonly Prepared[] {
  const wrong: string[] = [];
  const prepared = mutants.flatMap((loaded): Prepared[] => {
    try {
      return [{ planted: compileMutant(loaded), scenarios: loaded.mutant.scenarios.map((name) => scenarioOf(loaded, name)) }];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wrong.push(error.message);
      return [];
    }
  });
  if (wrong.length > 0) throw new InputError(wrong.join("\n"));
  return prepared;
}

function scenarioOf({ file, mutant }: LoadedMutant, name: string): Prepared["scenarios"][number] {
  const path = relative(process.cwd(), resolve(dirname(file), name));
  const loaded = loadScenario(path, { mutant });
  return { file: path, loaded, healthy: loaded.scenario.operators.length > 0 ? loadScenario(path) : loaded };
}

export interface CampaignOptions {
  /** How many mutants are hunted at a time. */
  readonly workers: number;
  readonly repeat: number;
  readonly firstSeed: number;
  /** Processor time for each search; where not given, what the mutant says. */
  readonly withinCpuMs: number | undefined;
  readonly interrupted: () => boolean;
  readonly onHunted: (hunted: Hunted) => void;
  readonly onProgress: (text: string) => void;
}

/** Hunts them all; answers in their order. Throws Interrupted. */
export async function huntAll(all: readonly Prepared[], options: CampaignOptions): Promise<readonly Hunted[]> {
  const { workers, repeat, firstSeed, interrupted, onHunted, onProgress } = options;
  const hunters = new Set<Hunter>();
  const watch = setInterval(() => {
    if (interrupted()) for (const hunter of hunters) hunter.end();
  }, 100);
  const hunted: Hunted[] = [];
  const underWay = new Map<string, string>();
  let next = 0;
  const start = (planted?: Prepared["planted"]) => {
    const hunter = new Hunter(planted);
    hunters.add(hunter);
    return hunter;
  };
  const work = async () => {
    // Without a bug one process does for all: it is asked only when something was found.
    const healthy = start();
    for (let one = all[next++]; one && !interrupted(); one = all[next++]) {
      const { id } = one.planted.mutant;
      const withinCpuMs = options.withinCpuMs ?? one.planted.mutant.withinCpuMs;
      const hunter = start(one.planted);
      const done = await hunt({
        ...one,
        hunter,
        healthy,
        repeat,
        firstSeed,
        withinCpuMs,
        onRun: (runs, cpuMs) => {
          underWay.set(id, `${id}: ${runs} runs, ${(cpuMs / 1000).toFixed(1)} of ${withinCpuMs / 1000} s`);
          onProgress(`${hunted.length} of ${all.length} hunted  ${[...underWay.values()].join("  ")}`);
        },
      });
      hunter.end();
      hunters.delete(hunter);
      underWay.delete(id);
      hunted.push(done);
      onHunted(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(workers, all.length) }, work));
    if (interrupted()) throw new Interrupted();
    const place = new Map(all.map(({ planted }, i) => [planted.mutant.id, i]));
    return hunted.sort((a, b) => place.get(a.mutant.id)! - place.get(b.mutant.id)!);
  } finally {
    clearInterval(watch);
    for (const hunter of hunters) hunter.end();
  }
}
