import type { HistoryEvent } from "../history";

export interface KeyValueAt {
  readonly revision: number;
  /** null where the key was deleted. */
  readonly value: string | null;
}

/** What each key outside the API's held at each of its revisions, in commit order. */
export class KeyValues {
  private readonly byKey = new Map<string, KeyValueAt[]>();

  see(event: HistoryEvent): void {
    if (event.type !== "store" || event.value === undefined) return;
    const own = this.byKey.get(event.key) ?? [];
    this.byKey.set(event.key, own);
    own.push({ revision: event.revision, value: event.value });
  }

  of(key: string): readonly KeyValueAt[] {
    return this.byKey.get(key) ?? [];
  }

  /** What the key held at a revision; null for nothing. */
  at(key: string, revision: number): string | null {
    return this.of(key).findLast((one) => one.revision <= revision)?.value ?? null;
  }
}
