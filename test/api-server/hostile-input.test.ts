import fc from "fast-check";
import { parseToken } from "../../actors/api-server/authentication/token";
import { toServerBody } from "../../actors/api-server/gateway/body";
import { fromProtobuf } from "../../actors/api-server/gateway/protobuf";
import { answerForm, bodyType, patchType } from "../../actors/api-server/negotiation";
import { requestInfo } from "../../actors/api-server/request-info";

/** Whatever a client sends is answered: nothing below may throw. */

const piece = fc.constantFrom(
  "/",
  "api",
  "apis",
  "v1",
  "apps",
  "namespaces",
  "watch",
  "pods",
  "%",
  "%2F",
  "%00",
  "?",
  "&",
  "=",
  "#",
  "..",
  "é",
  "",
);

test("any target is a request or a Status", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((parts) => parts.join("")),
      ),
      (target) => {
        const info = requestInfo("GET", target);
        expect("status" in info ? info.code : info.path.length).toBeGreaterThanOrEqual(0);
      },
    ),
    { seed: 1 },
  );
});

test("any Accept and Content-Type is a form or a Status", () => {
  const header = fc
    .array(fc.constantFrom("application/json", "*/*", ";", ",", "q=", "0.5", "as=Table", "g=meta.k8s.io", "v=v1", '"', " "))
    .map((p) => p.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string(), header), (text) => {
      expect(answerForm(text, "list")).toBeDefined();
      expect(bodyType(text)).toBeDefined();
      expect(patchType(text)).toBeDefined();
    }),
    { seed: 2 },
  );
});

test("any token is parsed or refused", () => {
  const part = fc.oneof(
    fc.json().map((j) => Buffer.from(j).toString("base64url")),
    fc.constant(Buffer.from('{"alg":"RS256"}').toString("base64url")),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(part, part, part).map((p) => p.join(".")),
      ),
      (token) => {
        expect(parseToken(token)).toBeDefined();
      },
    ),
    { seed: 3 },
  );
});

test("any body in YAML or protobuf is converted or refused", () => {
  const magic = Buffer.from("k8s\0");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, marked) => {
      expect(fromProtobuf(marked ? Buffer.concat([magic, bytes]) : bytes)).toBeDefined();
      expect(toServerBody("application/yaml", bytes)).toBeDefined();
    }),
    { seed: 4, numRuns: 300 },
  );
});

test("YAML whose aliases multiply without end is refused", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [name, before] of [..."bcdefghi"].map((c, i) => [c, "abcdefgh"[i]] as const))
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(",")}]`);
  expect(toServerBody("application/yaml", Buffer.from(bomb.join("\n")))).toMatchObject({ code: 400 });
});

test("YAML of 250 levels is read, and deeper YAML refused before its reader runs out of stack", () => {
  const deep: readonly ((levels: number) => string)[] = [
    (levels) => `${"{a: ".repeat(levels)}1${"}".repeat(levels)}`,
    (levels) => `${"- ".repeat(levels)}1`,
    (levels) => `${Array.from({ length: levels }, (_, n) => `${" ".repeat(n)}a:`).join("\n")} 1`,
  ];
  const codes = (levels: number) =>
    deep.map((text) => {
      const read = toServerBody("application/yaml", Buffer.from(text(levels)));
      return "code" in read ? `${read.code} ${read.message}` : "read";
    });
  const refused = expect.stringMatching(/^400 .*exceeded max depth: expected at most 250 levels/);
  expect(codes(250)).toEqual(["read", "read", "read"]);
  expect(codes(251)).toEqual([refused, refused, refused]);
  // A library that calls itself so often takes the whole process with it.
  expect(toServerBody("application/apply-patch+yaml", Buffer.from("{a: ".repeat(60_000)))).toMatchObject({
    code: 400,
    message: expect.stringContaining("max depth"),
  });
});

test("YAML that would take long to parse is refused, the same in JSON is not", () => {
  const long = { kind: "ConfigMap", data: { a: "x".repeat(300 * 1024) } };
  const type = "application/apply-patch+yaml";
  expect(toServerBody(type, Buffer.from(`kind: ConfigMap\ndata: {a: ${long.data.a}}\n`))).toMatchObject({
    code: 413,
    message: expect.stringContaining("JSON"),
  });
  expect(toServerBody(type, Buffer.from(JSON.stringify(long)))).toMatchObject({ contentType: type });
});
