import fc from "fast-check";
import {
  formatRequirements,
  matchesLabelMap,
  matchesLabelSelector,
  matchesLabels,
  parseLabelSelector,
  requirementsOf,
} from "../../protocol/kinds/label-selector";

const parsed = (text: string) => {
  const result = parseLabelSelector(text);
  if (!result.ok) throw new Error(result.message);
  return result.requirements;
};
const failure = (text: string) => {
  const result = parseLabelSelector(text);
  return result.ok ? "no failure" : result.message;
};

describe("label selectors (documentation: Labels and Selectors)", () => {
  const web = { app: "web", tier: "front", "example.com/size": "3" };

  test.each([
    ["", true],
    ["app=web", true],
    ["app==web", true],
    ["app = web , tier", true],
    ["app!=web", false],
    ["absent!=web", true],
    ["app in (web, api)", true],
    ["app notin (web)", false],
    ["absent notin (web)", true],
    ["tier", true],
    ["!tier", false],
    ["!absent", true],
    ["absent", false],
    ["app=", false],
    ["example.com/size>2", true],
    ["example.com/size<2", false],
    ["in in (in)", false],
  ])("%j selects the labels: %p", (text, selected) => {
    expect(matchesLabels(parsed(text), web)).toBe(selected);
  });

  test("objects without labels are selected by what only excludes", () => {
    expect(matchesLabels(parsed("!a,b!=c,d notin (e)"), undefined)).toBe(true);
    expect(matchesLabels(parsed("constructor"), {})).toBe(false);
  });

  test.each([
    ["a=b,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
  ])("%j is refused: %s", (text, message) => {
    expect(failure(text)).toBe(message);
  });

  test("keys and values must be well formed", () => {
    expect(failure("-a=b")).toMatch(
      /^unable to parse requirement: key: Invalid value: "-a": name part must consist of alphanumeric characters/,
    );
    expect(failure("a=b_")).toMatch(/^unable to parse requirement: values\[0\]\[a\]: Invalid value: "b_": a valid label must be/);
    expect(failure(`a=${"b".repeat(64)}`)).toContain("must be no more than 63 bytes");
  });

  test("what is formatted parses back to the same", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
    const requirement = fc.oneof(
      fc.tuple(name, fc.constantFrom("=", "!="), name).map(([key, operator, value]) => `${key}${operator}${value}`),
      fc
        .tuple(name, fc.constantFrom("in", "notin"), fc.array(name, { minLength: 1, maxLength: 3 }))
        .map(([k, op, v]) => `${k} ${op} (${v.join(",")})`),
      name,
      name.map((key) => `!${key}`),
    );
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), (terms) => {
        const requirements = parsed(terms.join(","));
        expect(parsed(formatRequirements(requirements))).toEqual(requirements);
      }),
      { seed: 1 },
    );
  });

  test("a LabelSelector selects nothing when absent, everything when empty", () => {
    expect(matchesLabelSelector(undefined, web)).toBe(false);
    expect(matchesLabelSelector({}, web)).toBe(true);
    expect(matchesLabelMap({}, web)).toBe(false);
    expect(matchesLabelMap({ app: "web" }, web)).toBe(true);
  });

  test("a LabelSelector and its requirements select the same", () => {
    const selector = { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["front", "back"] }] };
    expect(formatRequirements(requirementsOf(selector))).toBe("app=web,tier in (back,front)");
    const candidates: readonly Record<string, string>[] = [web, { app: "web" }, { app: "api", tier: "front" }];
    for (const labels of candidates) expect(matchesLabels(requirementsOf(selector), labels)).toBe(matchesLabelSelector(selector, labels));
  });
});
