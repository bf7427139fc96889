import type { APIService, CustomResourceDefinition, ObjectMeta } from "../../protocol/kinds/generated";
import { isBeingDeleted, type JsonObject, keyOf, type Stored, splitKey } from "../../protocol/kinds/object";
import type { Context } from "../../runtime/actor";
import { AggregatedFollower } from "./aggregated-follower";
import { type AggregatedGroup, apiServices, preferred } from "./aggregated-resources";
import type { ApiClient } from "./api-client";
import type { Controller, Moment, Settings, View, Watch } from "./controller";
import { customResourceDefinitions, customResourcesOf } from "./custom-resources";
import type { EventRecorder } from "./event-recorder";
import { Expectations } from "./expectations";
import type { Change, Informer } from "./informer";
import type { Write } from "./plan";
import { keyOfWrite, type PlanOutcome, PlanRunner } from "./plan-runner";
import { type Resource, resourceName } from "./resource";
import type { ReadStore } from "./store";
import { Throttle } from "./throttle";
import { WorkQueue } from "./work-queue";

/** One controller at work. */
interface Running<S> {
  readonly controller: Controller;
  readonly queue: WorkQueue<S>;
  readonly throttle: Throttle<S>;
  readonly expectations: Expectations;
  /** Keys that wait for a cache to show what was written for them. */
  readonly parked: Set<string>;
  /** Writes whose outcome nobody told: to be looked up before the key is looked at again. */
  readonly unverified: Map<string, Write[]>;
  readonly memories: Map<string, unknown>;
  underWay: number;
}

/**
 * Runs controllers over shared caches: turns changes into keys, gives each key to `reconcile` when the caches are good for it, carries out the plan,
 * and tries again with a back-off what failed. It is made anew for each term of leadership.
 */
export class ControllerHost<S> implements View {
  private readonly informers = new Map<string, Informer<S, unknown>>();
  private readonly running: Running<S>[] = [];
  private custom: readonly Resource[] = [];
  private readonly aggregated: AggregatedFollower<S> | undefined;
  private isStopped = false;

  constructor(
    private readonly client: ApiClient<S>,
    private readonly recorder: (controller: string) => EventRecorder<S>,
    private readonly settings: Settings,
    controllers: readonly Controller[],
  ) {
    for (const controller of controllers) this.add(controller);
    if (!controllers.some(({ customResources }) => customResources)) return;
    const definitions = this.informerOf(customResourceDefinitions).store as ReadStore<CustomResourceDefinition>;
    const services = this.informerOf(apiServices);
    const follow = (ctx: Context<S>): undefined => this.followCustomResources(definitions, ctx);
    this.aggregated = new AggregatedFollower<S>(client, services.store as ReadStore<APIService>, follow);
    this.informerOf(customResourceDefinitions).onProgress(follow);
    services.onProgress((ctx) => this.aggregated!.look(ctx));
  }

  of<T>(resource: Resource<T>): ReadStore<T> {
    const informer = this.informers.get(resourceName(resource));
    if (!informer) throw new Error(`no controller here watches ${resourceName(resource)}`);
    return informer.store as ReadStore<T>;
  }

  customResources(): readonly Resource[] {
    return this.custom;
  }

  aggregatedGroups(): readonly AggregatedGroup[] {
    return this.aggregated?.groups ?? [];
  }

  seen(resource: Resource): number {
    return this.informers.get(resourceName(resource))?.resourceVersion ?? 0;
  }

  start(ctx: Context<S>): void {
    for (const informer of this.informers.values()) informer.start(ctx);
    for (const { controller, queue } of this.running) for (const key of controller.standingKeys ?? []) queue.add(ctx, key);
  }

  /** Nothing is read, decided or written for these controllers from here on. */
  stop(ctx: Context<S>): void {
    this.isStopped = true;
    for (const informer of this.informers.values()) informer.stop(ctx);
    this.aggregated?.stop(ctx);
    for (const { queue, throttle } of this.running) {
      queue.stop(ctx);
      throttle.stop(ctx);
    }
  }

  /** Whether every cache has its first list. */
  get synced(): boolean {
    return [...this.informers.values()].every((informer) => informer.synced);
  }

  private add(controller: Controller): void {
    const { "kube-api-qps": qps = 20, "kube-api-burst": burst = 30 } = this.settings.knobs;
    const rate = controller.apiRateFactor ?? 1;
    const running: Running<S> = {
      controller,
      queue: new WorkQueue<S>(this.client, { name: controller.name, onReady: (ctx) => this.pump(running, ctx) }),
      throttle: new Throttle<S>(this.client, { name: controller.name, qps: qps * rate, burst: burst * rate }),
      expectations: new Expectations(),
      parked: new Set(),
      unverified: new Map(),
      memories: new Map(),
      underWay: 0,
    };
    this.running.push(running);
    for (const watch of controller.watches) {
      const informer = this.informerOf(watch.resource);
      informer.addHandler((change, ctx) => this.onChange(running, watch, change, ctx));
      informer.onProgress((ctx) => this.onProgress(running, ctx));
    }
    for (const { resource, name, of } of controller.indexes ?? []) this.informerOf(resource).addIndex(name, of);
  }

  /** Custom resources are watched by those who want to from the moment on that they are served, until their definitions go. */
  private followCustomResources(definitions: ReadStore<CustomResourceDefinition>, ctx: Context<S>): undefined {
    const before = new Map(this.custom.map((resource) => [resourceName(resource), resource]));
    const now = preferred([...customResourcesOf(definitions.list()), ...(this.aggregated?.resources ?? [])]);
    if (JSON.stringify(now) === JSON.stringify(this.custom)) return;
    this.custom = now;
    const kept = new Set<string>();
    for (const resource of now) {
      const name = resourceName(resource);
      if (before.get(name)?.version === resource.version) kept.add(name);
    }
    for (const name of before.keys()) {
      if (kept.has(name)) continue;
      this.informers.get(name)?.stop(ctx);
      this.informers.delete(name);
    }
    for (const resource of now) if (!kept.has(resourceName(resource))) this.watchCustom(resource, ctx);
  }

  private watchCustom(resource: Resource, ctx: Context<S>): void {
    let informer: Informer<S, unknown> | undefined;
    for (const running of this.running) {
      const { customResources } = running.controller;
      if (typeof customResources !== "function") continue;
      const { watch, indexes } = customResources(resource);
      informer = this.informerOf(resource);
      informer.addHandler((change, ctx) => this.onChange(running, watch, change, ctx));
      informer.onProgress((ctx) => this.onProgress(running, ctx));
      for (const { name, of } of indexes) informer.addIndex(name, of);
    }
    informer?.start(ctx);
  }

  private informerOf(resource: Resource): Informer<S, unknown> {
    const name = resourceName(resource);
    let informer = this.informers.get(name);
    if (!informer) {
      const isAggregated = this.aggregated?.groups.some(({ group }) => group === resource.group) ?? false;
      informer = this.client.informer(resource, isAggregated ? { isAggregated } : {});
      this.informers.set(name, informer);
    }
    return informer;
  }

  private onChange({ queue }: Running<S>, { keys, matters }: Watch, change: Change<unknown>, ctx: Context<S>): undefined {
    if (change.type === "updated") {
      if (matters && !matters(change.old, change.object)) return undefined;
      for (const key of keys(change.old, this)) queue.add(ctx, key);
    }
    for (const key of keys(change.object, this)) queue.add(ctx, key);
    return undefined;
  }

  private onProgress(running: Running<S>, ctx: Context<S>): undefined {
    for (const key of running.parked) {
      if (!this.isSettled(running, key)) continue;
      running.parked.delete(key);
      running.queue.add(ctx, key);
    }
    if (running.queue.length > 0) this.pump(running, ctx);
    return undefined;
  }

  private isSettled(running: Running<S>, key: string): boolean {
    return running.expectations.settled(key, (resource) => this.informers.get(resource));
  }

  private isReady({ controller }: Running<S>): boolean {
    return controller.watches.every(({ resource }) => this.informers.get(resourceName(resource))!.synced);
  }

  private pump(running: Running<S>, ctx: Context<S>): undefined {
    if (this.isStopped || !this.isReady(running)) return undefined;
    const { queue, controller } = running;
    while (running.underWay < (controller.workers ?? 5)) {
      const key = queue.next(ctx);
      if (key === undefined) return undefined;
      running.underWay += 1;
      this.process(running, key, ctx);
    }
    return undefined;
  }

  private process(running: Running<S>, key: string, ctx: Context<S>): undefined {
    const write = running.unverified.get(key)?.[0];
    if (write) return this.verify(running, key, write, ctx);
    if (!this.isSettled(running, key)) {
      running.parked.add(key);
      return this.finish(running, key, ctx);
    }
    const { controller } = running;
    const moment: Moment = { nowMs: ctx.wallUs() / 1000, monotonicMs: ctx.monotonicUs() / 1000, settings: this.settings };
    const plan = controller.reconcile(key, this, moment, running.memories.get(key));
    if (plan.memory === null) running.memories.delete(key);
    else if (plan.memory !== undefined) running.memories.set(key, plan.memory);
    const listener = {
      accepted: (done: Write, answer: JsonObject) => this.expect(running, key, done, answer),
      unknown: (sent: Write) => this.doubt(running, key, sent),
      requeue: (later: Context<S>, afterMs: number) => running.queue.addAfter(later, key, afterMs),
    };
    const runner = new PlanRunner<S>(this.client, this.recorder(controller.name), listener, running.throttle, () => this.isStopped);
    return runner.run(ctx, plan.steps, (outcome, later) => {
      const tookMs = later.monotonicUs() / 1000 - moment.monotonicMs;
      for (const measure of plan.ended?.(outcome.ok, tookMs) ?? []) this.client.figures.measured(measure);
      return this.onDone(running, key, outcome, plan.requeueAfterMs, later);
    });
  }

  private onDone(running: Running<S>, key: string, outcome: PlanOutcome, requeueAfterMs: number | undefined, ctx: Context<S>): undefined {
    const { queue, controller } = running;
    if (outcome.ok) {
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(ctx, key, requeueAfterMs);
    } else {
      queue.addRateLimited(ctx, key);
      if (!outcome.isConflict) ctx.log("info", "reconcile failed", { controller: controller.name, key, why: outcome.why });
    }
    return this.finish(running, key, ctx);
  }

  private finish(running: Running<S>, key: string, ctx: Context<S>): undefined {
    running.underWay -= 1;
    running.queue.done(ctx, key);
    return this.pump(running, ctx);
  }

  private expect({ expectations }: Running<S>, key: string, write: Write, answer: JsonObject): void {
    const resource = resourceName(write.resource);
    const informer = this.informers.get(resource);
    if (!informer) return;
    if (write.do === "delete") {
      const objectKey = keyOfWrite(write)!;
      const uid = write.options.preconditions?.uid ?? informer.store.get(objectKey)?.metadata.uid;
      if (uid) expectations.deleted(key, resource, objectKey, uid);
      return;
    }
    // What these two answer with is not the object that was changed.
    if (write.do === "deleteCollection" || write.do === "post") return;
    const version = Number((answer.metadata as ObjectMeta | undefined)?.resourceVersion);
    if (version > 0) expectations.wrote(key, resource, version);
  }

  private doubt({ unverified }: Running<S>, key: string, write: Write): void {
    if (!this.informers.has(resourceName(write.resource)) || write.do === "deleteCollection" || write.do === "post") return;
    const writes = unverified.get(key);
    if (writes) writes.push(write);
    else unverified.set(key, [write]);
  }

  /** Finds out by a consistent read what became of a write that nobody answered, so that the cache can be waited for. */
  private verify(running: Running<S>, key: string, write: Write, ctx: Context<S>): undefined {
    const settle = (objects: readonly Stored<unknown>[], later: Context<S>): undefined => {
      const resource = resourceName(write.resource);
      for (const object of objects)
        if (write.do !== "delete") running.expectations.wrote(key, resource, Number(object.metadata.resourceVersion));
        else if (isBeingDeleted(object)) running.expectations.deleted(key, resource, keyOf(object), object.metadata.uid);
      if (write.do === "delete" && objects.length === 0) this.expect(running, key, write, {});
      const left = running.unverified.get(key)!.slice(1);
      if (left.length > 0) running.unverified.set(key, left);
      else running.unverified.delete(key);
      return this.process(running, key, later);
    };
    const retry = (why: string, later: Context<S>) => this.onDone(running, key, { ok: false, why, isConflict: false }, undefined, later);
    const named = keyOfWrite(write);
    if (named === undefined && write.do === "create") {
      const labels = (write.object.metadata as ObjectMeta | undefined)?.labels ?? {};
      const labelSelector = Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(",");
      this.client.list(ctx, write.resource, write.namespace, { labelSelector }, (_state, result, later) => {
        if (this.isStopped) return undefined;
        return result.ok ? settle(result.object.items, later) : retry(result.status.message, later);
      });
      return undefined;
    }
    const target = splitKey(named!);
    this.client.get(ctx, write.resource, target, (_state, result, later) => {
      if (this.isStopped) return undefined;
      if (result.ok) return settle([result.object], later);
      return result.status.reason === "NotFound" ? settle([], later) : retry(result.status.message, later);
    });
    return undefined;
  }
}
