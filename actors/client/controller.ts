import type { Stored } from "../../protocol/kinds/object";
import type { AggregatedGroup } from "./aggregated-resources";
import type { Plan } from "./plan";
import type { Resource } from "./resource";
import type { IndexFunction, ReadStore } from "./store";

/** The caches, read-only. They may lag behind the API, but never behind what this key's own earlier plans wrote. */
export interface View {
  /** The cache of a resource; throws for one that no controller watches. */
  of<T>(resource: Resource<T>): ReadStore<T>;
  /**
   * The custom resources that are served at the moment, and what aggregated servers were last found to serve that can be listed, watched and deleted;
   * empty where no controller wants to know of them.
   */
  customResources(): readonly Resource[];
  /** The group versions that aggregated servers serve, the preferred ones first. */
  aggregatedGroups(): readonly AggregatedGroup[];
  /** The resourceVersion that the cache of a resource has caught up with. */
  seen(resource: Resource): number;
}

/** When and under which settings a decision is made. */
export interface Moment {
  /** Wall time, milliseconds since 1970: for stamps that people read. */
  readonly nowMs: number;
  /** Monotonic milliseconds: for durations. */
  readonly monotonicMs: number;
  readonly settings: Settings;
}

export interface Settings {
  /** Flags of the real program by their names, durations in milliseconds. */
  readonly knobs: Readonly<Record<string, number>>;
  readonly clusterCidr: string;
  readonly nodeCidrMaskSize: number;
  /** PEM. */
  readonly rootCa: string;
}

/** Which keys a controller looks at when an object of the resource has changed; asked for the object as it was and as it is. */
export interface Watch {
  readonly resource: Resource;
  readonly keys: (object: Stored<unknown>, view: View) => readonly string[];
  /** Whether an update is one to look at; every one unless told. Nodes and Leases change all the time in ways that mean nothing to most. */
  readonly matters?: (old: Stored<unknown>, object: Stored<unknown>) => boolean;
}

export interface Index {
  readonly resource: Resource;
  readonly name: string;
  readonly of: IndexFunction<unknown>;
}

/**
 * A controller gets keys, never events: whatever happened, it compares what is with what should be and answers with a plan. `reconcile` is a pure function
 * of what it is given.
 */
export interface Controller {
  /** As in the flag --controllers. */
  readonly name: string;
  /** How many keys may be under way at once; 5 unless told. */
  readonly workers?: number;
  /** How many times the rate of kube-api-qps it may ask the API, where one object means many requests; 1 unless told. */
  readonly apiRateFactor?: number;
  readonly watches: readonly Watch[];
  readonly indexes?: readonly Index[];
  /** Whether it wants to know which custom resources there are, or also watches each of them; they come and go with their definitions. What aggregated servers serve counts as well. */
  readonly customResources?: "named" | ((resource: Resource) => { readonly watch: Watch; readonly indexes: readonly Index[] });
  /** Keys that are there from the start: for controllers that go round by the clock. */
  readonly standingKeys?: readonly string[];
  /** `memory` is what the last plan of this key remembered, undefined at first. */
  reconcile(key: string, view: View, moment: Moment, memory: unknown): Plan;
}

export function watch<T>(
  resource: Resource<T>,
  keys: (object: Stored<T>, view: View) => readonly string[],
  matters?: (old: Stored<T>, object: Stored<T>) => boolean,
): Watch {
  return { resource, keys: keys as Watch["keys"], ...(matters ? { matters: matters as NonNullable<Watch["matters"]> } : {}) };
}

export function index<T>(resource: Resource<T>, name: string, of: IndexFunction<T>): Index {
  return { resource, name, of: of as IndexFunction<unknown> };
}

/** A duration that may be set under the real flag's name, in milliseconds. */
export function knobMs(moment: Moment, name: string, defaultMs: number): number {
  return moment.settings.knobs[name] ?? defaultMs;
}
