import type { KeyValue } from "../../../protocol/etcd";

/** All versions of one key that are kept, oldest first. */
export interface History {
  /** The key, a character for each byte. */
  readonly key: string;
  versions: Version[];
}

/**
 * One key at one revision. Main revisions count transactions; `sub` counts the changes within one. A tombstone marks a deletion. A store has
 * millions of these: what can be told from the key's history is not kept again.
 */
export class Version {
  constructor(
    readonly history: History,
    readonly value: Uint8Array,
    readonly createRevision: number,
    readonly modRevision: number,
    readonly version: number,
    readonly lease: number,
    readonly sub: number,
    readonly tombstone: boolean,
  ) {}

  /** As etcd tells it; made anew each time. */
  get kv(): KeyValue {
    const { history, value, createRevision, modRevision, version, lease } = this;
    return { key: Buffer.from(history.key, "latin1"), value, createRevision, modRevision, version, lease };
  }

  /** Bytes of key and value. */
  get bytes(): number {
    return this.history.key.length + this.value.length;
  }
}
