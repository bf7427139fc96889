import type { Entry, RaftMessage } from "../../../protocol/raft";
import type { LogPosition } from "./log";
import type { HardState, MemberId } from "./node";
import type { Read } from "./read-index";

export interface Outgoing {
  readonly to: MemberId;
  readonly message: RaftMessage;
}

/** Everything in one write becomes durable together, and writes become durable in the order of their ids. */
export interface Write {
  readonly id: number;
  readonly hardState: HardState;
  /** Entries to append; they replace whatever the disk holds from the first one's index on. */
  readonly entries: readonly Entry[];
  /** A snapshot received from the leader that replaces the whole log; entries come behind it. */
  readonly snapshot: LogPosition | null;
  /** What may be said only when this write is durable (Raft paper, figure 2: before responding, update stable storage). */
  readonly messagesAfter: readonly Outgoing[];
}

/** "term not begun": no entry of the leader's own term is committed yet; "change under way": C_new of the last change is not committed yet. */
export type RefusedProposal = "not leader" | "transferring" | "too much uncommitted" | "term not begun" | "change under way";

export type Proposed =
  | { readonly ok: true; readonly firstIndex: number; readonly term: number }
  | { readonly ok: false; readonly why: RefusedProposal };

/** What one step wants done. Everything but `write.messagesAfter` may happen at once. */
export interface Ready {
  readonly write: Write | null;
  readonly messages: readonly Outgoing[];
  /** A received snapshot is durable: put the state machine there. Comes before `committed`. */
  readonly install: LogPosition | null;
  /** Entries to apply, in order, each once. */
  readonly committed: readonly Entry[];
  /** Start to send the snapshot that covers this much, or a newer one. */
  readonly sendSnapshot: readonly { readonly to: MemberId; readonly snapshot: LogPosition }[];
  readonly reads: readonly Read[];
  /** Reads that this member cannot answer because it does not lead, or no longer does. */
  readonly refusedReads: readonly number[];
  /** Of a propose or configure input: where its entries stand in the log, or why they do not. */
  readonly proposed: Proposed | null;
  /** Entries that another leader's log replaced. */
  readonly truncated: { readonly fromIndex: number; readonly lastIndex: number } | null;
  /** An entry of an earlier term that a quorum has, and that is not committed by that alone. */
  readonly heldBack: LogPosition | null;
}
