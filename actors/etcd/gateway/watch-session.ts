import { status } from "@grpc/grpc-js";
import { Writer } from "protobufjs";
import type { WatchEvent, WatchRequest, WatchResponse } from "../../../protocol/etcd";
import type { Credential } from "../../../protocol/etcd-auth";
import type { StreamInput } from "../../../runtime/actor";
import { Outgoing } from "./door-call";
import { fragmentsOf } from "./fragments";
import { clamped, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import type { EtcdStream } from "./port";
import { Refusal, streamEnded } from "./refusal";
import { bytesOf } from "./requests";
import { sizeOfEvent, writeEvent } from "./responses";
import { type Duplex, failStream } from "./serve";

export interface WatchFields {
  readonly request_union: "create_request" | "cancel_request" | "progress_request" | undefined;
  readonly create_request: CreateFields;
  readonly cancel_request: { readonly watch_id: Int64 };
}
interface CreateFields {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly start_revision: Int64;
  readonly progress_notify: boolean;
  readonly filters: readonly number[];
  readonly prev_kv: boolean;
  readonly watch_id: Int64;
  readonly fragment: boolean;
}

interface Watch {
  readonly id: number;
  readonly request: WatchRequest;
  readonly unwanted: ReadonlySet<WatchEvent["type"]>;
  readonly fragment: boolean;
  /** The member's side; null while the client is too slow to be sent more. */
  stream: EtcdStream | null;
  /** Counts the streams opened and given up: only the newest is listened to. */
  turn: number;
  /** What to ask for when the member's side has to be opened again; 0 until it has said where the watch begins. */
  nextRevision: number;
  created: boolean;
  cancelled: boolean;
}

const filtered: readonly WatchEvent["type"][] = ["put", "delete"];
/** What a member without a leader says when it ends its watches. */
const noLeader = "etcdserver: no leader";
/** An id that no watch has: of responses that are about none or all of them. */
const noWatch = -1;

/**
 * One Watch call: many watches with ids over one stream, each a stream of its own to the member. Nothing piles up for a slow client: its
 * watches are closed towards the member and opened again, where they were, when it has taken what was sent.
 */
export class WatchSession {
  private readonly watches = new Map<number, Watch>();
  private nextId = 0;
  /** Those that have yet to say how far they are before a progress request is answered; null where none was made. */
  private progress: { readonly open: Set<Watch>; revision: number; term: number } | null = null;
  private progressWanted = 0;
  private unsentBytes = 0;
  private ended = false;

  constructor(
    private readonly link: MemberLink,
    private readonly call: Duplex<WatchFields>,
    private readonly as: Credential,
    private readonly unsentBytesMax: number,
  ) {}

  take(fields: WatchFields): void {
    switch (fields.request_union) {
      case "create_request":
        this.create(fields.create_request);
        return;
      case "cancel_request":
        this.cancel(clamped(fields.cancel_request.watch_id));
        return;
      case "progress_request":
        this.progressWanted++;
        this.askForProgress();
        return;
      case undefined:
        return;
    }
  }

  /** The client is gone, or the stream has ended otherwise. */
  end(): void {
    this.ended = true;
    for (const { stream } of this.watches.values()) stream?.close();
    this.watches.clear();
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.end();
    failStream(this.link, this.call, error);
  }

  private create(fields: CreateFields): void {
    const key = fields.key.length === 0 ? new Uint8Array(1) : fields.key;
    const rangeEnd = bytesOf(fields.range_end);
    const chosen = clamped(fields.watch_id);
    if (chosen !== 0 && this.watches.has(chosen)) return this.refuse("mvcc: duplicate watch ID provided on the WatchStream");
    const isOpenEnded = rangeEnd.length === 1 && rangeEnd[0] === 0;
    if (rangeEnd.length > 0 && !isOpenEnded && Buffer.compare(key, rangeEnd) >= 0) return this.refuse("mvcc: watcher range is empty");
    const watch: Watch = {
      id: chosen === 0 ? this.freeId() : chosen,
      request: {
        kind: "etcd.watch",
        key,
        rangeEnd,
        startRevision: Math.max(0, clamped(fields.start_revision)),
        prevKv: fields.prev_kv,
        progressNotify: fields.progress_notify,
        as: this.as,
      },
      unwanted: new Set(fields.filters.flatMap((filter) => filtered[filter] ?? [])),
      fragment: fields.fragment,
      stream: null,
      turn: 0,
      nextRevision: 0,
      created: false,
      cancelled: false,
    };
    this.watches.set(watch.id, watch);
    this.open(watch, watch.request);
  }

  private freeId(): number {
    while (this.watches.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }

  private refuse(cancel_reason: string): void {
    this.withHeader((header) => this.send({ header, watch_id: noWatch, created: true, canceled: true, cancel_reason }));
  }

  private cancel(id: number): void {
    const watch = this.watches.get(id);
    if (watch === undefined || watch.cancelled) return;
    watch.cancelled = true;
    // A client hears of every watch that it was created before it hears that it was cancelled.
    if (watch.created) this.finishCancelling(watch);
  }

  private finishCancelling(watch: Watch): void {
    this.drop(watch);
    this.withHeader((header) => this.send({ header, ...idField(watch), canceled: true }));
  }

  private drop(watch: Watch): void {
    this.giveUp(watch);
    this.watches.delete(watch.id);
    this.heardProgress(watch);
  }

  private giveUp(watch: Watch): void {
    watch.turn++;
    watch.stream?.close();
    watch.stream = null;
  }

  private open(watch: Watch, request: WatchRequest): void {
    const turn = ++watch.turn;
    const stream = this.link.port.open<WatchResponse>(request, (input) => {
      // What a stream that was given up still had to say comes again from the one that takes its place.
      if (!this.ended && watch.turn === turn) this.hear(watch, input);
    });
    // It may have ended already.
    if (this.ended || watch.turn !== turn) return stream.close();
    watch.stream = stream;
    if (this.progress?.open.has(watch)) stream.push({ kind: "etcd.watch.progress" });
  }

  private hear(watch: Watch, input: StreamInput<WatchResponse>): void {
    if (input.type === "item") {
      this.receive(watch, input.body);
      return;
    }
    const { reason, detail } = input;
    if ((reason === "slow" || reason === "gap") && watch.nextRevision > 0) {
      this.reopen(watch);
      return;
    }
    if (reason === "refused" && detail !== noLeader) {
      this.drop(watch);
      const cancel_reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
      this.withHeader((header) => this.send({ header, ...idField(watch), created: true, canceled: true, cancel_reason }));
      return;
    }
    // The client opens its watches again where they were, here or at another member.
    this.fail(streamEnded(reason, detail));
  }

  private receive(watch: Watch, response: WatchResponse): void {
    const { header, created, compactRevision, events } = response;
    if (events.length > 0) {
      watch.nextRevision = events.at(-1)!.kv.modRevision + 1;
      return this.sendEvents(watch, response);
    }
    const about = { header: this.link.header(header), ...idField(watch) };
    if (created) {
      watch.nextRevision ||= watch.request.startRevision || header.revision + 1;
      if (watch.created) return;
      watch.created = true;
      this.send({ ...about, created });
      if (watch.cancelled) this.finishCancelling(watch);
      return;
    }
    if (compactRevision !== 0) {
      this.drop(watch);
      // etcd names no revision in this one.
      this.send({ ...about, header: this.link.header({ ...header, revision: 0 }), canceled: true, compact_revision: compactRevision });
      return;
    }
    if (watch.request.progressNotify && !this.progress?.open.has(watch)) this.send(about);
    this.heardProgress(watch, header);
  }

  private sendEvents(watch: Watch, response: WatchResponse): void {
    const { events, header } = response;
    if (watch.unwanted.size === 0 && !(watch.fragment && sizeOfEvents(events) > this.link.options.maxRequestBytes)) {
      const shared = this.link.eventsAsBytes(response);
      this.send(watch.id === 0 ? shared : Buffer.concat([shared, watchIdBytes(watch.id)]), shared.length);
    } else {
      const wanted = events.filter(({ type }) => !watch.unwanted.has(type));
      if (wanted.length === 0) return;
      const about = { header: this.link.header(header), ...idField(watch) };
      const parts = watch.fragment ? fragmentsOf(wanted, this.link.options.maxRequestBytes) : [wanted];
      for (const [i, part] of parts.entries())
        this.send({ ...about, ...(i < parts.length - 1 ? { fragment: true } : {}), events: part.map(writeEvent) }, sizeOfEvents(part));
    }
    if (this.unsentBytes > this.unsentBytesMax) this.giveUp(watch);
  }

  private send(response: object, bytes = 64): void {
    if (this.ended) return;
    this.unsentBytes += bytes;
    const left = () => {
      this.unsentBytes -= bytes;
      if (!this.ended && this.unsentBytes <= this.unsentBytesMax / 2)
        for (const watch of this.watches.values()) if (watch.stream === null) this.reopen(watch);
    };
    this.call.write(new Outgoing(response, left));
  }

  private reopen(watch: Watch): void {
    this.open(watch, { ...watch.request, startRevision: watch.nextRevision });
  }

  private askForProgress(): void {
    if (this.progress !== null || this.progressWanted === 0) return;
    this.progressWanted--;
    if (this.watches.size === 0) {
      this.withHeader((header) => this.send({ header, watch_id: noWatch }));
      this.askForProgress();
      return;
    }
    this.progress = { open: new Set(this.watches.values()), revision: Number.MAX_SAFE_INTEGER, term: 0 };
    for (const { stream } of this.watches.values()) stream?.push({ kind: "etcd.watch.progress" });
  }

  /** When all have said how far they are, the one answer for all of them is how far the last of them is. */
  private heardProgress(watch: Watch, header?: WatchResponse["header"]): void {
    const { progress } = this;
    if (!progress?.open.delete(watch)) return;
    if (header) {
      progress.revision = Math.min(progress.revision, header.revision);
      progress.term = Math.max(progress.term, header.term);
    }
    if (progress.open.size > 0) return;
    this.progress = null;
    if (progress.term === 0) this.progressWanted++;
    else this.send({ header: this.link.header({ member: this.link.options.member, ...progress }), watch_id: noWatch });
    this.askForProgress();
  }

  private withHeader(then: (header: object) => void): void {
    this.link.currentHeader().then(
      (header) => then(this.link.header(header)),
      (error: unknown) => this.fail(error instanceof Refusal ? error : new Refusal(status.UNAVAILABLE, "etcdserver: server stopped")),
    );
  }
}

function sizeOfEvents(events: readonly WatchEvent[]): number {
  return events.reduce((sum, event) => sum + sizeOfEvent(event), 0);
}

/** The field watch_id of a WatchResponse; protobuf takes fields in any order. */
function watchIdBytes(id: number): Buffer {
  return Buffer.from(Writer.create().uint32(16).int64(id).finish());
}

/** As on Go's wire: a zero is left out. */
function idField({ id }: Watch): object {
  return id === 0 ? {} : { watch_id: id };
}
