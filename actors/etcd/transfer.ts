import type { SnapshotRequest, SnapshotResponse } from "../../protocol/raft";
import type { LogPosition } from "./raft/log";
import type { MemberId } from "./raft/node";
import { StoreCapture } from "./store/snapshot";
import type { Store } from "./store/store";

/** A snapshot on its way to a member (Raft paper, section 7), one chunk at a time; a chunk without an answer is sent again. */
export class SnapshotSender {
  private readonly capture: StoreCapture;
  private offset = 0;
  private chunk: Uint8Array;
  private following: Uint8Array | null;
  private sentAtMs: number;
  private progressMs: number;

  constructor(
    readonly to: MemberId,
    private readonly term: number,
    readonly snapshot: LogPosition,
    store: Store,
    private readonly limits: { readonly chunkBytes: number; readonly resendMs: number; readonly giveUpMs: number },
    nowMs: number,
    enclosed?: Uint8Array,
  ) {
    this.capture = new StoreCapture(store, enclosed);
    this.chunk = this.capture.nextChunk(limits.chunkBytes)!;
    this.following = this.capture.nextChunk(limits.chunkBytes);
    this.sentAtMs = this.progressMs = nowMs;
  }

  get request(): SnapshotRequest {
    const { term, snapshot, offset, chunk, following } = this;
    return {
      kind: "raft.snapshot",
      term,
      index: snapshot.index,
      snapshotTerm: snapshot.term,
      offset,
      bytes: chunk,
      last: following === null,
    };
  }

  /** The receiver has so much: "next" when there is another chunk to send, "done" at the end, "wait" where it is no news. */
  answered(response: SnapshotResponse, nowMs: number): "next" | "done" | "wait" {
    if (response.index !== this.snapshot.index) return "wait";
    if (response.done) return "done";
    if (response.received !== this.offset + this.chunk.length || this.following === null) return "wait";
    this.offset += this.chunk.length;
    this.chunk = this.following;
    this.following = this.capture.nextChunk(this.limits.chunkBytes);
    this.sentAtMs = this.progressMs = nowMs;
    return "next";
  }

  /** As time passes: send the chunk again, or give up a receiver that takes nothing. */
  time(nowMs: number): "resend" | "giveUp" | "wait" {
    if (nowMs - this.progressMs >= this.limits.giveUpMs) return "giveUp";
    if (nowMs - this.sentAtMs < this.limits.resendMs) return "wait";
    this.sentAtMs = nowMs;
    return "resend";
  }
}

/** A snapshot that comes in chunks; a gap waits for its chunk, another snapshot begins anew. */
export class SnapshotReceiver {
  private readonly chunks: Uint8Array[] = [];
  private received = 0;
  private done = false;

  constructor(
    private readonly from: MemberId,
    private readonly first: SnapshotRequest,
  ) {}

  /** Whether a chunk belongs to what this one collects. */
  isFor(from: MemberId, request: SnapshotRequest): boolean {
    return from === this.from && request.term === this.first.term && request.index === this.first.index;
  }

  /** Takes a chunk; answers with all bytes when it was the last that lacked. */
  take(request: SnapshotRequest): Uint8Array | null {
    if (this.done || request.offset !== this.received) return null;
    this.chunks.push(request.bytes);
    this.received += request.bytes.length;
    this.done = request.last;
    return this.done ? Buffer.concat(this.chunks) : null;
  }

  get response(): SnapshotResponse {
    return { kind: "raft.snapshot.response", term: this.first.term, index: this.first.index, received: this.received, done: this.done };
  }
}
