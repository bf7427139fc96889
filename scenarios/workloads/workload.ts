import type { JsonSchema } from "../schema";

export type Params = Readonly<Record<string, unknown>>;

/** A workload: what the users of the cluster do while the storm blows. One file each; a line in index.ts makes it known to scenario files. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /** The Service it is about, "namespace/name", to be held against the manifests. */
  service(params: Params): string | undefined;
}
