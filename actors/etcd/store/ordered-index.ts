const chunkMax = 512;

/**
 * A map from byte strings (latin1, so that `<` orders bytes) to values, kept in key order: a list of sorted chunks.
 * Finding costs O(log n); inserting and removing move at most one chunk and, rarely, the list of chunks.
 */
export class OrderedIndex<V> {
  private chunks: { readonly keys: string[]; readonly values: V[] }[] = [{ keys: [], values: [] }];
  size = 0;

  get(key: string): V | undefined {
    const chunk = this.chunks[this.chunkOf(key)]!;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** The value under a key, made and put there if there is none. */
  getOrAdd(key: string, make: () => V): V {
    const last = this.chunks.at(-1)!;
    const lastKey = last.keys.at(-1);
    // Keys often come in ascending order: such a one needs no search, and fills chunks to the brim instead of leaving halves behind.
    if (lastKey !== undefined && lastKey < key) {
      const value = make();
      if (last.keys.length >= chunkMax) this.chunks.push({ keys: [key], values: [value] });
      else {
        last.keys.push(key);
        last.values.push(value);
      }
      this.size++;
      return value;
    }
    const c = this.chunkOf(key);
    const chunk = this.chunks[c]!;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) return chunk.values[at]!;
    const value = make();
    this.insert(c, at, key, value);
    return value;
  }

  delete(key: string): boolean {
    const c = this.chunkOf(key);
    const chunk = this.chunks[c]!;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return false;
    this.size--;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    if (chunk.keys.length === 0 && this.chunks.length > 1) this.chunks.splice(c, 1);
    return true;
  }

  /** Values of keys from `from` up to but without `to` (null: to the end), in key order, until `visit` answers false. */
  scan(from: string, to: string | null, visit: (value: V, key: string) => boolean | undefined): void {
    for (let c = this.chunkOf(from), first = true; c < this.chunks.length; c++, first = false) {
      const { keys, values } = this.chunks[c]!;
      for (let at = first ? lowerBound(keys, from) : 0; at < keys.length; at++) {
        const key = keys[at]!;
        if ((to !== null && key >= to) || visit(values[at]!, key) === false) return;
      }
    }
  }

  private insert(c: number, at: number, key: string, value: V): void {
    const chunk = this.chunks[c]!;
    this.size++;
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    if (chunk.keys.length <= chunkMax) return;
    const half = chunk.keys.length >> 1;
    this.chunks.splice(c + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) });
  }

  /** The chunk that holds the key, or would. */
  private chunkOf(key: string): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.chunks[middle]!.keys[0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
