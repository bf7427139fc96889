import { ApiClient, customResource, type ObjectList, pods, type Resource, type Result, resourceOfKind } from "../../actors/client";
import type { Address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { CustomResourceDefinition, Pod } from "../../protocol/kinds/generated";
import { controllerOf, isBeingDeleted, type JsonObject, type Stored } from "../../protocol/kinds/object";
import { kindOf } from "../../protocol/kinds/registry";
import type { Failure } from "../../protocol/status";
import type { Context, Input } from "../../runtime/actor";
import type { ObjectName, Task } from "../actions/action";
import { isFinished } from "../checks/pods";

export interface OperatorConfig {
  readonly type: string;
  readonly apiServers: readonly Address[];
}

/** Asks the operator to do these, one after the other. Answered by OperatorDone. */
export interface OperatorPerform extends Message {
  readonly kind: "operator.perform";
  readonly tasks: readonly Task[];
  readonly withinMs: number;
}

export interface OperatorDone extends Message {
  readonly kind: "operator.done";
  readonly ok: boolean;
  readonly detail: string;
}

interface Job {
  readonly then: (ok: boolean, detail: string, ctx: Ctx) => void;
  readonly tasks: readonly Task[];
  readonly untilUs: number;
  /** The name of the timer at which it goes on. */
  readonly timer: string;
  over: boolean;
  /** The task under way, and within an apply the object. */
  task: number;
  object: number;
  /** When the task under way began, and of a drain, from when evictions are asked for (again). */
  taskSinceUs: number;
  evictFromUs: number;
  /** The uids of the pods that a drain is about: those that it found when it began, as kubectl does. What comes to the node later stays. */
  draining: ReadonlySet<string> | undefined;
  lastFailure: string;
  /** Tasks with a limit of their own that were given up, and why. */
  readonly givenUp: string[];
}

const retryMs = 1000;
/** As kubectl drain: a refused eviction is tried again after five seconds, and whether evicted pods are gone is looked at every second. */
const evictionRetryMs = 5000;
const goneLookMs = 1000;

/** The components' state type: an operator is its own state. */
type Ctx = Context<Operator>;

/**
 * Someone with kubectl, as an actor. Each job is a terminal of its own: what is asked for while another job waits goes on beside it. Each task can be
 * repeated without harm (server-side apply, patches that set values), so a request whose outcome is unknown is simply sent again.
 */
export class Operator {
  private readonly client: ApiClient<Operator>;
  /** The jobs under way, by their timers. */
  private readonly jobs = new Map<string, Job>();
  private begun = 0;
  /** Custom resources whose definitions were applied, by "apiVersion kind". */
  private readonly custom = new Map<string, Resource<Stored>>();

  constructor(config: OperatorConfig) {
    this.client = new ApiClient({ apiServers: config.apiServers, userAgent: "wavetank-operator" });
  }

  receive(input: Input, ctx: Ctx): undefined {
    if (input.type === "timer") {
      const job = this.jobs.get(input.name);
      if (job) this.work(ctx, job);
      else this.client.onTimer(input.name, ctx);
      return;
    }
    if (input.type !== "request" || input.body.kind !== "operator.perform") return;
    const { tasks, withinMs } = input.body as OperatorPerform;
    const { request } = input;
    this.perform(ctx, tasks, withinMs, (ok, detail, later) => {
      const answer: OperatorDone = { kind: "operator.done", ok, detail };
      later.reply(request, answer);
    });
  }

  /** Does these one after the other, beside whatever else it is about. */
  protected perform(ctx: Ctx, tasks: readonly Task[], withinMs: number, then: Job["then"]): void {
    const nowUs = ctx.monotonicUs();
    const begun = { task: 0, object: 0, taskSinceUs: nowUs, evictFromUs: 0, draining: undefined, lastFailure: "", givenUp: [] };
    const timer = `job/${this.begun++}`;
    const job: Job = { then, tasks, untilUs: nowUs + withinMs * 1000, timer, over: false, ...begun };
    this.jobs.set(timer, job);
    this.work(ctx, job);
  }

  private work(ctx: Ctx, job: Job): void {
    if (job.over) return;
    const task = job.tasks[job.task];
    if (!task) return this.finish(ctx, job, job.givenUp.length === 0, job.givenUp.join("; "));
    if (ctx.monotonicUs() >= job.untilUs) return this.finish(ctx, job, false, job.lastFailure || "no time was left");
    switch (task.type) {
      case "apply": {
        const object = task.objects[job.object];
        if (!object) return this.next(ctx, job);
        const { apiVersion, kind, metadata } = object as {
          apiVersion: string;
          kind: string;
          metadata: { namespace?: string; name: string };
        };
        const target = { namespace: metadata.namespace ?? "", name: metadata.name };
        const query = { fieldManager: "wavetank", force: "true" };
        return this.client.patch(
          ctx,
          this.resourceNamed({ apiVersion, kind }),
          target,
          "apply",
          object,
          settled(job, `apply ${kind} ${metadata.name}`, applied),
          query,
        );
      }
      case "patch": {
        const { object, patchType, patch, subresource } = task;
        const target = { namespace: object.namespace, name: object.name, subresource };
        return this.client.patch(
          ctx,
          this.resourceNamed(object),
          target,
          patchType,
          patch,
          settled(job, `patch ${object.kind} ${object.name}`, done),
        );
      }
      case "delete": {
        const { object } = task;
        return this.client.delete(ctx, this.resourceNamed(object), object, { propagationPolicy: "Background" }, (state, result, later) => {
          // A second attempt finds what the first one did.
          if (!result.ok && result.status.code === 404 && job.lastFailure !== "") state.next(later, job);
          else settled<JsonObject>(job, `delete ${object.kind} ${object.name}`, done)(state, result, later);
        });
      }
      case "drain": {
        const { node, withinMs } = task;
        if (withinMs !== undefined && ctx.monotonicUs() >= job.taskSinceUs + withinMs * 1000) {
          job.givenUp.push(`${node} was not drained in ${withinMs / 1000} s: ${job.lastFailure}`);
          return this.next(ctx, job);
        }
        return this.client.list(ctx, pods, "", { fieldSelector: `spec.nodeName=${node}` }, (state, result, later) => {
          if (job.over) return;
          if (!result.ok) state.retry(later, job, `list the pods of ${node}`, result.status);
          else state.evict(later, job, node, result.object);
        });
      }
    }
  }

  private evict(ctx: Ctx, job: Job, node: string, list: ObjectList<Pod>): void {
    // A DaemonSet would put its pod back at once: kubectl drain passes over them (--ignore-daemonsets).
    const found = list.items.filter((pod) => !isFinished(pod) && controllerOf(pod)?.kind !== "DaemonSet");
    job.draining ??= new Set(found.map(({ metadata }) => metadata.uid));
    const left = found.filter(({ metadata }) => job.draining!.has(metadata.uid));
    if (left.length === 0) return this.next(ctx, job);
    const staying = left.filter((one) => !isBeingDeleted(one));
    // What an eviction was refused for says more than that pods are left.
    if (staying.length === 0 || job.lastFailure === "") job.lastFailure = `${left.length} pods are still on ${node}`;
    const nowUs = ctx.monotonicUs();
    const due = nowUs >= job.evictFromUs;
    if (due) job.evictFromUs = nowUs + evictionRetryMs * 1000;
    for (const pod of due ? staying : []) {
      const { namespace = "", name } = pod.metadata;
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
      this.client.createSubresource(ctx, pods, { namespace, name, subresource: "eviction" }, eviction, (_state, result) => {
        if (!result.ok && result.status.code !== 404) job.lastFailure = `evict ${namespace}/${name}: ${result.status.message}`;
      });
    }
    ctx.setTimer(job.timer, goneLookMs);
  }

  next(ctx: Ctx, job: Job): void {
    job.task++;
    job.object = 0;
    job.taskSinceUs = ctx.monotonicUs();
    job.evictFromUs = 0;
    job.draining = undefined;
    job.lastFailure = "";
    this.work(ctx, job);
  }

  retry(ctx: Ctx, job: Job, what: string, status: Failure): void {
    job.lastFailure = `${what}: ${status.message}`;
    if (isFinal(status)) this.finish(ctx, job, false, job.lastFailure);
    else ctx.setTimer(job.timer, retryMs);
  }

  private finish(ctx: Ctx, job: Job, ok: boolean, detail: string): void {
    job.over = true;
    this.jobs.delete(job.timer);
    job.then(ok, detail, ctx);
  }

  advanceObject(ctx: Ctx, job: Job): void {
    this.learn(job);
    job.object++;
    this.work(ctx, job);
  }

  /** Remembers what a definition of custom resources that was just applied brings. */
  private learn({ tasks, task, object }: Job): void {
    const under = tasks[task];
    const applied = under?.type === "apply" ? under.objects[object] : undefined;
    if (applied?.kind !== "CustomResourceDefinition") return;
    const { group, scope, names, versions } = (applied as unknown as CustomResourceDefinition).spec;
    for (const { name } of versions) {
      const made = customResource<Stored>({
        group,
        version: name,
        kind: names.kind,
        plural: names.plural,
        namespaced: scope === "Namespaced",
      });
      this.custom.set(`${made.apiVersion} ${made.kind}`, made);
    }
  }

  private resourceNamed({ apiVersion, kind }: Pick<ObjectName, "apiVersion" | "kind">): Resource<Stored> {
    const known = kindOf(apiVersion, kind);
    const found = known ? resourceOfKind<Stored>(known) : this.custom.get(`${apiVersion} ${kind}`);
    if (!found) throw new Error(`${apiVersion} ${kind}: the API has no such kind`);
    return found;
  }
}

const applied = (state: Operator, job: Job, ctx: Ctx) => state.advanceObject(ctx, job);
const done = (state: Operator, job: Job, ctx: Ctx) => state.next(ctx, job);

/** A continuation that goes on after success and tries again after a failure that may pass. */
function settled<T>(
  job: Job,
  what: string,
  onSuccess: (state: Operator, job: Job, ctx: Ctx) => void,
): (state: Operator, result: Result<T>, ctx: Ctx) => undefined {
  return (state, result, ctx) => {
    if (job.over) return;
    if (result.ok) onSuccess(state, job, ctx);
    else state.retry(ctx, job, what, result.status);
  };
}

/** Whether trying again cannot help: the request itself is wrong. What is missing may yet come (a namespace that is just being made). */
function isFinal({ code }: Failure): boolean {
  return code === 400 || code === 401 || code === 405 || code === 415 || code === 422;
}
