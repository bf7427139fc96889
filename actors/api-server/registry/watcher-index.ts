import type { FieldRequirements } from "../../../protocol/kinds/field-selector";
import type { Entry } from "../storage/entry";
import type { Change } from "../storage/resource-cache";

/**
 * Who may want to hear of a change. Each kubelet watches the Pods of its own node: with thousands of them a change must not be held against
 * every watch, so watches that ask for one node are found by the node.
 */
export class WatcherIndex<W> {
  readonly #anywhere = new Set<W>();
  readonly #byNode = new Map<string, Set<W>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(watcher: W, node: string | undefined): void {
    this.#size += 1;
    if (node === undefined) {
      this.#anywhere.add(watcher);
      return;
    }
    const there = this.#byNode.get(node) ?? new Set();
    there.add(watcher);
    this.#byNode.set(node, there);
  }

  delete(watcher: W, node: string | undefined): void {
    const set = node === undefined ? this.#anywhere : this.#byNode.get(node);
    if (set?.delete(watcher)) this.#size -= 1;
    if (node !== undefined && set?.size === 0) this.#byNode.delete(node);
  }

  /** The watchers that a change may concern: those of the node it is on, or was on, and those that asked for none. */
  *concernedBy(change: Change): Generator<W> {
    yield* this.#anywhere;
    if (this.#byNode.size === 0) return;
    const now = nodeOf(change.entry);
    const before = change.previous && nodeOf(change.previous);
    yield* this.#byNode.get(now) ?? [];
    if (before !== undefined && before !== now) yield* this.#byNode.get(before) ?? [];
  }
}

/** The one node that a field selector asks for. */
export function nodeAskedFor(fields: FieldRequirements): string | undefined {
  return fields.find(({ field, operator }) => field === "spec.nodeName" && operator === "=")?.value;
}

function nodeOf({ object }: Entry): string {
  const { spec } = object as typeof object & { readonly spec?: { readonly nodeName?: string } };
  return spec?.nodeName ?? "";
}
