import { type Json, Tank } from "../server/tank";
import { causes, definitionsPath, install, version, widget, widgetDefinition, widgets } from "./definitions";

/** A tank that serves widgets with this spec. */
function tankWith(spec: Json): Tank {
  const tank = new Tank();
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", ...spec } } } };
  install(tank, widgetDefinition({ versions: [version("v1", { schema })] }));
  return tank;
}

describe("x-kubernetes-validations", () => {
  it("are held against objects when they are made and changed; the message, reason and path are the rule's", () => {
    const tank = tankWith({
      properties: {
        min: { type: "integer" },
        max: { type: "integer" },
        name: { type: "string", maxLength: 20 },
        kind: { type: "string", maxLength: 20 },
      },
      "x-kubernetes-validations": [
        { rule: "self.min <= self.max", messageExpression: "'min (%d) is more than max (%d)'.format([self.min, self.max])" },
        {
          rule: "!has(self.name) || self.name.startsWith('w-')",
          message: "names begin with w-",
          fieldPath: ".name",
          reason: "FieldValueForbidden",
        },
        { rule: "!has(self.kind) || has(self.name)", fieldPath: ".name", reason: "FieldValueRequired", message: "a kind needs a name" },
        { rule: "10 / self.min > 0" },
      ],
    });
    const wrong = (spec: Json) => causes(tank.create(widgets, widget("x", spec)).body);
    expect(wrong({ min: 3, max: 2 })).toEqual(["spec: Invalid value: min (3) is more than max (2)"]);
    expect(wrong({ min: 1, max: 2, name: "x" })).toEqual(["spec.name: Forbidden: names begin with w-"]);
    expect(wrong({ min: 1, max: 2, kind: "k" })).toEqual(["spec.name: Required value: a kind needs a name"]);
    expect(wrong({ min: 0, max: 2 })).toEqual(['spec: Invalid value: "object": division by zero evaluating rule: 10 / self.min > 0']);
    expect(wrong({ max: 2 })).toContain('spec: Invalid value: "object": no such key: min evaluating rule: self.min <= self.max');
    expect(wrong({ min: "x", max: 2 })).toEqual([
      'spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"',
      '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ]);
    expect(tank.create(widgets, widget("ok", { min: 1, max: 2, name: "w-1" })).code).toBe(201);
    expect(causes(tank.patch(`${widgets}/ok`, "merge", { spec: { min: 5 } }).body)).toEqual([
      "spec: Invalid value: min (5) is more than max (2)",
    ]);
    const figures = tank.get("/metrics").text;
    // Of each object that has the right types, its root and its spec.
    expect(figures).toMatch(/^apiserver_cel_evaluation_duration_seconds_count 14$/m);
    expect(figures).toMatch(/^apiserver_cel_compilation_duration_seconds_count [1-9]$/m);
  });

  it("may speak of what was before, in fields, maps and keyed lists", () => {
    const tank = tankWith({
      properties: {
        size: { type: "integer", "x-kubernetes-validations": [{ rule: "self >= oldSelf", message: "never shrinks" }] },
        fixed: { type: "string", maxLength: 20, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }] },
        parts: {
          type: "array",
          maxItems: 5,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: { name: { type: "string", maxLength: 20 }, count: { type: "integer" } },
            "x-kubernetes-validations": [{ rule: "self.count >= oldSelf.count", message: "parts are not taken away" }],
          },
        },
        born: {
          type: "string",
          maxLength: 20,
          "x-kubernetes-validations": [{ rule: "oldSelf.hasValue() || self == 'new'", optionalOldSelf: true, message: "begins as new" }],
        },
      },
    });
    const start = {
      size: 1,
      fixed: "a",
      born: "new",
      parts: [
        { name: "a", count: 2 },
        { name: "b", count: 2 },
      ],
    };
    expect(causes(tank.create(widgets, widget("x", { born: "old" })).body)).toEqual(['spec.born: Invalid value: "old": begins as new']);
    tank.create(widgets, widget("x", start));
    const wrong = (spec: Json) => causes(tank.patch(`${widgets}/x`, "merge", { spec }).body);
    expect(
      wrong({
        size: 0,
        fixed: "b",
        born: "old",
        parts: [
          { name: "b", count: 1 },
          { name: "c", count: 0 },
        ],
      }),
    ).toEqual([
      "spec.size: Invalid value: 0: never shrinks",
      'spec.fixed: Invalid value: "b": is immutable',
      "spec.parts[0]: Invalid value: parts are not taken away",
    ]);
    expect(tank.patch(`${widgets}/x`, "merge", { spec: { size: 2, born: "old" } }).code).toBe(200);
  });

  it("know the types that schemas give: times, quantities in texts, sets, and names that CEL keeps for itself", () => {
    const tank = tankWith({
      properties: {
        from: { type: "string", format: "date-time" },
        to: { type: "string", format: "date-time" },
        memory: { "x-kubernetes-int-or-string": true },
        namespace: { type: "string", maxLength: 10 },
        "a-b.c/d": { type: "integer" },
        tags: { type: "array", maxItems: 5, "x-kubernetes-list-type": "set", items: { type: "string", maxLength: 5 } },
      },
      "x-kubernetes-validations": [
        { rule: "self.to - self.from < duration('1h')", message: "too long" },
        { rule: "quantity(string(self.memory)).isLessThan(quantity('1Gi'))", message: "too much" },
        { rule: "self.__namespace__ == 'n' && self.a__dash__b__dot__c__slash__d == 1", message: "names" },
        { rule: "self.tags == ['a', 'b']", message: "tags" },
      ],
    });
    const spec = {
      from: "2026-01-01T00:00:00Z",
      to: "2026-01-01T00:30:00.5Z",
      memory: "512Mi",
      namespace: "n",
      "a-b.c/d": 1,
      tags: ["b", "a"],
    };
    expect(causes(tank.create(widgets, widget("ok", spec)).body)).toEqual([]);
    expect(
      causes(tank.create(widgets, widget("no", { ...spec, to: "2026-01-01T02:00:00Z", memory: "2Gi", tags: ["a"] })).body).map((line) =>
        line.split(": ").at(-1),
      ),
    ).toEqual(["too long", "too much", "tags"]);
  });

  it("run out of budget rather than on and on", () => {
    const tank = tankWith({
      properties: { l: { type: "array", maxItems: 100, items: { type: "integer" } } },
      "x-kubernetes-validations": [{ rule: "self.l.all(a, self.l.all(b, self.l.exists(c, c > 0)))", message: "m" }, { rule: "false" }],
    });
    const l = Array.from({ length: 100 }, (_, index) => (index === 99 ? 1 : 0));
    expect(causes(tank.create(widgets, widget("x", { l })).body)).toEqual([
      expect.stringContaining(
        "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: m",
      ),
    ]);
  });
});

it("what did not change passes a schema that has become stricter; what changed does not (ratcheting)", () => {
  const tank = tankWith({ properties: { a: { type: "string" }, b: { type: "string" }, l: { type: "array", items: { type: "string" } } } });
  tank.create(widgets, widget("x", { a: "long enough", b: "b", l: ["long enough"] }));
  const path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
  tank.patch(`${definitionsPath}/widgets.shop.example.com`, "json", [
    { op: "add", path: `${path}/properties/a/maxLength`, value: 3 },
    { op: "add", path: `${path}/properties/l/items/maxLength`, value: 3 },
    { op: "add", path: `${path}/required`, value: ["c"] },
    {
      op: "add",
      path: `${path}/properties/a/x-kubernetes-validations`,
      value: [{ rule: "self.startsWith('x')", message: "begins with x" }],
    },
  ]);
  tank.simulation.runFor(1_000);
  const kept = tank.patch(`${widgets}/x`, "merge", { metadata: { labels: { a: "b" } } });
  expect(kept.code).toBe(200);
  expect(kept.headers.get("Warning")).toContain("spec.a: Invalid value: ");
  expect(kept.headers.get("Warning")).toContain("begins with x");
  // The spec as a whole has changed: what it lacks counts, what is unchanged in it does not.
  expect(causes(tank.patch(`${widgets}/x`, "merge", { spec: { b: "c" } }).body)[0]).toBe("spec.c: Required value");
  expect(causes(tank.patch(`${widgets}/x`, "merge", { spec: { a: "also long", b: "c", c: "c" } }).body)).toContain(
    "spec.a: Too long: may not be more than 3 bytes",
  );
  tank.patch(`${definitionsPath}/widgets.shop.example.com`, "json", [{ op: "remove", path: `${path}/required` }]);
  tank.simulation.runFor(1_000);
  expect(tank.patch(`${widgets}/x`, "merge", { spec: { b: "c" } }).code).toBe(200);
});
