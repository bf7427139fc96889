import { Entry } from "../actors/api-server/storage/entry";
import type { Store } from "../actors/etcd/store/store";
import type { Version } from "../actors/etcd/store/version";
import type { Stored } from "../protocol/kinds/object";
import { type HistoryEvent, objectId } from "./history";
import type { Opener } from "./sealed";

type Told = Extract<HistoryEvent, { readonly type: "store" | "object" }>;

/**
 * The store's history in commit order, read from whichever member applied a revision first, and the API objects as they are by it: the truth that no
 * actor knows. Each revision is read once; that all members agree on it is for a check to say.
 */
export class Ledger {
  /** By id, "Pod shop/web-1". */
  readonly objects = new Map<string, Stored>();
  /** Changes whenever an object does, but for those that only say that somebody lives or what happened: Leases and Events. */
  version = 0;
  private readonly byKey = new Map<string, Stored>();
  private revision = 1;

  constructor(private readonly open: Opener) {}

  /** Reads what a member's store has that is newer than all seen before. */
  read(store: Store, atUs: number): readonly Told[] {
    const told: Told[] = [];
    while (this.revision < store.revision) {
      this.revision++;
      for (const version of store.changesOf(this.revision)) {
        const key = Buffer.from(version.history.key, "latin1").toString("utf8");
        const event = { type: "store", atUs, revision: this.revision, key, deleted: version.tombstone } as const;
        told.push(isOfApi(key) ? event : { ...event, value: version.tombstone ? null : Buffer.from(version.value).toString("latin1") });
        const change = this.change(key, version.tombstone ? undefined : version.value, this.revision);
        if (change) told.push({ type: "object", atUs, revision: this.revision, ...change });
      }
    }
    return told;
  }

  /** The newest revision that was read. */
  get newest(): number {
    return this.revision;
  }

  /** Etcd begins anew with that store: what there is now, oldest first, and what of it differs from a moment ago, with what is gone first. */
  restored(store: Store, atUs: number): { readonly standing: readonly Told[]; readonly changes: readonly Told[] } {
    const kept: { readonly key: string; readonly version: Version }[] = [];
    store.index.scan("", null, (history) => {
      const version = history.versions.at(-1)!;
      if (!version.tombstone) kept.push({ key: Buffer.from(history.key, "latin1").toString("utf8"), version });
      return undefined;
    });
    // Whoever owns something was made before it.
    kept.sort((a, b) => a.version.createRevision - b.version.createRevision || a.version.sub - b.version.sub);
    this.revision = store.revision;
    const changes: Told[] = [];
    const tell = (key: string, value: Uint8Array | undefined, revision: number) => {
      const change = this.change(key, value, revision);
      if (change) changes.push({ type: "object", atUs, revision: this.revision, ...change });
    };
    const stays = new Set(kept.map(({ key }) => key));
    for (const key of [...this.byKey.keys()]) if (!stays.has(key)) tell(key, undefined, this.revision);
    const standing: Told[] = [];
    for (const { key, version } of kept) {
      if (this.byKey.get(key)?.metadata.resourceVersion !== String(version.modRevision)) tell(key, version.value, version.modRevision);
      const after = this.byKey.get(key);
      if (after) standing.push({ type: "object", atUs, revision: this.revision, id: objectId(after), before: undefined, after });
    }
    return { standing, changes };
  }

  private note({ kind }: Stored): void {
    if (kind !== "Lease" && kind !== "Event") this.version++;
  }

  private change(
    key: string,
    stored: Uint8Array | undefined,
    revision: number,
  ): { id: string; before: Stored | undefined; after: Stored | undefined } | undefined {
    if (!isOfApi(key)) return undefined;
    const before = this.byKey.get(key);
    if (stored === undefined) {
      if (!before) return undefined;
      const id = objectId(before);
      this.note(before);
      this.byKey.delete(key);
      this.objects.delete(id);
      return { id, before, after: undefined };
    }
    const value = this.open(key, revision, stored);
    // Not every key under /registry/ holds an object: allocators and the API servers' own addresses are plain values.
    if (Buffer.from(value).indexOf('"metadata":{') < 0) return undefined;
    const after = new Entry(key, revision, value).object;
    const id = objectId(after);
    this.note(after);
    this.byKey.set(key, after);
    this.objects.set(id, after);
    return { id, before, after };
  }
}

function isOfApi(key: string): boolean {
  return key.startsWith("/registry/");
}
