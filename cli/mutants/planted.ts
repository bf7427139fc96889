import type { Mutant } from "../../scenarios/mutants/mutant";

/** A bug that was compiled and is in this process: what `plant.ts` finds in the environment. */
export interface Planted {
  readonly mutant: Mutant;
  /** The compiled module whose place it takes. */
  readonly path: string;
  readonly code: string;
}

export const plantedVariable = "WAVETANK_MUTANT";

/** The bug in this process, if there is one. Worker threads have that of the process. */
export function plantedMutant(): Mutant | undefined {
  const text = process.env[plantedVariable];
  return text === undefined ? undefined : (JSON.parse(text) as Planted).mutant;
}
