import type { Event, ObjectReference } from "../../protocol/kinds/generated";
import { type Stored, timestamp } from "../../protocol/kinds/object";
import type { Context } from "../../runtime/actor";
import type { ApiClient, Result } from "./api-client";
import { aggregate, type EventMemory, forgetOldest, newEventMemory, type RecordedEvent } from "./event-aggregation";
import { events } from "./resource";

/** An object that an event may be about. */
export type Subject = Stored<unknown> | ObjectReference;

export interface EventRecorderOptions {
  /** The event's source, "kubelet". */
  readonly component: string;
  /** The node's name where the source is one. */
  readonly host?: string;
}

const retriesMax = 12;
const retryMs = 10_000;
const waitingMax = 1000;

interface Pending {
  readonly recorded: RecordedEvent;
  /** Whether the Event is to be made, or is there and is to be counted up. */
  readonly isNew: boolean;
  readonly tries: number;
}

/**
 * Writes v1 Events, one at a time so that a count is never overtaken by an older one. What repeats raises the count of its first Event; what comes too often is
 * summed up or dropped, as client-go's correlator does. Events are best effort: after twelve tries, or when a thousand are waiting, one is given up.
 */
export class EventRecorder<S> {
  private readonly memory: EventMemory = newEventMemory();
  private readonly waiting: Pending[] = [];
  private readonly timer: string;
  private busy = false;
  private sequence = 0;

  constructor(
    private readonly client: ApiClient<S>,
    private readonly options: EventRecorderOptions,
  ) {
    this.timer = client.timers.claim(`events/${options.component}`, (ctx) => {
      this.busy = false;
      this.next(ctx);
      return undefined;
    });
  }

  event(ctx: Context<S>, about: Subject, type: "Normal" | "Warning", reason: string, message: string, action = ""): void {
    const reference = referenceTo(about);
    const nowMs = ctx.wallUs() / 1000;
    const recorded = aggregate(this.memory, { reference, type, reason, message, source: this.options.component }, nowMs);
    if (!recorded) return;
    const already = recorded.name === "" ? undefined : this.waiting.findIndex((pending) => pending.recorded.name === recorded.name);
    const named = recorded.name === "" ? { ...recorded, name: this.newName(reference, ctx) } : recorded;
    this.memory.names.set(recorded.key, { ...named, action });
    forgetOldest(this.memory.names);
    const pending = { recorded: { ...named, action }, isNew: named.count === 1, tries: 0 };
    if (already !== undefined && already > 0) this.waiting[already] = { ...pending, isNew: this.waiting[already]!.isNew };
    else if (this.waiting.length < waitingMax) this.waiting.push(pending);
    this.next(ctx);
  }

  private next(ctx: Context<S>): void {
    const pending = this.waiting[0];
    if (this.busy || !pending) return;
    this.busy = true;
    const { recorded } = pending;
    const then = (_state: S, result: Result<Stored<Event>>, later: Context<S>): undefined => {
      this.onWritten(result, pending, later);
      return undefined;
    };
    const namespace = recorded.reference.namespace || "default";
    if (pending.isNew) this.client.create(ctx, events, namespace, this.objectOf(recorded, namespace), then);
    else {
      const patch = { count: recorded.count, message: recorded.message, lastTimestamp: timestamp(recorded.lastMs) };
      this.client.patch(ctx, events, { namespace, name: recorded.name }, "strategic", patch, then);
    }
  }

  private onWritten(result: Result<Stored<Event>>, pending: Pending, ctx: Context<S>): void {
    const { recorded, isNew, tries } = pending;
    if (!result.ok && result.status.code === 404 && !isNew) {
      // The first Event has run out of its hour: begin a new one.
      const anew = { ...recorded, name: this.newName(recorded.reference, ctx), count: 1, firstMs: recorded.lastMs };
      this.waiting[0] = { recorded: anew, isNew: true, tries: tries + 1 };
      this.memory.names.set(recorded.key, anew);
      this.busy = false;
      this.next(ctx);
      return;
    }
    const refused = !result.ok && result.status.code < 500;
    if (result.ok || refused || tries + 1 >= retriesMax) {
      if (!result.ok && result.status.reason !== "AlreadyExists")
        ctx.log("debug", "an event was not written", { reason: recorded.reason, why: result.status.message });
      this.waiting.shift();
      this.busy = false;
      this.next(ctx);
      return;
    }
    this.waiting[0] = { recorded, isNew, tries: tries + 1 };
    ctx.setTimer(this.timer, retryMs);
  }

  private objectOf(recorded: RecordedEvent, namespace: string): Event {
    const { component, host } = this.options;
    return {
      metadata: { namespace, name: recorded.name },
      involvedObject: recorded.reference,
      reason: recorded.reason,
      message: recorded.message,
      type: recorded.type,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: timestamp(recorded.firstMs),
      lastTimestamp: timestamp(recorded.lastMs),
      count: recorded.count,
      reportingComponent: component,
      reportingInstance: host ?? "",
      ...(recorded.action ? { action: recorded.action } : {}),
    };
  }

  /** The object's name with the time in hexadecimal behind it, as client-go names them; the sequence keeps two of one microsecond apart. */
  private newName(reference: ObjectReference, ctx: Context<S>): string {
    this.sequence = (this.sequence + 1) % 1000;
    const nanos = BigInt(ctx.wallUs()) * 1000n + BigInt(this.sequence);
    return `${reference.name ?? ""}.${nanos.toString(16)}`;
  }
}

/** What an event's involvedObject says of an object. */
export function referenceTo(about: Subject): ObjectReference {
  if (!("metadata" in about)) return about;
  const { kind, apiVersion, metadata } = about;
  return {
    kind,
    apiVersion,
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
  };
}
