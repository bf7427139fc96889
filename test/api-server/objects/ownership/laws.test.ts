import fc from "fast-check";
import {
  difference,
  type FieldSet,
  fromFieldsV1,
  intersection,
  pathsOf,
  sameFields,
  toFieldsV1,
  union,
} from "../../../../actors/api-server/objects/managed-fields/field-set";
import { trackUpdate } from "../../../../actors/api-server/objects/managed-fields/ownership";
import type { JsonObject } from "../../../../protocol/kinds/object";
import { deepFreeze } from "../freeze";
import { applied, apply, deployment, entries, nowMs, web } from "./applying";

describe("laws of ownership", () => {
  const env = fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "C"), value: fc.constantFrom("1", "2") }), {
    selector: ({ name }) => name,
  });
  const container = fc.record({ name: fc.constantFrom("x", "y", "z"), image: fc.constantFrom("i", "j") }, { requiredKeys: ["name"] });
  const config = fc
    .record({
      replicas: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
      strategy: fc.option(fc.record({ type: fc.constantFrom("Recreate", "RollingUpdate") }), { nil: undefined }),
      labels: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2")),
      containers: fc.uniqueArray(fc.tuple(container, env), { selector: ([{ name }]) => name }),
    })
    .map(({ labels, containers: list, ...rest }) => {
      const spec = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      const template = { spec: { containers: list.map(([item, variables]) => ({ ...item, env: variables })) } };
      return web({ ...spec, template }, { labels });
    });
  const writes = fc.array(fc.record({ manager: fc.constantFrom("a", "b", "c"), config, apply: fc.boolean() }), { maxLength: 5 });

  const play = (history: readonly { manager: string; config: JsonObject; apply: boolean }[]): JsonObject | undefined => {
    let live: JsonObject | undefined;
    for (const write of history) {
      if (write.apply) live = applied(deployment, live, write.config, write.manager, { force: true });
      else {
        const managedFields = live && (live.metadata as JsonObject).managedFields;
        const updated = {
          ...write.config,
          metadata: { ...(write.config.metadata as JsonObject), ...(managedFields ? { managedFields } : {}) },
        };
        live = trackUpdate(deployment, live && deepFreeze(live), deepFreeze(updated), { manager: write.manager, subresource: "", nowMs });
      }
    }
    return live;
  };

  test("applying twice is as good as once: the very same object comes back", () => {
    fc.assert(
      fc.property(writes, config, (history, last) => {
        const once = applied(deployment, play(history), last, "me", { force: true });
        expect(apply(deployment, once, last, "me", { nowMs: nowMs + 60_000 })).toEqual({ ok: true, object: once });
        expect(applied(deployment, once, last, "me", { nowMs: nowMs + 60_000 })).toBe(once);
      }),
      { seed: 1 },
    );
  });

  test("managers who want different entries may come in any order, and who leaves takes only their own", () => {
    // Each manager has container names, labels and variables that nobody else uses.
    const share = (who: string) =>
      fc
        .record({
          labels: fc.dictionary(fc.constantFrom("p", "q"), fc.constantFrom("1", "2")),
          names: fc.uniqueArray(fc.constantFrom("p", "q")),
          env,
        })
        .map(({ labels, names, env }) => {
          const containers = names.map((name) => ({ name: `${who}-${name}`, image: "i", env }));
          const own = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${who}-${key}`, value]));
          return web({ template: { spec: { containers } } }, { labels: own });
        });
    // biome-ignore lint/suspicious/noExplicitAny: objects of the test's own making
    const content = (object: any) => ({
      labels: object.metadata.labels ?? {},
      containers: new Map((object.spec?.template?.spec?.containers ?? []).map((each: { name: string }) => [each.name, each])),
    });
    fc.assert(
      fc.property(share("a"), share("b"), (a, b) => {
        const ab = applied(deployment, applied(deployment, undefined, a, "a"), b, "b");
        const ba = applied(deployment, applied(deployment, undefined, b, "b"), a, "a");
        expect(content(ab)).toEqual(content(ba));
        const left = applied(deployment, ab, web({}, {}), "b");
        expect(content(left)).toEqual(content(applied(deployment, applied(deployment, undefined, a, "a"), web({}, {}), "b")));
      }),
      { seed: 1 },
    );
  });

  test("after a forced apply the object holds everything that was applied", () => {
    fc.assert(
      fc.property(writes, config, (history, last) => {
        const object = applied(deployment, play(history), last, "me", { force: true });
        const { replicas, strategy } = last.spec as JsonObject;
        if (replicas !== undefined) expect((object.spec as JsonObject).replicas).toBe(replicas);
        if (strategy !== undefined) expect((object.spec as JsonObject).strategy).toMatchObject(strategy as object);
        expect((object.metadata as JsonObject).labels ?? {}).toMatchObject((last.metadata as JsonObject).labels as object);
      }),
      { seed: 1 },
    );
  });

  test("every owned field is in the object", () => {
    fc.assert(
      fc.property(writes, (history) => {
        const live = play(history);
        if (!live) return;
        const everything = trackUpdate(
          deployment,
          undefined,
          { ...live, metadata: { ...(live.metadata as JsonObject), managedFields: undefined } },
          { manager: "all", subresource: "", nowMs },
        );
        const present = fromFieldsV1(entries(everything)[0]?.fieldsV1 ?? {})!;
        for (const entry of entries(live)) {
          const absent = pathsOf(difference(fromFieldsV1(entry.fieldsV1)!, present));
          expect(absent.filter((path) => path.includes("["))).toEqual([]);
        }
      }),
      { seed: 1 },
    );
  });

  test("sets obey the laws of sets, and fieldsV1 round-trips", () => {
    const name = fc.constantFrom("f:a", "f:b", 'k:{"n":"x"}', 'v:"y"');
    const fields = fc.letrec<{ set: JsonObject }>((tie) => ({
      set: fc.dictionary(name, fc.oneof({ maxDepth: 2 }, fc.constant({}), tie("set")), { maxKeys: 3 }),
    })).set;
    const set = fields.map((json) => fromFieldsV1(json)!);
    const same = (a: FieldSet, b: FieldSet) => expect(toFieldsV1(a)).toEqual(toFieldsV1(b));
    fc.assert(
      fc.property(set, set, (a, b) => {
        same(union(a, b), union(b, a));
        same(intersection(a, b), intersection(b, a));
        same(union(difference(a, b), intersection(a, b)), a);
        expect(difference(a, a).size).toBe(0);
        expect(sameFields(fromFieldsV1(toFieldsV1(a))!, a)).toBe(true);
      }),
      { seed: 1 },
    );
  });
});
