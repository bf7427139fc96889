import type { Address } from "../../protocol/address";
import type { KeyValue, WatchRequest, WatchResponse } from "../../protocol/etcd";
import type { KnownFact } from "../../protocol/facts";
import type { Context, StreamInput, StreamRef } from "../../runtime/actor";
import { TimedClient } from "./timed-client";

export interface WatchConfig {
  readonly type: "watches";
  readonly prefix: string;
  readonly members: readonly Address[];
  /** How many watches are open; each second one begins at revision 1, the others begin now. */
  readonly watches: number;
  readonly progressEveryMs: number;
  /** How often a watch from the first revision is replaced by another; 0 for never. */
  readonly anewEveryMs: number;
}

type Ctx = Context<WatchLoad>;
type EventFact = Extract<KnownFact, { readonly kind: "watch.response" }>["events"][number];

interface Watch {
  /** Another for each that begins in this place. */
  name: string;
  /** Where it goes on: after everything that it has been told of. 0 begins now. */
  nextRevision: number;
  turn: number;
  stream: StreamRef | null;
  opened: number;
}

const openTimer = "open ";
const progressTimer = "progress";
const anewTimer = "anew";
const reopenMs = 200;

/** Watchers of a prefix of etcd's keys who go on where they were when a watch breaks, at another member. All they are told is recorded. */
export class WatchLoad extends TimedClient {
  private watches: Watch[] = [];
  private begun = 0;

  constructor(private readonly config: WatchConfig) {
    super();
  }

  protected onTimer(name: string, ctx: Ctx): void {
    if (name === progressTimer) this.askForProgress(ctx);
    else if (name === anewTimer) this.beginAnew(ctx);
    else this.open(this.watches[Number(name.slice(openTimer.length))]!, ctx);
  }

  protected begin(ctx: Ctx): void {
    this.watches = Array.from({ length: this.config.watches }, (_, i) => ({
      name: `${ctx.self}.${i}/${ctx.incarnation}`,
      nextRevision: i % 2 === 0 ? 1 : 0,
      turn: i,
      stream: null,
      opened: 0,
    }));
    for (const watch of this.watches) this.open(watch, ctx);
    ctx.setTimer(progressTimer, this.config.progressEveryMs);
    if (this.config.anewEveryMs > 0) ctx.setTimer(anewTimer, this.config.anewEveryMs);
  }

  /** One of those that tell everything from the beginning gives up; another begins, and has all of it to catch up with. */
  private beginAnew(ctx: Ctx): void {
    const places = this.watches.filter((_, i) => i % 2 === 0);
    const watch = places[this.begun++ % places.length]!;
    if (watch.stream) {
      ctx.close(watch.stream);
      ctx.record({ kind: "watch.closed", watch: watch.name, number: watch.opened, reason: "done", detail: "given up" });
      watch.stream = null;
    }
    ctx.cancelTimer(`${openTimer}${this.watches.indexOf(watch)}`);
    watch.name = `${watch.name.split("+")[0]}+${this.begun}`;
    watch.nextRevision = 1;
    this.open(watch, ctx);
    ctx.setTimer(anewTimer, this.config.anewEveryMs);
  }

  private open(watch: Watch, ctx: Ctx): void {
    const { members, prefix } = this.config;
    const member = members[watch.turn++ % members.length]!;
    const number = ++watch.opened;
    const startRevision = watch.nextRevision;
    const request: WatchRequest = {
      kind: "etcd.watch",
      key: Buffer.from(prefix, "latin1"),
      rangeEnd: Buffer.from(endOf(prefix), "latin1"),
      startRevision,
      prevKv: true,
      progressNotify: true,
    };
    ctx.record({ kind: "watch.opened", watch: watch.name, number, member, prefix, startRevision });
    watch.stream = ctx.open<WatchResponse>(member, request, (state, input, later) => {
      // What a stream says after its successor was opened is nobody's business any more.
      if (watch.opened === number) state.hear(watch, input, later);
      return undefined;
    });
    // Some ask before they can have been told of anything: how far they are is then something else than how far the store is.
    if (ctx.random("ask at once") < 0.25) ctx.push(watch.stream, { kind: "etcd.watch.progress" });
  }

  private hear(watch: Watch, input: StreamInput<WatchResponse>, ctx: Ctx): void {
    if (input.type === "closed") {
      ctx.record({ kind: "watch.closed", watch: watch.name, number: watch.opened, reason: input.reason, detail: input.detail });
      watch.stream = null;
      ctx.setTimer(`${openTimer}${this.watches.indexOf(watch)}`, reopenMs);
      return;
    }
    const { header, created, compactRevision, events } = input.body;
    ctx.record({
      kind: "watch.response",
      watch: watch.name,
      number: watch.opened,
      revision: header.revision,
      created,
      compactRevision,
      events: events.map(({ type, kv, prevKv }) => eventFact(type, kv, prevKv)),
    });
    if (compactRevision > 0) watch.nextRevision = compactRevision;
    else if (created && watch.nextRevision === 0) watch.nextRevision = header.revision + 1;
    else if (events.length > 0) watch.nextRevision = events.at(-1)!.kv.modRevision + 1;
    else if (!created) watch.nextRevision = Math.max(watch.nextRevision, header.revision + 1);
  }

  private askForProgress(ctx: Ctx): void {
    for (const { stream } of this.watches) if (stream) ctx.push(stream, { kind: "etcd.watch.progress" });
    ctx.setTimer(progressTimer, this.config.progressEveryMs);
  }
}

function eventFact(type: "put" | "delete", kv: KeyValue, prevKv: KeyValue | null): EventFact {
  return {
    type,
    key: text(kv.key),
    revision: kv.modRevision,
    value: type === "put" ? text(kv.value) : null,
    createRevision: type === "put" ? kv.createRevision : 0,
    version: type === "put" ? kv.version : 0,
    previousRevision: prevKv?.modRevision ?? 0,
    previousValue: prevKv ? text(prevKv.value) : null,
  };
}

/** The end of the range of all keys that begin with the prefix. */
export function endOf(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
