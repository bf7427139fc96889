import type { RaftMessage } from "../../../protocol/raft";
import type { Log, LogPosition } from "./log";
import type { HardState, MemberId } from "./node";
import type { Read } from "./read-index";
import type { Outgoing, Proposed, Ready, Write } from "./ready";

interface Outstanding {
  readonly id: number;
  /** How far the log is durable once this write is; lowered when what it holds is replaced meanwhile. */
  lastIndex: number;
  readonly snapshot: LogPosition | null;
  /** Said while this write was the last one under way. */
  readonly held: Outgoing[];
}

/** Collects what a step wants, keeps back what has to wait for the disk, and knows which writes are under way. */
export class Outbox {
  private messages: Outgoing[] = [];
  private promises: Outgoing[] = [];
  private outstanding: Outstanding[] = [];
  private lastWrite = 0;
  private durableWrite = 0;
  /** The write that holds the newest term and vote. */
  private hardStateWrite = 0;
  private reads: Read[] = [];
  private refusedReads: number[] = [];
  private sendSnapshot: { readonly to: MemberId; readonly snapshot: LogPosition }[] = [];
  private received: LogPosition | null = null;
  private install: LogPosition | null = null;
  private proposed: Proposed | null = null;
  private truncated: Ready["truncated"] = null;
  private heldBack: LogPosition | null = null;

  constructor(private written: HardState) {}

  /** A leader's own messages promise nothing of its disk. */
  say(to: MemberId, message: RaftMessage): void {
    this.messages.push({ to, message });
  }

  /** Votes and answers to appends promise what this member has taken in: they wait until all of it is durable. */
  promise(to: MemberId, message: RaftMessage): void {
    this.promises.push({ to, message });
  }

  /** An answer that promises no more than the term: it does not stall behind entries being written. */
  promiseTerm(to: MemberId, message: RaftMessage): void {
    const durable = this.written.term === message.term && this.hardStateWrite <= this.durableWrite;
    (durable ? this.messages : this.promises).push({ to, message });
  }

  answerReads(reads: readonly Read[]): void {
    this.reads.push(...reads);
  }

  refuseReads(requests: readonly number[]): void {
    this.refusedReads.push(...requests);
  }

  startSnapshot(to: MemberId, snapshot: LogPosition): void {
    this.sendSnapshot.push({ to, snapshot });
  }

  answerProposal(proposed: Proposed): void {
    this.proposed = proposed;
  }

  /** A quorum has that entry of an earlier term, which is committed only with one of the own term. */
  holdBack(index: number, term: number): void {
    this.heldBack = { index, term };
  }

  /** The log was cut from that index on: what is being written there is no longer part of it. */
  cut(fromIndex: number, lastIndex: number): void {
    this.truncated = { fromIndex, lastIndex };
    for (const write of this.outstanding) write.lastIndex = Math.min(write.lastIndex, fromIndex - 1);
  }

  /** A snapshot takes the place of the whole log. */
  receive(snapshot: LogPosition): void {
    this.received = snapshot;
    for (const write of this.outstanding) write.lastIndex = 0;
  }

  /** That write and all before it are durable: moves the log's stable mark, and says what waited for it. */
  durable(id: number, log: Log): void {
    this.durableWrite = Math.max(this.durableWrite, id);
    while (this.outstanding[0] && this.outstanding[0].id <= id) {
      const write = this.outstanding.shift()!;
      log.stable = Math.max(log.stable, write.lastIndex);
      if (write.snapshot) this.install = write.snapshot;
      for (const outgoing of write.held) this.messages.push(outgoing);
    }
  }

  /** Hands out everything collected since the last call. */
  collect(hardState: HardState, log: Log): Ready {
    const write = this.collectWrite(hardState, log);
    if (!write && this.promises.length > 0) {
      const last = this.outstanding.at(-1);
      (last ? last.held : this.messages).push(...this.promises);
      this.promises = [];
    }
    const ready: Ready = {
      write,
      messages: this.messages,
      install: this.install,
      committed: log.takeCommitted(),
      sendSnapshot: this.sendSnapshot,
      reads: this.reads,
      refusedReads: this.refusedReads,
      proposed: this.proposed,
      truncated: this.truncated,
      heldBack: this.heldBack,
    };
    this.messages = [];
    this.reads = [];
    this.refusedReads = [];
    this.sendSnapshot = [];
    this.install = this.proposed = this.truncated = this.heldBack = null;
    return ready;
  }

  private collectWrite(hardState: HardState, log: Log): Write | null {
    const changed = hardState.term !== this.written.term || hardState.vote !== this.written.vote;
    // The commit index alone is worth no write: a restarted member learns it from its leader.
    if (!changed && log.written === log.lastIndex && !this.received) return null;
    const id = ++this.lastWrite;
    const entries = log.slice(log.written + 1, log.lastIndex, Number.POSITIVE_INFINITY);
    const write: Write = { id, hardState, entries, snapshot: this.received, messagesAfter: this.promises };
    this.outstanding.push({ id, lastIndex: entries.length > 0 || this.received ? log.lastIndex : 0, snapshot: this.received, held: [] });
    if (changed) this.hardStateWrite = id;
    this.written = hardState;
    log.written = log.lastIndex;
    this.promises = [];
    this.received = null;
    return write;
  }
}
