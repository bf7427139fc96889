import { stringify } from "yaml";
import type { ApiObject, JsonObject } from "../../protocol/kinds/object";
import { kindOf } from "../../protocol/kinds/registry";
import { objectId } from "../history";
import type { Manifest } from "../manifests";
import type { Path } from "../source";
import { type Subjects, subjectsOf } from "./subject";
import { withPart } from "./workload";

/** A change to the manifests that would mend something, as data: it is shown, and tried. */
export type Change =
  /** Another value at a path of an object; without a value the part is taken away. */
  | { readonly type: "set"; readonly id: string; readonly path: Path; readonly value?: unknown }
  | { readonly type: "add"; readonly object: JsonObject };

/** The manifests with the changes made. Lines stay those of the originals; what is added stands nowhere. */
export function withChanges(manifests: readonly Manifest[], changes: readonly Change[]): readonly Manifest[] {
  let result = manifests;
  for (const change of changes)
    result =
      change.type === "add"
        ? [...result, added(change.object as unknown as ApiObject)]
        : result.map((one) =>
            objectId(one.object) === change.id ? { ...one, object: withPart(one.object, change.path, change.value) } : one,
          );
  return result;
}

function added(object: ApiObject): Manifest {
  return { file: "", line: 0, kind: kindOf(object.apiVersion, object.kind)!, object, lineOf: () => 0 };
}

/** What is rehearsed, with the changes made: the same Services, and what then stands behind them. */
export function subjectsWith(subjects: Subjects, changes: readonly Change[]): Subjects {
  const changed = subjectsOf(withChanges(subjects.manifests, changes));
  const names = new Set(subjects.services.map(({ service }) => service));
  return { ...changed, services: changed.services.filter(({ service }) => names.has(service)) };
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
