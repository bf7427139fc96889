import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import type { Kind } from "../../../protocol/kinds/registry";
import type { Failure } from "../../../protocol/status";
import type { User } from "../authentication/user";
import type { AdmissionFigures } from "./figures";

/** A write on its way in, as admission plug-ins see it. */
export interface Admission {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly kind: Kind;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The new object; for a deletion the one that is to go. */
  readonly object: ApiObject;
  /** The object as stored; undefined on creation. */
  readonly old: Stored<ApiObject> | undefined;
  readonly user: User;
  /** For creations: five letters and digits that no other request has; "" otherwise. */
  readonly suffix: string;
  readonly cluster: ClusterView;
}

/** What plug-ins may look up: the server's own caches, and what was read from etcd because the caches did not have it. */
export interface ClusterView {
  get(group: string, version: string, plural: string, namespace: string, name: string): Stored<ApiObject> | undefined;
  list(group: string, version: string, plural: string): readonly Stored<ApiObject>[];
  /** By taint: for how many seconds a Pod that says nothing tolerates it. */
  readonly defaultTolerationSeconds: ReadonlyMap<string, number>;
  /** The server's time. */
  readonly nowMs: number;
  /** The plug-ins of this server; those that are on unless somebody says otherwise where it is absent. */
  readonly plugins?: readonly Plugin[];
  /** Told how long each took. */
  readonly figures?: AdmissionFigures;
}

/** An object that a plug-in will look up and that must not be missed because a cache lags: it is read from etcd where the cache has none. */
export interface Needed {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

/** One rule of admission: pure functions that answer with a changed object or with a refusal and its reason. */
export interface Plugin {
  readonly name: string;
  needs?(admission: Omit<Admission, "cluster">): readonly Needed[];
  /** Completes or changes the object, before validation. */
  mutate?(admission: Admission): ApiObject | Failure;
  /** Has the last word, after validation. */
  validate?(admission: Admission): Failure | undefined;
  /** What the audit log says of a write that has come so far, whether this plug-in lets it pass or not, by key. */
  audit?(admission: Admission): Readonly<Record<string, string>>;
  /** What to tell whoever made a write that passes: Warning headers. */
  warn?(admission: Admission): readonly string[];
}

/** Whether the write is of this main resource ("pods", "nodes") and none of its subresources. */
export function isOf({ kind, subresource }: Pick<Admission, "kind" | "subresource">, group: string, plural: string): boolean {
  return kind.group === group && kind.plural === plural && subresource === "";
}
