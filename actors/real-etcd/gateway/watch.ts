import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { ResponseHeader, WatchRequest, WatchResponse } from "../../../protocol/etcd";
import type { ServedStream, StreamListener } from "../../../runtime/serving";
import { clamped, type Int64 } from "../../etcd/gateway/int64";
import type { EtcdConnection, HeaderFields } from "./connection";
import { serviceErrorOf } from "./errors";
import { type EventFields, readEvent, readHeader } from "./read-responses";
import type { BridgedRequest } from "./service";
import { hasSoundProgress } from "./version";
import { writeWatchRequest } from "./write-requests";

interface WatchFields {
  readonly header: HeaderFields | null;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: Int64;
  readonly cancel_reason: string;
  readonly events: readonly EventFields[];
}

const compacted = "etcdserver: mvcc: required revision has been compacted";
const statusDeadlineMs = 5_000;
/** The first of all keys, and as a range's end all keys from there on. */
const everything = new Uint8Array([0]);

/**
 * One watch of a real etcd, a call of its own. How far it has come is asked of etcd where its release answers that truthfully. Of older ones the
 * whole key space is watched and what was not asked for left out: each revision has an event then, so what has been seen says how far it is.
 */
export class RealWatch implements StreamListener<BridgedRequest> {
  private call: ClientDuplexStream<object, WatchFields> | null = null;
  private ended = false;
  private soundProgress = true;
  private progressWanted = false;
  /** Without sound progress: the revision to be reached before a progress response is due, null where none is. */
  private owedFrom: number | null = null;
  /** The newest revision all of whose events were passed on. */
  private reached = 0;

  constructor(
    private readonly member: string,
    private readonly connection: EtcdConnection,
    private readonly request: WatchRequest,
    private readonly stream: ServedStream,
  ) {
    this.begin().catch((error: unknown) => this.refuse(serviceErrorOf(error).details));
  }

  item(body: BridgedRequest): void {
    if (body.kind !== "etcd.watch.progress") return;
    if (this.call === null) this.progressWanted = true;
    else this.askForProgress(this.call);
  }

  drained(): void {
    this.call?.resume();
  }

  closed(): void {
    this.ended = true;
    this.call?.cancel();
  }

  private async begin(): Promise<void> {
    const { version, header } = await this.connection.ask<{ readonly version: string; readonly header: HeaderFields }>(
      "Maintenance",
      "Status",
      {},
      statusDeadlineMs,
    );
    if (this.ended) return;
    this.soundProgress = hasSoundProgress(version);
    this.reached = this.request.startRevision > 0 ? this.request.startRevision - 1 : clamped(header.revision);
    const call = this.connection.stream<WatchFields>("Watch", "Watch");
    this.call = call;
    call.on("data", (fields) => this.hear(fields));
    call.on("error", (error) => this.refuse(serviceErrorOf(error).details));
    call.on("end", () => this.refuse("etcd ended the watch"));
    call.write(writeWatchRequest(this.soundProgress ? this.request : { ...this.request, key: everything, rangeEnd: everything }));
    if (this.progressWanted) this.askForProgress(call);
  }

  private hear(fields: WatchFields): void {
    if (this.ended) return;
    const foreign = this.connection.foreign(fields.header);
    if (foreign) return this.refuse(foreign.details);
    const header = readHeader(this.member, fields.header);
    if (fields.canceled) return this.cancelled(fields, header);
    if (fields.created) {
      if (this.request.startRevision === 0) this.reached = header.revision;
      return this.push({ header, created: true });
    }
    if (fields.events.length === 0) {
      this.reached = Math.max(this.reached, header.revision);
      return this.push({ header });
    }
    const wanted = this.soundProgress ? fields.events : fields.events.filter(({ kv }) => this.covers(kv.key));
    this.reached = clamped(fields.events.at(-1)!.kv.mod_revision);
    if (wanted.length > 0) this.push({ header, events: wanted.map(readEvent) });
    this.payProgress(header.term);
  }

  private cancelled({ compact_revision, cancel_reason }: WatchFields, header: ResponseHeader): void {
    const compactRevision = clamped(compact_revision);
    if (compactRevision === 0) return this.refuse(cancel_reason);
    this.push({ header, compactRevision });
    this.end();
    this.stream.close("done", compacted);
  }

  private covers(key: Uint8Array): boolean {
    const { key: from, rangeEnd } = this.request;
    if (rangeEnd.length === 0) return Buffer.compare(key, from) === 0;
    return Buffer.compare(key, from) >= 0 && (Buffer.compare(rangeEnd, everything) === 0 || Buffer.compare(key, rangeEnd) < 0);
  }

  private askForProgress(call: ClientDuplexStream<object, WatchFields>): void {
    if (this.soundProgress) {
      call.write({ progress_request: {} });
      return;
    }
    this.connection
      .ask<{ readonly header: HeaderFields }>("KV", "Range", { key: everything, serializable: true }, statusDeadlineMs)
      .then(({ header }) => {
        this.owedFrom = Math.max(this.owedFrom ?? 0, clamped(header.revision));
        this.payProgress(clamped(header.raft_term));
      })
      .catch((error: unknown) => this.refuse(serviceErrorOf(error).details));
  }

  private payProgress(term: number): void {
    if (this.ended || this.owedFrom === null || this.owedFrom > this.reached) return;
    // A watch that begins in the future has reached more than there is.
    const revision = this.request.startRevision > this.owedFrom ? this.owedFrom : this.reached;
    this.owedFrom = null;
    this.push({ header: { member: this.member, revision, term } });
  }

  private push({
    header,
    created = false,
    compactRevision = 0,
    events = [],
  }: Partial<WatchResponse> & Pick<WatchResponse, "header">): void {
    const response: WatchResponse = { kind: "etcd.watch.response", header, created, compactRevision, events };
    if (!this.stream.push(response)) this.call?.pause();
  }

  /** The API server opens its watch again where it was, here or at another member. */
  private refuse(why: string): void {
    if (this.ended) return;
    this.end();
    this.stream.close("refused", why);
  }

  private end(): void {
    this.ended = true;
    this.call?.on("error", () => {});
    this.call?.cancel();
  }
}
