import type { KnownFact } from "../../../protocol/facts";
import { keyOf } from "../../../protocol/kinds/object";
import type { HistoryEvent } from "../../history";
import { known } from "../watch/told";

type FactOf<K extends KnownFact["kind"]> = Extract<KnownFact, { readonly kind: K }>;
export type ApiEventFact = FactOf<"api-watch.event">;
export type ApiListFact = FactOf<"api-watch.listed">;

export interface ObjectChange {
  readonly revision: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** "namespace/name". */
  readonly object: string;
  readonly namespace: string;
  readonly atUs: number;
}

/** All changes of objects by kind, in commit order: what watches ought to tell. */
export class ObjectChanges {
  private readonly byKind = new Map<string, ObjectChange[]>();

  see(event: HistoryEvent): void {
    if (event.type !== "object") return;
    const object = (event.after ?? event.before)!;
    const type = !event.after ? "DELETED" : event.before ? "MODIFIED" : "ADDED";
    let own = this.byKind.get(object.kind);
    if (!own) this.byKind.set(object.kind, (own = []));
    own.push({ revision: event.revision, type, object: keyOf(object), namespace: object.metadata.namespace ?? "", atUs: event.atUs });
  }

  /** The changes after that revision, up to and with the other. */
  between({ of, namespace }: Pick<OpenApiWatch, "of" | "namespace">, after: number, to: number): readonly ObjectChange[] {
    const own = this.byKind.get(of) ?? [];
    const found: ObjectChange[] = [];
    for (let i = own.length - 1; i >= 0 && own[i]!.revision > after; i--)
      if (own[i]!.revision <= to && (namespace === "" || own[i]!.namespace === namespace)) found.push(own[i]!);
    return found.reverse();
  }

  /** Each object that there was at that revision, with the revision of its last change. */
  at(scope: Pick<OpenApiWatch, "of" | "namespace">, revision: number): ReadonlyMap<string, number> {
    const objects = new Map<string, number>();
    for (const change of this.between(scope, 0, revision))
      if (change.type === "DELETED") objects.delete(change.object);
      else objects.set(change.object, change.revision);
    return objects;
  }
}

export interface OpenApiWatch {
  readonly of: string;
  readonly namespace: string;
  /** All up to this resourceVersion has been told. */
  told: number;
}

/** Follows every watcher's streams; answers with an event and the stream as it was before it. */
export class OpenApiWatches {
  private readonly open = new Map<string, OpenApiWatch>();

  see(event: HistoryEvent): { readonly fact: ApiEventFact; readonly watch: OpenApiWatch } | undefined {
    const opened = known(event, "api-watch.opened");
    if (opened) this.open.set(opened.watch, { of: opened.of, namespace: opened.namespace, told: opened.resourceVersion });
    const closed = known(event, "api-watch.closed");
    if (closed) this.open.delete(closed.watch);
    const fact = known(event, "api-watch.event");
    const watch = fact && this.open.get(fact.watch);
    return watch && { fact, watch };
  }

  all(): Iterable<readonly [name: string, watch: OpenApiWatch]> {
    return this.open;
  }
}
