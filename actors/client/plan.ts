import type { DeleteOptions } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Reason } from "../../protocol/status";
import type { Fact, SignRequest, SignResult } from "../../runtime/actor";
import type { ObjectList, PatchType, Query, Result } from "./api-client";
import type { Subject } from "./event-recorder";
import type { Measure } from "./measures";
import type { Resource } from "./resource";

/** What a controller wants done about a key: data that the harness carries out, and tests compare. */
export interface Plan {
  /** One after the other; the first that fails ends the plan, and the key is tried again after a back-off. */
  readonly steps: readonly Step[];
  /** Look at the key again after this long even if nothing happens. */
  readonly requeueAfterMs?: number;
  /** What reconcile is given as `memory` the next time; kept as it was when absent. */
  readonly memory?: unknown;
  /** What is counted when the plan has been carried out, or has failed. */
  readonly ended?: (ok: boolean, tookMs: number) => readonly Measure[];
}

/** What follows an outcome. */
export interface Following {
  /** Reasons that count as success. */
  readonly ignore?: readonly Reason[];
  /** Steps that follow from the outcome, also from a failure; what was not ignored still fails the plan afterwards. */
  // biome-ignore lint/suspicious/noExplicitAny: plans hold writes to resources of every type; the constructors below give each its own
  readonly after?: (result: Result<any>) => readonly Step[];
}

// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyResource = Resource<any>;

export type Write =
  | {
      readonly do: "create";
      readonly resource: AnyResource;
      readonly namespace: string;
      readonly object: Readonly<Record<string, unknown>>;
    }
  | {
      readonly do: "post";
      readonly resource: AnyResource;
      readonly namespace: string;
      readonly name: string;
      readonly subresource: string;
      readonly object: Readonly<Record<string, unknown>>;
    }
  | { readonly do: "update"; readonly resource: AnyResource; readonly subresource: string; readonly object: Stored<unknown> }
  | {
      readonly do: "patch";
      readonly resource: AnyResource;
      readonly namespace: string;
      readonly name: string;
      readonly subresource: string;
      readonly type: PatchType;
      readonly patch: unknown;
    }
  | {
      readonly do: "delete";
      readonly resource: AnyResource;
      readonly namespace: string;
      readonly name: string;
      readonly options: DeleteOptions;
    }
  | {
      readonly do: "deleteCollection";
      readonly resource: AnyResource;
      readonly namespace: string;
      readonly query: Query;
      readonly options: DeleteOptions;
    };

/** A read past the cache. A failure other than NotFound and the ignored ones fails the plan after `after`. */
export type Read =
  | ({ readonly do: "get"; readonly resource: AnyResource; readonly namespace: string; readonly name: string } & Following)
  | ({ readonly do: "list"; readonly resource: AnyResource; readonly namespace: string; readonly query: Query } & Following)
  /** What a group version has in it, of whoever serves it. */
  | ({ readonly do: "discover"; readonly group: string; readonly version: string } & Following);

/** What is asked of the API. */
export type Request = Read | (Write & Following);

export type Step =
  | (Write & Following)
  | Read
  /** All at once. With slowStart in batches of 1, 2, 4, …; after a batch with a failure the rest is left out. */
  | { readonly do: "parallel"; readonly steps: readonly Step[]; readonly slowStart: boolean }
  /** All at once; `then` gets the results in the order of the steps. None of them fails the plan by itself. */
  | { readonly do: "gather"; readonly steps: readonly Request[]; readonly then: (results: readonly Result<unknown>[]) => readonly Step[] }
  /** Look at the key again after this long; decided while the plan is carried out. */
  | { readonly do: "requeue"; readonly afterMs: number }
  /** Has the cluster's keys do something; `then` gets what came of it, a refusal too. */
  | { readonly do: "sign"; readonly request: SignRequest; readonly then: (result: SignResult) => readonly Step[] }
  /** Performs steps, then what follows from how they ended; a failure among them still fails the plan afterwards. */
  | { readonly do: "attempt"; readonly steps: readonly Step[]; readonly then: (failure: string | undefined) => readonly Step[] }
  | {
      readonly do: "event";
      readonly about: Subject;
      readonly type: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
    }
  | { readonly do: "record"; readonly fact: Fact }
  | { readonly do: "count"; readonly measure: Measure }
  /** Ends the plan as failed. */
  | { readonly do: "fail"; readonly message: string };

/** A failure's after may be told apart by type: what constructors accept. */
export interface FollowingOf<T> {
  readonly ignore?: readonly Reason[];
  readonly after?: (result: Result<Stored<T>>) => readonly Step[];
}

export const nothingToDo: Plan = { steps: [] };

export function create<T extends { readonly metadata?: { readonly namespace?: string } }>(
  resource: Resource<T>,
  object: T,
  following: FollowingOf<T> = {},
): Step {
  return {
    do: "create",
    resource,
    namespace: object.metadata?.namespace ?? "",
    object: object as Readonly<Record<string, unknown>>,
    ...following,
  };
}

export function update<T>(resource: Resource<T>, object: Stored<T>, following: FollowingOf<T> = {}): Step {
  return { do: "update", resource, subresource: "", object, ...following };
}

export function updateStatus<T>(resource: Resource<T>, object: Stored<T>, following: FollowingOf<T> = {}): Step {
  return { do: "update", resource, subresource: "status", object, ...following };
}

/** Patches an object as it stands, whatever its resourceVersion unless the patch holds one. */
export function patch<T>(resource: Resource<T>, object: Stored<T>, type: PatchType, change: unknown, following: FollowingOf<T> = {}): Step {
  const { namespace = "", name } = object.metadata;
  return { do: "patch", resource, namespace, name, subresource: "", type, patch: change, ...following };
}

/** Patches the status of an object as it stands. */
export function patchStatus<T>(
  resource: Resource<T>,
  object: Stored<T>,
  type: PatchType,
  change: unknown,
  following: FollowingOf<T> = {},
): Step {
  const { namespace = "", name } = object.metadata;
  return { do: "patch", resource, namespace, name, subresource: "status", type, patch: change, ...following };
}

/** Deletes this very object, not another that took its name. That it is gone already counts as success. */
export function remove<T>(resource: Resource<T>, object: Stored<T>, options: DeleteOptions = {}, following: FollowingOf<T> = {}): Step {
  const { namespace = "", name, uid } = object.metadata;
  const preconditions = { uid, ...options.preconditions };
  return { do: "delete", resource, namespace, name, options: { ...options, preconditions }, ignore: ["NotFound"], ...following };
}

export function get<T>(
  resource: Resource<T>,
  namespace: string,
  name: string,
  after: (result: Result<Stored<T>>) => readonly Step[],
): Step {
  return { do: "get", resource, namespace, name, after };
}

export function list<T>(
  resource: Resource<T>,
  namespace: string,
  query: Query,
  after: (result: Result<ObjectList<T>>) => readonly Step[],
): Step {
  return { do: "list", resource, namespace, query, after };
}

export function parallel(steps: readonly Step[], slowStart = false): Step {
  return { do: "parallel", steps, slowStart };
}

/** Performs steps and then, whether they went well or not, what `then` makes of the failure's message. */
export function attempt(steps: readonly Step[], then: (failure: string | undefined) => readonly Step[]): Step {
  return { do: "attempt", steps, then };
}

export function event(about: Subject, type: "Normal" | "Warning", reason: string, message: string): Step {
  return { do: "event", about, type, reason, message };
}

/** Has the cluster's keys sign something, and does what follows from it. */
export function sign(request: SignRequest, then: (result: SignResult) => readonly Step[]): Step {
  return { do: "sign", request, then };
}

export function fail(message: string): Step {
  return { do: "fail", message };
}

export function gather(steps: readonly Request[], then: (results: readonly Result<unknown>[]) => readonly Step[]): Step {
  return { do: "gather", steps, then };
}

export function requeue(afterMs: number): Step {
  return { do: "requeue", afterMs };
}

/** Counts something for /metrics. */
export function count(measure: Measure): Step {
  return { do: "count", measure };
}
