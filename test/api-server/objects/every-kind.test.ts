import fc from "fast-check";
import { decodeObject } from "../../../actors/api-server/objects/decode";
import { withDefaults } from "../../../actors/api-server/objects/defaulting";
import { applyConfiguration, trackUpdate } from "../../../actors/api-server/objects/managed-fields/ownership";
import { mergePatch, strategicMergePatch } from "../../../actors/api-server/objects/patch";
import { prepareForCreate, prepareForUpdate } from "../../../actors/api-server/objects/strategy";
import { validateCreate, validateUpdate } from "../../../actors/api-server/objects/validation/validate";
import type { JsonObject } from "../../../protocol/kinds/object";
import { allKinds, type Kind } from "../../../protocol/kinds/registry";
import { anyObject } from "./any-object";
import { deepFreeze } from "./freeze";

const birth = { uid: "u", nowMs: 0 };
const writer = { manager: "m", subresource: "", nowMs: 0 };
/** The same objects each time; others with other seeds. */
const runs = { numRuns: 12, seed: Number(process.env.WAVETANK_SEED ?? 1) };

function decoded(kind: Kind, object: JsonObject): JsonObject {
  const result = decodeObject(kind, deepFreeze(JSON.parse(JSON.stringify(object))), "Strict");
  if (!result.ok) throw new Error(result.failure.message);
  return deepFreeze(result.object);
}

function stored(kind: Kind, object: JsonObject): JsonObject {
  const born = deepFreeze(prepareForCreate(kind, deepFreeze(withDefaults(kind, decoded(kind, object))), birth));
  return deepFreeze(trackUpdate(kind, undefined, born, writer));
}

describe.each(allKinds().map((kind) => [`${kind.kind} ${kind.group}/${kind.version}`, kind] as const))("%s", (_name, kind) => {
  const any = anyObject(kind);

  test("whatever has the right types is decoded, completed, prepared and judged, and no input is changed", () => {
    fc.assert(
      fc.property(any, any, (first, second) => {
        const before = stored(kind, first);
        validateCreate(kind, before);
        const updated = deepFreeze(prepareForUpdate(kind, before, deepFreeze(withDefaults(kind, decoded(kind, second)))));
        validateUpdate(kind, before, updated);
        trackUpdate(kind, before, updated, writer);
        if (kind.hasStatus) validateUpdate(kind, before, prepareForUpdate(kind, before, updated, "status"), "status");
      }),
      runs,
    );
  });

  test("what is stored decodes and completes to itself, and an update with it changes nothing", () => {
    fc.assert(
      fc.property(any, (object) => {
        const once = stored(kind, object);
        expect(decoded(kind, once)).toEqual(once);
        expect(withDefaults(kind, once)).toEqual(once);
        expect(prepareForUpdate(kind, once, once)).toEqual(once);
        expect(trackUpdate(kind, once, once, { ...writer, nowMs: 60_000 })).toEqual(once);
      }),
      runs,
    );
  });

  test("a merge patch of the object itself makes it so, by either merge", () => {
    fc.assert(
      fc.property(any, any, (first, second) => {
        const [object, patch] = [decoded(kind, first), decoded(kind, second)];
        const merged = mergePatch(object, patch);
        expect(merged.ok && mergePatch(deepFreeze(merged.object), patch)).toEqual(merged);
        const strategic = strategicMergePatch(kind, object, object);
        // Lists whose entries lack their key, or have it in common, cannot be merged by it.
        if (strategic.ok && !hasAmbiguousLists(object)) expect(strategic.object).toEqual(object);
      }),
      runs,
    );
  });

  test("applying an object twice is as good as once", () => {
    fc.assert(
      fc.property(any, any, (first, second) => {
        const config = decoded(kind, second);
        const once = applyConfiguration(kind, stored(kind, first), config, { ...writer, force: true });
        if (!once.ok) return expect(once.failure.code).toBe(400);
        const again = applyConfiguration(kind, deepFreeze(once.object), config, { ...writer, force: false, nowMs: 60_000 });
        expect(again.ok && again.object).toBe(once.object);
      }),
      runs,
    );
  });
});

function hasAmbiguousLists(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 1 || value.some(hasAmbiguousLists);
  return typeof value === "object" && value !== null && Object.values(value).some(hasAmbiguousLists);
}
