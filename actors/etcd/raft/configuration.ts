import { decodeValue, encodeValue } from "../../../protocol/codec";
import type { Entry } from "../../../protocol/raft";
import { countVotes, reachedByQuorum } from "./quorum";

/**
 * Who votes and who only listens (thesis, chapter 4). Voters change by joint consensus (section 4.3): C_old,new, in which elections and
 * commitment need a majority of both the old voters and the new, and once that is committed C_new.
 */
export interface Configuration {
  readonly voters: readonly string[];
  /** The old voters while this is C_old,new; otherwise nobody. */
  readonly outgoing: readonly string[];
  /** They receive entries, but neither vote nor count (section 4.2.1). */
  readonly learners: readonly string[];
  /** What the caller keeps with it; opaque to Raft. C_new carries the same as the C_old,new before it. */
  readonly context: Uint8Array;
}

type Row = readonly [voters: readonly string[], outgoing: readonly string[], learners: readonly string[], context: Uint8Array];

/** The configuration that a set of members begins with, before any entry says otherwise. */
export function configurationOf(voters: readonly string[]): Configuration {
  return { voters, outgoing: [], learners: [], context: new Uint8Array(0) };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

export function isVoter({ voters, outgoing }: Configuration, id: string): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

export function encodeConfiguration({ voters, outgoing, learners, context }: Configuration): Uint8Array {
  const row: Row = [voters, outgoing, learners, context];
  return encodeValue(row);
}

export function decodeConfiguration(data: Uint8Array): Configuration {
  const [voters, outgoing, learners, context] = decodeValue(data) as Row;
  return { voters, outgoing, learners, context };
}

/** The greatest value that a majority has reached: in C_old,new a majority of the old voters and one of the new. */
export function reachedBy({ voters, outgoing }: Configuration, ofMember: (id: string) => number): number {
  const reached = reachedByQuorum(voters.map(ofMember));
  return outgoing.length === 0 ? reached : Math.min(reached, reachedByQuorum(outgoing.map(ofMember)));
}

/** How a vote stands; in C_old,new it has to be won among the old voters and among the new. */
export function voteOf({ voters, outgoing }: Configuration, answerOf: (id: string) => boolean | undefined): "won" | "lost" | "pending" {
  const vote = countVotes(voters.map(answerOf));
  if (outgoing.length === 0 || vote === "lost") return vote;
  const old = countVotes(outgoing.map(answerOf));
  return old === "won" ? vote : old;
}

interface Placed {
  /** The entry's index, or that of the snapshot that holds it. */
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * The configurations in one member's log. A member uses the latest in its log, whether it is committed or not (section 4.1), so when a
 * leader's log replaces the end of this one, the configuration before it is in force again.
 */
export class Configurations {
  private placed: Placed[];
  /** Everybody but this member: voters, old voters and learners. */
  others: readonly string[] = [];

  constructor(
    private readonly self: string,
    index: number,
    configuration: Configuration,
    entries: readonly Entry[],
  ) {
    this.placed = [{ index, configuration }];
    this.append(entries, index);
    this.changed();
  }

  get latest(): Configuration {
    return this.placed.at(-1)!.configuration;
  }

  get latestIndex(): number {
    return this.placed.at(-1)!.index;
  }

  /** Entries have been appended. True when the configuration changed. */
  append(entries: readonly Entry[], commit: number): boolean {
    let news = false;
    for (const entry of entries) {
      if (entry.type !== "configuration") continue;
      this.placed.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
      news = true;
    }
    if (!news) return false;
    // What comes before a committed configuration can never be in force again.
    while (this.placed.length > 1 && this.placed[1]!.index <= commit) this.placed.shift();
    this.changed();
    return true;
  }

  /** The log was cut from that index on. */
  truncateFrom(index: number): void {
    if (this.latestIndex < index) return;
    while (this.placed.length > 1 && this.latestIndex >= index) this.placed.pop();
    this.changed();
  }

  /** A snapshot took the place of the log. */
  reset(index: number, configuration: Configuration): void {
    this.placed = [{ index, configuration }];
    this.changed();
  }

  /**
   * A member may campaign while it votes in any configuration that may be in force. One that is not in the latest must be able to win until
   * that is committed: it may be the only one that holds it (section 4.2.2).
   */
  mayCampaign(commit: number): boolean {
    return this.placed.some(({ configuration }, i) => {
      const next = this.placed[i + 1];
      return isVoter(configuration, this.self) && (next === undefined || next.index > commit);
    });
  }

  private changed(): void {
    const { voters, outgoing, learners } = this.latest;
    this.others = [...new Set([...voters, ...outgoing, ...learners])].filter((id) => id !== this.self);
  }
}
