import { type JsonObject, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import type { Failure } from "../../protocol/status";
import type { Context } from "../../runtime/actor";
import type { ApiClient, ObjectList, Result } from "./api-client";
import type { EventRecorder } from "./event-recorder";
import type { Following, Read, Request, Step, Write } from "./plan";
import type { Throttle } from "./throttle";

/** How a plan ended. */
export type PlanOutcome = { readonly ok: true } | { readonly ok: false; readonly why: string; readonly isConflict: boolean };

/** Whoever wants to know what was written for the plan: expectations. */
export interface PlanListener<S> {
  accepted(write: Write, answer: JsonObject): void;
  /** It may have been carried out, or may yet be. */
  unknown(write: Write): void;
  requeue(ctx: Context<S>, afterMs: number): void;
}

type Done<S> = (outcome: PlanOutcome, ctx: Context<S>) => undefined;

const succeeded: PlanOutcome = { ok: true };

/** Carries out the steps of one plan. `isOver` makes it stop between steps: leadership was lost. */
export class PlanRunner<S> {
  constructor(
    private readonly client: ApiClient<S>,
    private readonly recorder: EventRecorder<S>,
    private readonly listener: PlanListener<S>,
    private readonly throttle: Throttle<S>,
    private readonly isOver: () => boolean,
  ) {}

  /** Performs steps in order and says how they ended; nothing is said once it is over. */
  run(ctx: Context<S>, steps: readonly Step[], done: Done<S>, at = 0): undefined {
    if (this.isOver()) return undefined;
    const step = steps[at];
    if (!step) return done(succeeded, ctx);
    return this.perform(ctx, step, (outcome, later) => (outcome.ok ? this.run(later, steps, done, at + 1) : done(outcome, later)));
  }

  private perform(ctx: Context<S>, step: Step, done: Done<S>): undefined {
    switch (step.do) {
      case "event":
        this.recorder.event(ctx, step.about, step.type, step.reason, step.message);
        return done(succeeded, ctx);
      case "record":
        ctx.record(step.fact);
        return done(succeeded, ctx);
      case "count":
        this.client.figures.measured(step.measure);
        return done(succeeded, ctx);
      case "fail":
        return done({ ok: false, why: step.message, isConflict: false }, ctx);
      case "requeue":
        this.listener.requeue(ctx, step.afterMs);
        return done(succeeded, ctx);
      case "sign":
        ctx.sign(step.request, (_state, result, later) => (this.isOver() ? undefined : this.run(later, step.then(result), done)));
        return undefined;
      case "gather":
        return this.gather(ctx, step.steps, step.then, done);
      case "attempt":
        return this.run(ctx, step.steps, (outcome, later) =>
          this.run(later, step.then(outcome.ok ? undefined : outcome.why), (second, last) => done(outcome.ok ? second : outcome, last)),
        );
      case "parallel":
        return this.batch(ctx, step.steps, 0, step.slowStart ? 1 : step.steps.length, done);
      case "get":
      case "list":
      case "discover":
        return this.read(ctx, step, done);
      default:
        return this.write(ctx, step, done);
    }
  }

  private batch(ctx: Context<S>, steps: readonly Step[], from: number, size: number, done: Done<S>): undefined {
    const batch = steps.slice(from, from + size);
    if (batch.length === 0) return done(succeeded, ctx);
    let left = batch.length;
    let failed: PlanOutcome = succeeded;
    for (const step of batch)
      this.perform(ctx, step, (outcome, later) => {
        left -= 1;
        if (!outcome.ok) failed = outcome;
        if (left > 0 || this.isOver()) return undefined;
        return failed.ok ? this.batch(later, steps, from + size, size * 2, done) : done(failed, later);
      });
    return undefined;
  }

  private gather(
    ctx: Context<S>,
    steps: readonly Request[],
    then: (results: readonly Result<unknown>[]) => readonly Step[],
    done: Done<S>,
  ): undefined {
    if (steps.length === 0) return this.run(ctx, then([]), done);
    const results: Result<unknown>[] = [];
    let left = steps.length;
    steps.forEach((step, at) => {
      const after = (result: Result<unknown>) => {
        results[at] = result;
        return step.after?.(result) ?? [];
      };
      const noted = { ...step, after };
      this.perform(ctx, noted, (_outcome, later) => {
        left -= 1;
        return left > 0 || this.isOver() ? undefined : this.run(later, then(results), done);
      });
    });
    return undefined;
  }

  private read(ctx: Context<S>, step: Read, done: Done<S>): undefined {
    const then = (_state: S, result: Result<Stored<unknown> | ObjectList<unknown> | JsonObject>, later: Context<S>) =>
      this.follow(later, result, { ...step, ignore: ["NotFound", ...(step.ignore ?? [])] }, done);
    return this.throttle.take(ctx, (later) => {
      if (step.do === "get") this.client.get(later, step.resource, { namespace: step.namespace, name: step.name }, then);
      else if (step.do === "discover") this.client.discover(later, step, then);
      else this.client.list(later, step.resource, step.namespace, step.query, then);
      return undefined;
    });
  }

  private write(ctx: Context<S>, write: Write & Following, done: Done<S>): undefined {
    const then = (_state: S, result: Result<unknown>, later: Context<S>) => {
      if (this.isOver()) return undefined;
      if (result.ok) this.listener.accepted(write, result.object as JsonObject);
      else if (result.unknown) this.listener.unknown(write);
      return this.follow(later, result, write, done);
    };
    return this.throttle.take(ctx, (later) => {
      send(this.client, later, write, then);
      return undefined;
    });
  }

  private follow(ctx: Context<S>, result: Result<unknown>, following: Following, done: Done<S>): undefined {
    if (this.isOver()) return undefined;
    const failed = !result.ok && !isIgnored(result.status, following) ? result.status : undefined;
    const end: Done<S> = (outcome, later) => done(failed ? outcomeOf(failed) : outcome, later);
    return following.after ? this.run(ctx, following.after(result), end) : end(succeeded, ctx);
  }
}

/** In a namespace that is being deleted nothing can be made: to try again would not help. */
function isIgnored({ reason, details }: Failure, { ignore }: Following): boolean {
  return (
    (ignore as readonly string[] | undefined)?.includes(reason ?? "") ||
    (details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") ?? false)
  );
}

function outcomeOf(status: Failure): PlanOutcome {
  return { ok: false, why: status.message, isConflict: status.reason === "Conflict" };
}

function send<S>(
  client: ApiClient<S>,
  ctx: Context<S>,
  write: Write,
  then: (state: S, result: Result<unknown>, ctx: Context<S>) => undefined,
): void {
  switch (write.do) {
    case "create":
      return client.create(ctx, write.resource, write.namespace, write.object, then);
    case "post":
      return client.createSubresource(ctx, write.resource, write, write.object, then);
    case "update":
      return client.update(ctx, write.resource, write.object, then, write.subresource);
    case "patch":
      return client.patch(ctx, write.resource, write, write.type, write.patch, then);
    case "delete":
      return client.delete(ctx, write.resource, write, write.options, then);
    case "deleteCollection":
      return client.deleteCollection(ctx, write.resource, write.namespace, write.query, write.options, then);
  }
}

/** The key of the object that a write is about; undefined where the server names it or there are many. */
export function keyOfWrite(write: Write): string | undefined {
  if (write.do === "update") return keyOf(write.object);
  if (write.do === "deleteCollection") return undefined;
  if (write.do !== "create") return objectKey(write.namespace, write.name);
  const name = (write.object.metadata as { name?: string } | undefined)?.name;
  return name === undefined ? undefined : objectKey(write.namespace, name);
}
