import { stringify } from "yaml";
import type { ApiObject, JsonObject } from "../../protocol/kinds/object";
import { objectId } from "../history";
import type { Path } from "../source";
import { withPart } from "./workload";

/** A change to the manifests that would mend something, as data: it is shown, and tried. */
export type Change =
  /** Another value at a path of an object; without a value the part is taken away. */
  | { readonly type: "set"; readonly id: string; readonly path: Path; readonly value?: unknown }
  | { readonly type: "add"; readonly object: JsonObject };

/** The objects with the changes made. */
export function withChanges(objects: readonly ApiObject[], changes: readonly Change[]): readonly ApiObject[] {
  let result = objects;
  for (const change of changes)
    result =
      change.type === "add"
        ? [...result, change.object as unknown as ApiObject]
        : result.map((object) => (objectId(object) === change.id ? withPart(object, change.path, change.value) : object));
  return result;
}

/** The changes as YAML that could be pasted: of each object only what is new. Names stand in the place of indices of lists. */
export function changesText(changes: readonly Change[]): string {
  const texts: string[] = [];
  const sets = new Map<string, JsonObject>();
  for (const change of changes)
    if (change.type === "add") texts.push(stringify(change.object));
    else if (change.value !== undefined) sets.set(change.id, withPart(sets.get(change.id) ?? {}, change.path.map(plain), change.value));
  const removed = changes.flatMap((change) =>
    change.type === "set" && change.value === undefined ? [`# ${change.id}: without ${change.path.join(".")}\n`] : [],
  );
  return [...[...sets].map(([id, value]) => `# ${id}\n${stringify(value)}`), ...removed, ...texts].join("---\n").trimEnd();
}

/** Only the first items of lists are ever changed, or new ones that stand alone. */
const plain = (step: string | number) => (typeof step === "number" ? 0 : step);
