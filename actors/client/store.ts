import { keyOf, type Stored } from "../../protocol/kinds/object";

/** Says under which values an object is found; none leaves it out. */
export type IndexFunction<T> = (object: Stored<T>) => readonly string[];

/** The index that every store has: objects by namespace. */
export const byNamespace = "namespace";

/** What may be asked of a cache. Everything in it is read-only and may be older than what the API holds. */
export interface ReadStore<T> {
  readonly size: number;
  /** By "namespace/name", or "name" for what has no namespace. */
  get(key: string): Stored<T> | undefined;
  list(): IterableIterator<Stored<T>>;
  /** Throws when there is no index of that name. */
  byIndex(index: string, value: string): Stored<T>[];
}

/** Objects by key with indexes that are kept up to date. */
export class Store<T> implements ReadStore<T> {
  private readonly objects = new Map<string, Stored<T>>();
  private readonly indexes = new Map<string, { readonly of: IndexFunction<T>; readonly keys: Map<string, Set<string>> }>();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.addIndex(byNamespace, (object) => [object.metadata.namespace ?? ""]);
    for (const [name, of] of Object.entries(indexes)) this.addIndex(name, of);
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): Stored<T> | undefined {
    return this.objects.get(key);
  }

  list(): IterableIterator<Stored<T>> {
    return this.objects.values();
  }

  keys(): IterableIterator<string> {
    return this.objects.keys();
  }

  byIndex(index: string, value: string): Stored<T>[] {
    const entry = this.indexes.get(index);
    if (!entry) throw new Error(`the store has no index "${index}"`);
    const found: Stored<T>[] = [];
    for (const key of entry.keys.get(value) ?? []) found.push(this.objects.get(key)!);
    return found;
  }

  /** Adds an index over what there is and what will come. Two users may ask for the same one. */
  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.indexes.has(name)) return;
    const entry = { of, keys: new Map<string, Set<string>>() };
    this.indexes.set(name, entry);
    for (const [key, object] of this.objects) enter(entry.keys, of(object), key);
  }

  set(object: Stored<T>): void {
    const key = keyOf(object);
    const old = this.objects.get(key);
    this.objects.set(key, object);
    for (const { of, keys } of this.indexes.values()) {
      const before = old ? of(old) : [];
      const after = of(object);
      if (old && before.length === after.length && before.every((value, at) => value === after[at])) continue;
      leave(keys, before, key);
      enter(keys, after, key);
    }
  }

  delete(key: string): void {
    const old = this.objects.get(key);
    if (!old) return;
    this.objects.delete(key);
    for (const { of, keys } of this.indexes.values()) leave(keys, of(old), key);
  }
}

function enter(index: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    if (keys) keys.add(key);
    else index.set(value, new Set([key]));
  }
}

function leave(index: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    keys?.delete(key);
    if (keys?.size === 0) index.delete(value);
  }
}
