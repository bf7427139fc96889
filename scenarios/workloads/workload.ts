import type { Address } from "../../protocol/address";
import { parseDurationMs } from "../../protocol/kinds/duration";
import type { Context, Input } from "../../runtime/actor";
import type { JsonSchema } from "../schema";

export type Params = Readonly<Record<string, unknown>>;

/** What a workload may know of the cluster that it loads. */
export interface Surroundings {
  /** Its place in the scenario's `load`, which tells it from others of its kind. */
  readonly index: number;
  readonly members: readonly Address[];
  readonly apiServers: readonly Address[];
  readonly nodes: readonly string[];
}

/** Configuration of a client; `type` is the workload's name. Plain data, for it travels to whoever starts the actor. */
export type ClientConfig = Readonly<Record<string, unknown>> & { readonly type: string };

/** A workload at work: an actor's state. It begins and stops when it is told to (LoadTell), and records what it did and saw. */
export interface Client {
  // biome-ignore lint/suspicious/noExplicitAny: each is the state of its own context; no two share an actor
  receive(input: Input, ctx: Context<any>): undefined;
}

/** A workload: what the users of the cluster do while the storm blows. One file each; a line in index.ts makes it known to scenario files. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /**
   * Whether its clients, told to ("load.look"), look once more at what there is when the cluster is at rest again, and say so when they have: a run that was one long outage
   * has something to judge all the same.
   */
  readonly looksInTheEnd?: true;
  /** The Service it is about, "namespace/name", to be held against the manifests. */
  service(params: Params): string | undefined;
  /** The second part of its client's address, where that is not the workload's name and index. */
  clientName?(params: Params, index: number): string;
  configure(params: Params, surroundings: Surroundings): ClientConfig;
  start(config: ClientConfig): Client;
}

/** A duration parameter in milliseconds. */
export function millisecondsOf(value: unknown, otherwise: string): number {
  return parseDurationMs(String(value ?? otherwise)) ?? 0;
}
