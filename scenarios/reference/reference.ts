import type { Final } from "../history";

/** The same run without its faults: the same cluster, seed and manifests, and the same actions at the same times. */
export interface Reference {
  readonly objects: Final["objects"];
  readonly updates: ReadonlyMap<string, number>;
  readonly converged: boolean;
}
