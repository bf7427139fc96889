import { celEnvironment, compile, perCallLimit } from "../../../actors/api-server/cel/environment";
import { CostExceeded } from "../../../actors/api-server/cel/evaluate";
import { fromCel, toCel } from "../../../actors/api-server/cel/json";
import { dyn, int, listOf, mapOf, string } from "../../../actors/api-server/cel/types";
import { CelFault, Duration, OptionalValue, Timestamp, Uint } from "../../../actors/api-server/cel/values";

const object = {
  name: "web",
  replicas: 3,
  ratio: 0.5,
  tags: ["a", "b"],
  labels: { app: "shop", tier: "front" },
  ports: [
    { name: "http", port: 80 },
    { name: "https", port: 443 },
  ],
  nothing: null,
};
const env = celEnvironment({ object: dyn, text: string, number: int, numbers: listOf(int), labels: mapOf(string, string) });
const variables = new Map([
  ["object", toCel(object)],
  ["text", "hello"],
  ["number", 5n],
  ["numbers", [3n, 1n, 2n]],
  ["labels", toCel(object.labels)],
] as const);

function value(source: string): unknown {
  const compiled = compile(env, source);
  if (!compiled.ok) return compiled.message;
  try {
    return compiled.program.evaluate(variables, { left: perCallLimit });
  } catch (error) {
    if (error instanceof CelFault) return `fault: ${error.message}`;
    throw error;
  }
}

describe("an expression", () => {
  it.each<readonly [source: string, expected: unknown]>([
    ["1 + 2 * 3 - 4 / 2 % 3", 5n],
    ["-(-3)", 3n],
    ["7u + 1u == 8u", true],
    ["1.5 + 0.25", 1.75],
    ["'a' + \"b\" + r'\\n' + '''c'''", "ab\\nc"],
    ["'\\u00e9\\n\\x41\\101'", "é\nAA"],
    ["b'abc' == bytes('abc')", true],
    ["1 < 1.5 && 2u > 1 && 1.0 <= 1", true],
    ["dyn(1) == dyn(1.0)", true],
    ["true || object.missing == 1", true],
    ["object.missing == 1 || true", true],
    ["false && object.missing == 1", false],
    ["object.missing == 1 ? 1 : 2", "fault: no such key: missing"],
    ["number > 3 ? 'many' : 'few'", "many"],
    ["object.tags[1] + object.labels['app'] + object.labels.tier", "bshopfront"],
    ["object.tags[2]", "fault: index out of bounds: 2"],
    ["'a' in object.tags && 'app' in object.labels && !('x' in object.labels)", true],
    ["has(object.name) && !has(object.missing) && has(object.nothing)", true],
    ["object.ports.all(p, p.port > 0) && object.ports.exists(p, p.name == 'https') && object.ports.exists_one(p, p.port == 80)", true],
    ["object.ports.map(p, p.port)", [80n, 443n]],
    ["object.ports.map(p, p.port > 100, p.name)", ["https"]],
    ["object.ports.filter(p, p.port < 100).size()", 1n],
    ["object.labels.all(k, k.size() > 2) && object.labels.exists(k, v, v == 'front')", true],
    ["[1, 2, 3].transformList(i, v, i > 0, i * v)", [2n, 6n]],
    ["{'a': 1, 'b': 2}.transformMap(k, v, v * 2)['b']", 4n],
    ["[1, 2].all(x, y, x < y)", true],
    // One item that decides is enough, whatever became of the others.
    ["[1, 0].exists(x, 1 / x == 1) && [0, 1].exists(x, 1 / x == 1)", true],
    ["[0, 2].all(x, 1 / x == 1)", false],
    ["[0, 1].all(x, 1 / x == 1)", "fault: division by zero"],
    ["9223372036854775807 + 1", "fault: integer overflow"],
    ["-9223372036854775808 - 1", "fault: integer overflow"],
    ["int('12') + int(2.9) + int(3u) + size('abc')", 20n],
    ["string(1.0) + string(true) + string(10) + string(b'x')", "1true10x"],
    ["double('1.5') + double(1)", 2.5],
    ["int('x')", "fault: type conversion error from 'string' to 'int'"],
    ["type(1) == int && type('') == string && type([]) == list && type(duration('1s')) == google.protobuf.Duration", true],
    ["'shop-1'.matches('^[a-z]+-\\\\d$') && !'x'.matches('y')", true],
    [
      "'a,b,c'.split(',', 2).join('|') + 'Hi'.lowerAscii() + ' x '.trim() + 'abc'.substring(1, 2) + 'abc'.replace('b', 'z')",
      "a|b,chixbazc",
    ],
    ["'héllo'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3 && 'abc'.charAt(1) == 'b' && 'abc'.reverse() == 'cba'", true],
    ["'%s is %d, %.2f, %x'.format(['a', 3, 1.5, 255])", "a is 3, 1.50, ff"],
    ["timestamp('2026-01-31T10:20:30.5Z') + duration('36h') > timestamp('2026-02-01T00:00:00Z')", true],
    ["timestamp('2026-02-01T10:20:30Z').getFullYear() * 100 + timestamp('2026-02-01T10:20:30Z').getMonth()", 202601n],
    ["timestamp('2026-02-01T23:00:00Z').getHours('+02:00')", 1n],
    [
      "timestamp('2026-02-01T20:30:00Z').getHours('Asia/Kolkata') * 100 + timestamp('2026-07-01T00:00:00Z').getHours('Europe/Berlin')",
      202n,
    ],
    ["string(duration('1h1.5s')) + string(timestamp('2026-02-01T10:20:30.25Z'))", "3601.5s2026-02-01T10:20:30.25Z"],
    ["object.?name.orValue('x') + object.?missing.orValue('y') + optional.of('z').value()", "webyz"],
    ["object.?missing.hasValue() || optional.none().hasValue()", false],
    ["object.?name.optMap(n, n + '!').orValue('')", "web!"],
    ["[?object.?missing, ?object.?name].size() == 1 && {?'a': optional.of(1)}.size() == 1", true],
    ["numbers.sum() == 6 && numbers.max() == 3 && numbers.min() == 1 && !numbers.isSorted() && numbers.indexOf(2) == 2", true],
    ["sets.contains([1, 2], [2]) && sets.equivalent([1, 2, 2], [2, 1]) && !sets.intersects([1], [2])", true],
    ["'a1b22'.find('[0-9]+') + 'a1b22'.findAll('[0-9]+')[1]", "122"],
    [
      "url('https://example.com:8080/a?x=1&x=2').getHostname() + url('https://example.com:8080/').getPort() + url('https://h/a?x=1&x=2').getQuery()['x'][1]",
      "example.com80802",
    ],
    ["isURL('/abs/path') && !isURL('no') && url('https://[::1]:80/').getHost() == '[::1]:80'", true],
    [
      "quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && quantity('50k').add(quantity('20k')) == quantity('70k') && quantity('2').asInteger() == 2",
      true,
    ],
    ["isQuantity('x')", false],
    [
      "ip('192.168.0.1').family() == 4 && ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsCIDR('0.0.0.0/0')",
      true,
    ],
    ["string(cidr('192.168.1.7/24').masked()) + string(ip('2001:DB8::1'))", "192.168.1.0/242001:db8::1"],
    ["!format.dns1123Label().validate('ok-1').hasValue() && format.dns1123Label().validate('No').hasValue()", true],
    ["semver('1.2.3').isLessThan(semver('1.10.0')) && isSemver('v1', true) && !isSemver('v1')", true],
  ])("%s", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it.each<readonly [source: string, message: string]>([
    ["missing > 1", "undeclared reference to 'missing' (in container '')"],
    ["number + 'a'", "found no matching overload for '_+_' applied to '(int, string)'"],
    ["number == 'a'", "found no matching overload for '_==_' applied to '(int, string)'"],
    ["number.foo", "type 'int' does not support field selection"],
    ["text.nothing()", "undeclared reference to 'nothing' (in container '')"],
    ["number.all(x, true)", "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
    ["1 +", "Syntax error: mismatched input '<EOF>' expecting"],
    ["has(number)", "invalid argument to has() macro"],
    ["if > 1", "reserved identifier: if"],
    ["[1].all(x.y, true)", "argument must be a simple name"],
  ])("%s is refused with a mark under the place", (source, message) => {
    const compiled = compile(env, source);
    expect(compiled).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(compiled.ok || compiled.message).toMatch(/^compilation failed: ERROR: <input>:1:\d+: .*\n \| .*\n \| \.*\^$/);
  });

  it("may be told which type it must have", () => {
    expect(compile(env, "number", string)).toEqual({ ok: false, message: "must evaluate to string" });
    expect(compile(env, "object.name", string).ok).toBe(true);
  });
});

describe("an expression that is made to hurt", () => {
  const cost = (source: string, left = perCallLimit) => {
    const compiled = compile(env, source);
    if (!compiled.ok) throw new Error(compiled.message);
    return () => compiled.program.evaluate(new Map([...variables, ["text", "a".repeat(30_000)] as const]), { left });
  };
  const ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";

  it.each([
    ["folds in folds", `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${ten}.all(e, ${ten}.all(f, ${ten}.all(g, true)))))))`],
    ["a text that doubles", `[text].map(t, t + t)${".map(t, t + t)".repeat(20)}`],
    ["lists that multiply", `${ten}.map(a, ${ten}.map(b, ${ten}.map(c, ${ten}.map(d, ${ten}.map(e, ${ten})))))`],
    ["optionals in optionals", `object.?name${".optMap(x, x + text)".repeat(40)}.hasValue()`],
  ])("runs out of its budget: %s", (_what, source) => {
    expect(cost(source)).toThrow(CostExceeded);
  });

  it("takes no time by the power of anything for a regular expression", () => {
    expect(cost("text.matches('(a+)+$')", 1e9)()).toBe(true);
    expect(cost("(text + 'b').matches('^(a|aa)+$')", 1e9)()).toBe(false);
  });

  it.each([
    "(".repeat(5_000),
    `${"!".repeat(5_000)}true`,
    `[${"[".repeat(5_000)}`,
    "a".repeat(2_000_000),
    `${"-".repeat(3_000)}1`,
    "'",
    "`",
    "1e999999",
  ])("is read or refused, whatever it is", (source) => {
    expect(() => compile(env, source)).not.toThrow();
  });
});

it("values go to JSON and back", () => {
  expect(fromCel(toCel(object))).toEqual(object);
  expect(() => fromCel(new Map([[1n, 2n]]))).toThrow(CelFault);
  for (const value of [new Timestamp(0n), new Duration(1n), new OptionalValue(1n)]) expect(() => fromCel(value)).toThrow(CelFault);
  expect(fromCel(new Uint(3n))).toBe(3);
});

describe("expressions that nobody should write", () => {
  const chains: readonly (readonly [string, (count: number) => string])[] = [
    ["&&", (n) => `true${" && true".repeat(n)}`],
    ["+", (n) => `1${" + 1".repeat(n)} > 0`],
    ["fields", (n) => `object${".a".repeat(n)} == 1`],
    ["calls", (n) => `text${".trim()".repeat(n)} == ''`],
    ["conditions", (n) => `${"true ? 1 : ".repeat(n)}1`],
    ["negations", (n) => `${"!-".repeat(n)}true`],
    ["brackets", (n) => `${"[".repeat(n)}${"]".repeat(n)}`],
  ];

  it.each(chains)("of very many %s are refused, and do not break whoever reads them", (_what, make) => {
    for (const count of [20_000, 3_000]) {
      const compiled = compile(env, make(count));
      expect(compiled.ok).toBe(false);
    }
  });

  it.each(chains.slice(0, 4))("of many %s are read, checked, estimated and evaluated as far as the limit allows", (_what, make) => {
    const compiled = compile(env, make(390));
    if (!compiled.ok) throw new Error(compiled.message.slice(0, 200));
    try {
      expect(typeof compiled.program.evaluate(variables, { left: perCallLimit })).toBe("boolean");
    } catch (error) {
      expect(error).toBeInstanceOf(CelFault);
    }
  });
});
