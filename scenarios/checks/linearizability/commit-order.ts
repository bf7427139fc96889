import { shown, type Value } from "./operation";

/** A request on one key, or a put of one value to several keys in one transaction. Values of puts and swaps are unique in the history. */
export interface Asked {
  readonly name: string;
  readonly type: "get" | "put" | "delete" | "swap";
  readonly keys: readonly string[];
  /** What a put or swap writes. */
  readonly value: Value;
  readonly expected: Value;
}

/** What came of it, with the revision of the answer's header. */
export type Answered =
  /** `value`: what a get saw, and what a swap that found something else saw. `changed`: whether a delete or a swap did its work. */
  | { readonly type: "done"; readonly revision: number; readonly value: Value; readonly changed: boolean }
  /** Certainly without effect. */
  | { readonly type: "refused" }
  | { readonly type: "unknown" };

interface Version {
  readonly revision: number;
  readonly value: Value;
}

interface Call {
  readonly asked: Asked;
  /** The newest revision that any answer had shown by then: a linearizable answer may not be older. */
  readonly shownRevision: number;
  /** The newest revision there was: what this call writes comes later. */
  readonly newestRevision: number;
  /** Where its write was committed, 0 as long as it was not. */
  committedAt: number;
}

/**
 * Checks a history as it happens against the commit order, which a simulator knows: every answer must be right at its revision, no revision may be older
 * than what anybody had been shown before the call, and every write that is committed must have been asked for, once. This implies linearizability over
 * all keys together, with the revisions as the order. Memory: one entry for each key, each open or unknown call, and each version that an open call may still see.
 */
export class CommitOrder {
  private readonly calls = new Map<string, Call>();
  /** Writes that may still be committed, by what they write. */
  private readonly openWrites = new Map<string, Call>();
  private readonly deletes = new Map<string, OpenDeletes>();
  private readonly versions = new Map<string, Version[]>();
  private shownRevision = 1;
  private newestRevision = 1;

  /** Everything of one revision has been committed. Answers with what is wrong, if something is. */
  committed(revision: number, changes: ReadonlyMap<string, Value>): string | undefined {
    if (revision <= this.newestRevision) return `revision ${revision} was committed after ${this.newestRevision}`;
    this.newestRevision = revision;
    const before = new Map<string, Value>();
    for (const [key, value] of changes) {
      before.set(key, this.newest(key));
      this.addVersion(key, { revision, value });
    }
    for (const [key, value] of changes) {
      const wrong = value === null ? this.deletesOf(key).committed(key, revision) : this.wrote(value, revision, changes, before.get(key)!);
      if (wrong !== undefined) return wrong;
    }
    // Where nobody waits for an answer any more, what was unknown is known now, and once is enough.
    for (const value of changes.values()) {
      const call = value === null ? undefined : this.openWrites.get(value);
      if (call && !this.calls.has(call.asked.name)) this.openWrites.delete(value!);
    }
    return undefined;
  }

  called(asked: Asked): void {
    const call: Call = { asked, shownRevision: this.shownRevision, newestRevision: this.newestRevision, committedAt: 0 };
    this.calls.set(asked.name, call);
    if (asked.type === "put" || asked.type === "swap") this.openWrites.set(asked.value!, call);
    if (asked.type === "delete") this.deletesOf(asked.keys[0]!).open++;
  }

  /** A call ended. Answers with what is wrong, if something is. */
  returned(name: string, answer: Answered): string | undefined {
    const call = this.calls.get(name);
    if (!call) return `${name} was answered and is not under way`;
    this.calls.delete(name);
    if (answer.type === "unknown") {
      if (call.committedAt > 0) this.openWrites.delete(call.asked.value!);
      return undefined;
    }
    if (answer.type === "refused") return this.refused(call);
    const { revision } = answer;
    if (revision > this.newestRevision) return `${name} was answered at revision ${revision}, and the newest is ${this.newestRevision}`;
    const wrong = this.judge(call, answer);
    this.shownRevision = Math.max(this.shownRevision, revision);
    return wrong;
  }

  /** Calls, writes that may still come and versions that are kept. */
  get size(): number {
    let kept = this.calls.size + this.openWrites.size;
    for (const versions of this.versions.values()) kept += versions.length;
    return kept;
  }

  private judge(call: Call, answer: Extract<Answered, { readonly type: "done" }>): string | undefined {
    const { asked } = call;
    const { revision, value, changed } = answer;
    const key = asked.keys[0]!;
    switch (asked.type) {
      case "get":
        return this.sees(call, revision, value, "read");
      case "put":
        return this.wroteAt(call, revision);
      case "delete":
        this.deletesOf(key).open--;
        return changed
          ? this.deletesOf(key).answered(asked.name, revision, call.newestRevision)
          : (this.sees(call, revision, null, "found") ?? this.deletesOf(key).tooMany(key));
      case "swap":
        if (changed) return this.wroteAt(call, revision);
        this.openWrites.delete(asked.value!);
        if (call.committedAt > 0) return `${asked.name} was answered that it did not swap, and it did at revision ${call.committedAt}`;
        return value === asked.expected
          ? `${asked.name} found ${shown(value)} in ${key}, as it expected, and did not swap`
          : this.sees(call, revision, value, "found");
    }
  }

  /** A value became visible: exactly one call must have asked for it. */
  private wrote(value: string, revision: number, changes: ReadonlyMap<string, Value>, before: Value): string | undefined {
    const call = this.openWrites.get(value);
    if (!call || (call.committedAt > 0 && call.committedAt < revision))
      return `revision ${revision} holds ${value}, which nobody was writing: it was refused, written twice, or never asked for`;
    const { asked } = call;
    call.committedAt = revision;
    const missing = asked.keys.find((key) => changes.get(key) !== value);
    if (missing !== undefined)
      return `${asked.name} wrote ${asked.keys.join(" and ")} in one transaction, and revision ${revision} is without ${missing}`;
    if (asked.type === "swap" && before !== asked.expected)
      return `${asked.name} swapped at revision ${revision} although ${asked.keys[0]} held ${shown(before)}, not ${shown(asked.expected)}`;
    return undefined;
  }

  private wroteAt({ asked, committedAt, newestRevision }: Call, revision: number): string | undefined {
    this.openWrites.delete(asked.value!);
    if (committedAt !== revision)
      return `${asked.name} was answered at revision ${revision}, and ${committedAt === 0 ? "nothing was committed" : `it was committed at ${committedAt}`}`;
    return revision <= newestRevision ? `${asked.name} was committed at revision ${revision}, before it was asked for` : undefined;
  }

  private refused(call: Call): string | undefined {
    const { asked, committedAt } = call;
    if (asked.type === "delete") {
      this.deletesOf(asked.keys[0]!).open--;
      return this.deletesOf(asked.keys[0]!).tooMany(asked.keys[0]!);
    }
    if (asked.type === "get") return undefined;
    this.openWrites.delete(asked.value!);
    return committedAt > 0 ? `${asked.name} was refused, and it was committed at revision ${committedAt}` : undefined;
  }

  /** Whether the key held that at that revision, and the revision is not older than what had been shown. */
  private sees({ asked, shownRevision }: Call, revision: number, value: Value, how: string): string | undefined {
    const key = asked.keys[0]!;
    if (revision < shownRevision)
      return `${asked.name} ${how} ${key} at revision ${revision}, and before it began somebody had been shown revision ${shownRevision}`;
    const held = this.versions.get(key)?.findLast((version) => version.revision <= revision)?.value ?? null;
    return held === value
      ? undefined
      : `${asked.name} ${how} ${shown(value)} in ${key} at revision ${revision}, where it held ${shown(held)}`;
  }

  private newest(key: string): Value {
    return this.versions.get(key)?.at(-1)?.value ?? null;
  }

  private addVersion(key: string, version: Version): void {
    const versions = this.versions.get(key) ?? [];
    this.versions.set(key, versions);
    versions.push(version);
    // Calls are kept in the order in which they began, and what had been shown only grows: the first may see the oldest.
    const [oldest] = this.calls.values();
    const horizon = oldest?.shownRevision ?? this.shownRevision;
    const superseded = versions.findLastIndex(({ revision }) => revision <= horizon);
    if (superseded > 0) versions.splice(0, superseded);
    if (versions.length === 1 && version.value === null && version.revision <= horizon) this.versions.delete(key);
  }

  private deletesOf(key: string): OpenDeletes {
    let own = this.deletes.get(key);
    if (!own) this.deletes.set(key, (own = new OpenDeletes()));
    return own;
  }
}

/** Deletions of one key carry no value that tells whose they are: they are counted, and claimed by the answers that name their revision. */
class OpenDeletes {
  /** Under way or without an answer. */
  open = 0;
  private readonly unclaimed: number[] = [];

  committed(key: string, revision: number): string | undefined {
    this.unclaimed.push(revision);
    return this.tooMany(key);
  }

  tooMany(key: string): string | undefined {
    return this.unclaimed.length > this.open
      ? `${key} was deleted at revision ${this.unclaimed.at(-1)}, and ${this.open === 0 ? "nobody was deleting it" : "not so many were deleting it"}`
      : undefined;
  }

  answered(name: string, revision: number, newestAtCall: number): string | undefined {
    const at = this.unclaimed.indexOf(revision);
    if (at < 0) return `${name} was answered at revision ${revision}, which does not delete its key`;
    this.unclaimed.splice(at, 1);
    return revision <= newestAtCall ? `${name} deleted at revision ${revision}, before it was asked for` : undefined;
  }
}
