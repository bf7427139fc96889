/** Keys by the time at which they fall due: a heap, so that thousands may wait. A key has one time, the earliest it was given. */
export class DueKeys {
  private readonly times = new Map<string, number>();
  private readonly heap: { readonly atMs: number; readonly key: string }[] = [];

  /** False when the key falls due as early already. */
  add(key: string, atMs: number): boolean {
    const known = this.times.get(key);
    if (known !== undefined && known <= atMs) return false;
    this.times.set(key, atMs);
    this.heap.push({ atMs, key });
    this.up(this.heap.length - 1);
    return true;
  }

  /** When the next key falls due; Infinity when none waits. */
  nextMs(): number {
    this.dropStale();
    return this.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a key that is due by then, the earliest first. */
  take(nowMs: number): string | undefined {
    this.dropStale();
    const first = this.heap[0];
    if (!first || first.atMs > nowMs) return undefined;
    this.pop();
    this.times.delete(first.key);
    return first.key;
  }

  /** An entry is stale when its key was given an earlier time, or has been taken. */
  private dropStale(): void {
    for (let first = this.heap[0]; first && this.times.get(first.key) !== first.atMs; first = this.heap[0]) this.pop();
  }

  private pop(): void {
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return;
    this.heap[0] = last;
    this.down(0);
  }

  private up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private down(from: number): void {
    for (let at = from; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.heap.length && this.isBefore(child, least)) least = child;
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  /** Equal times are ordered by key, so that the order never depends on the heap's shape. */
  private isBefore(a: number, b: number): boolean {
    const [x, y] = [this.heap[a]!, this.heap[b]!];
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.key < y.key);
  }

  private swap(a: number, b: number): void {
    const kept = this.heap[a]!;
    this.heap[a] = this.heap[b]!;
    this.heap[b] = kept;
  }
}
