import { decodeObject } from "../../../actors/api-server/objects/decode";
import { duplicateFields, fieldFindings } from "../../../actors/api-server/objects/duplicate-fields";
import { syntaxErrorOf } from "../../../actors/api-server/objects/json-syntax";
import { kindOf } from "../../../protocol/kinds/registry";
import { deepFreeze } from "./freeze";

const deployment = kindOf("apps/v1", "Deployment")!;
const pod = kindOf("v1", "Pod")!;

const containers = (container: object) => ({ spec: { containers: [{ name: "a", ...container }] } });

function message(kind: typeof pod, json: unknown): string {
  const decoded = decodeObject(kind, deepFreeze(json), "Strict");
  return decoded.ok ? "no failure" : decoded.failure.message;
}

describe("decoding a request's object", () => {
  test("an unknown field fails a strict request, warns with Warn, and is dropped in silence with Ignore (API reference: fieldValidation)", () => {
    const json = deepFreeze({ spec: { replicsa: 3, template: { spec: { containers: [{ name: "a", imagee: "x" }] } } } });
    const strict = decodeObject(deployment, json, "Strict");
    expect(strict).toMatchObject({
      ok: false,
      failure: {
        code: 400,
        reason: "BadRequest",
        message:
          'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicsa", unknown field "spec.template.spec.containers[0].imagee"',
      },
    });
    const text = '{"spec":{"replicsa":3,"paused":true,"paused":false,"template":{"spec":{"containers":[{"name":"a","imagee":"x"}]}}}}';
    const warn = decodeObject(deployment, json, "Warn", (unknown) => fieldFindings(text, unknown));
    expect(warn).toMatchObject({
      ok: true,
      warnings: [
        'unknown field "spec.replicsa"',
        'duplicate field "spec.paused"',
        'unknown field "spec.template.spec.containers[0].imagee"',
      ],
    });
    expect(decodeObject(deployment, json, "Ignore")).toEqual({
      ok: true,
      object: { spec: { template: { spec: { containers: [{ name: "a" }] } } } },
      warnings: [],
    });
  });

  test("lists and maps that are empty go where Kubernetes' types say omitempty; objects, and what is required, stay (tags of its type declarations)", () => {
    const spec = {
      nodeSelector: {},
      tolerations: [],
      securityContext: { supplementalGroups: [] },
      volumes: [
        { name: "v", emptyDir: {} },
        { name: "p", projected: { sources: [] } },
      ],
      containers: [{ name: "a", args: [], resources: { limits: {} }, env: [{ name: "E", value: "" }] }],
    };
    const decoded = (kind: typeof pod, json: object) => {
      const result = decodeObject(kind, deepFreeze(json), "Strict");
      if (!result.ok) throw new Error(result.failure.message);
      return result.object;
    };
    expect(decoded(pod, { metadata: { labels: {}, finalizers: [], annotations: { a: "" } }, spec })).toEqual({
      metadata: { annotations: { a: "" } },
      spec: {
        securityContext: {},
        volumes: spec.volumes,
        containers: [{ name: "a", resources: {}, env: [{ name: "E", value: "" }] }],
      },
    });
    const policy = { spec: { podSelector: {}, ingress: [{}], egress: [] } };
    expect(decoded(kindOf("networking.k8s.io/v1", "NetworkPolicy")!, policy)).toEqual({ spec: { podSelector: {}, ingress: [{}] } });
    expect(decoded(kindOf("rbac.authorization.k8s.io/v1", "Role")!, { rules: [] })).toEqual({ rules: [] });
    expect(decoded(kindOf("v1", "ConfigMap")!, { data: {}, binaryData: {} })).toEqual({});
    expect(decoded(kindOf("policy/v1", "PodDisruptionBudget")!, { spec: { selector: { matchLabels: {} } } })).toEqual({
      spec: { selector: {} },
    });
  });

  test.each([
    [{ spec: { replicas: "3" } }, "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { replicas: 1.5 } }, "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"],
    [{ spec: { paused: 1 } }, "cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool"],
    [{ spec: [] }, "cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec"],
    [{ metadata: { labels: { a: 1 } } }, "cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"],
    [
      { spec: { template: { spec: { containers: {} } } } },
      "cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    ],
    ["text", "cannot unmarshal string into Go value of type v1.Deployment"],
  ])("a value of the wrong type is a bad request: %j", (json, problem) => {
    expect(message(deployment, json)).toBe(`Deployment in version "v1" cannot be handled as a Deployment: json: ${problem}`);
  });

  test("quantities, times and bytes must parse", () => {
    expect(message(pod, containers({ resources: { limits: { cpu: "1x" } } }))).toContain("unable to parse quantity's suffix");
    expect(message(pod, { metadata: { creationTimestamp: "yesterday" } })).toContain("parsing time");
    expect(message(kindOf("v1", "Secret")!, { data: { a: "!!!!" } })).toContain("illegal base64 data at input byte 0");
  });

  test("quantities come out in canonical form, resources no finer than a thousandth", () => {
    const json = containers({ resources: { limits: { cpu: 0.5, memory: "1024Mi" }, requests: { cpu: "100u" } } });
    const decoded = decodeObject(pod, deepFreeze(json), "Strict");
    expect(decoded).toMatchObject({
      object: { spec: { containers: [{ resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "1m" } } }] } },
    });
  });

  test("nulls are as good as absent", () => {
    const decoded = decodeObject(
      deployment,
      deepFreeze({ metadata: { creationTimestamp: null, labels: null }, spec: { replicas: null } }),
      "Strict",
    );
    expect(decoded).toMatchObject({ ok: true, object: { metadata: {}, spec: {} } });
  });

  test("an object that needs no change is returned as it is", () => {
    const json = deepFreeze({
      apiVersion: "v1",
      kind: "Pod",
      ...containers({ resources: { limits: { cpu: "500m" } }, ports: [{ containerPort: 80 }] }),
    });
    const decoded = decodeObject(pod, json, "Strict");
    expect(decoded.ok && decoded.object).toBe(json);
  });

  test("free-form fields keep their nulls and whatever else is in them", () => {
    const data = { a: null, b: [1, null] };
    const decoded = decodeObject(kindOf("apps/v1", "ControllerRevision")!, deepFreeze({ data, revision: 1 }), "Strict");
    expect(decoded).toMatchObject({ ok: true, object: { data } });
  });
});

describe("duplicate fields", () => {
  test.each([
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ["a"]],
    ['{"spec":{"c":[{"name":"x"},{"name":"y","n\\u0061me":"z"}]}}', ["spec.c[1].name"]],
    ['{"a":"},{\\"a\\"","b":{"a":[1,[2,{}]]},"c":[],"a":null}', ["a"]],
    ['{"a":{"b":1},"c":{"b":1}}', []],
    ['[{"x":1},{"x":1,"x":1}]', ["[1].x"]],
  ])("%s", (json, paths) => {
    expect(duplicateFields(json)).toEqual(paths.map((path) => `duplicate field "${path}"`));
  });
});

describe("what is no JSON (encoding/json)", () => {
  test.each([
    ["", "unexpected end of JSON input"],
    ['{"a":[1,2', "unexpected end of JSON input"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["{a}", "invalid character 'a' looking for beginning of object key string"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["[1 2]", "invalid character '2' after array element"],
    ['{"a":{}}}', "invalid character '}' after top-level value"],
    ["nul1", "invalid character '1' in literal null (expecting 'l')"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["01", "invalid character '1' after top-level value"],
    ["1.e", "invalid character 'e' after decimal point in numeric literal"],
    ["1e+", "unexpected end of JSON input"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u12G4"', "invalid character 'G' in \\u hexadecimal character escape"],
    ['"a\n"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ["é", "invalid character 'Ã' looking for beginning of value"],
  ])("%j: %s", (text, words) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(syntaxErrorOf(text)).toBe(words);
  });
});

test.each([
  [{ replicas: "many" }, "unrecognized type: int32"],
  [{ replicas: 1.5 }, "cannot convert float64 to int32"],
  [{ template: 1 }, "cannot restore struct from: int64"],
  [{ template: { metadata: { labels: { a: 1 } } } }, "cannot convert int64 to string"],
  [{ template: { metadata: { labels: [] } } }, "cannot restore map from slice"],
  [{ template: { spec: { containers: true } } }, "cannot restore slice from bool"],
])("the converter of strategic merge patches has words of its own: %j", (spec, words) => {
  expect(decodeObject(deployment, { spec }, "Ignore")).toMatchObject({ ok: false, converting: words });
});
