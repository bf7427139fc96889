import { Root } from "protobufjs";
import reflection from "../../../actors/api-server/gateway/kubernetes.protobuf.json";
import { fromProtobuf } from "../../../actors/api-server/gateway/protobuf";

const root = Root.fromJSON(reflection);

/** A body as client-go writes it: the magic, and a runtime.Unknown around the message. */
function body(apiVersion: string, kind: string, message: string, value: object): Uint8Array {
  const type = root.lookupType(`k8s.io.${message}`);
  const raw = type.encode(type.fromObject(value)).finish();
  const unknown = root.lookupType("k8s.io.apimachinery.pkg.runtime.Unknown");
  const wrapped = unknown
    .encode(unknown.fromObject({ typeMeta: { apiVersion, kind }, raw, contentEncoding: "", contentType: "" }))
    .finish();
  return Buffer.concat([Buffer.from("k8s\0"), wrapped]);
}

// Source: Kubernetes API concepts, "Alternate representations of resources"; what client-go 1.32 sends for `kubectl create deployment`.
test("a Deployment becomes the JSON that the same client would have sent: what is empty is left out, what is zero on purpose stays", () => {
  const deployment = {
    metadata: {
      ...{ name: "web", generateName: "", namespace: "shop", selfLink: "", uid: "", resourceVersion: "", generation: 0 },
      ...{ creationTimestamp: {}, labels: { app: "web", empty: "" } },
    },
    spec: {
      ...{ replicas: 0, minReadySeconds: 0, paused: false, selector: { matchLabels: { app: "web" } } },
      strategy: {
        type: "",
        rollingUpdate: { maxSurge: { type: 1, intVal: 0, strVal: "25%" }, maxUnavailable: { type: 0, intVal: 1, strVal: "" } },
      },
      template: {
        metadata: { name: "", creationTimestamp: {} },
        spec: {
          ...{ restartPolicy: "", hostNetwork: false, automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, nodeName: "" },
          containers: [
            {
              ...{ name: "web", image: "nginx", stdin: false, imagePullPolicy: "" },
              ports: [{ name: "", hostPort: 0, containerPort: 80, protocol: "TCP", hostIP: "" }],
              resources: { requests: { cpu: { string: "100m" } } },
              livenessProbe: {
                handler: { httpGet: { path: "/", port: { type: 1, intVal: 0, strVal: "http" } } },
                timeoutSeconds: 0,
                periodSeconds: 5,
              },
              env: [{ name: "A", value: "", valueFrom: { configMapKeyRef: { localObjectReference: { name: "c" }, key: "k" } } }],
            },
          ],
          volumes: [{ name: "v", volumeSource: { secret: { secretName: "s" } } }],
        },
      },
    },
    status: { observedGeneration: 0 },
  };
  expect(fromProtobuf(body("apps/v1", "Deployment", "api.apps.v1.Deployment", deployment))).toEqual({
    ...{ kind: "Deployment", apiVersion: "apps/v1" },
    metadata: { name: "web", namespace: "shop", labels: { app: "web", empty: "" } },
    spec: {
      ...{ replicas: 0, selector: { matchLabels: { app: "web" } } },
      strategy: { rollingUpdate: { maxSurge: "25%", maxUnavailable: 1 } },
      template: {
        metadata: {},
        spec: {
          ...{ automountServiceAccountToken: false, terminationGracePeriodSeconds: 0 },
          containers: [
            {
              ...{ name: "web", image: "nginx" },
              ports: [{ containerPort: 80, protocol: "TCP" }],
              resources: { requests: { cpu: "100m" } },
              livenessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
              env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "k" } } }],
            },
          ],
          volumes: [{ name: "v", secret: { secretName: "s" } }],
        },
      },
    },
    status: {},
  });
});

test("times, bytes and embedded JSON are written as JSON writes them", () => {
  const lease = {
    metadata: {
      name: "l",
      managedFields: [
        { manager: "m", operation: "Update", time: { seconds: 1_700_000_000, nanos: 0 }, fieldsV1: { Raw: Buffer.from('{"f:spec":{}}') } },
      ],
    },
    spec: { holderIdentity: "", leaseDurationSeconds: 15, renewTime: { seconds: 1_700_000_000, nanos: 123_456_000 } },
  };
  expect(fromProtobuf(body("coordination.k8s.io/v1", "Lease", "api.coordination.v1.Lease", lease))).toMatchObject({
    metadata: { managedFields: [{ time: "2023-11-14T22:13:20Z", fieldsV1: { "f:spec": {} } }] },
    spec: { holderIdentity: "", leaseDurationSeconds: 15, renewTime: "2023-11-14T22:13:20.123456Z" },
  });
  expect(fromProtobuf(body("v1", "Secret", "api.core.v1.Secret", { data: { a: Buffer.from("x") }, type: "Opaque" }))).toMatchObject({
    data: { a: "eA==" },
  });
  const revision = { revision: 3, data: { raw: Buffer.from('{"spec":{"a":1}}') } };
  expect(fromProtobuf(body("apps/v1", "ControllerRevision", "api.apps.v1.ControllerRevision", revision))).toMatchObject({
    revision: 3,
    data: { spec: { a: 1 } },
  });
});

test("lists that have a type of their own are lists", () => {
  const review = {
    spec: { user: "jane", extra: { scopes: { items: ["a", "b"] } }, resourceAttributes: { verb: "get", resource: "pods", namespace: "" } },
  };
  expect(
    fromProtobuf(body("authorization.k8s.io/v1", "SubjectAccessReview", "api.authorization.v1.SubjectAccessReview", review)),
  ).toMatchObject({
    spec: { user: "jane", extra: { scopes: ["a", "b"] }, resourceAttributes: { verb: "get", resource: "pods" } },
  });
});

test("options of a deletion are known under any group version, and a grace of 0 seconds is one", () => {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: "u" }, propagationPolicy: "Foreground" };
  expect(fromProtobuf(body("apps/v1", "DeleteOptions", "apimachinery.pkg.apis.meta.v1.DeleteOptions", options))).toEqual({
    ...{ kind: "DeleteOptions", apiVersion: "apps/v1" },
    ...options,
  });
});

test("a schema in a CustomResourceDefinition may be one schema, many, a truth value or a list of names", () => {
  const schema = {
    type: "object",
    properties: { list: { type: "array", items: { schema: { type: "string" } } }, any: { additionalProperties: { allows: true } } },
    additionalProperties: { allows: false, schema: { type: "integer" } },
    default: { raw: Buffer.from('{"a":[1]}') },
  };
  const crd = {
    metadata: { name: "c" },
    spec: { group: "g", versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }] },
  };
  const message = "apiextensions_apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";
  expect(fromProtobuf(body("apiextensions.k8s.io/v1", "CustomResourceDefinition", message, crd))).toMatchObject({
    spec: {
      versions: [
        {
          schema: {
            openAPIV3Schema: {
              properties: { list: { items: { type: "string" } }, any: { additionalProperties: true } },
              ...{ additionalProperties: { type: "integer" }, default: { a: [1] } },
            },
          },
        },
      ],
    },
  });
});

test("what is no object in protobuf is refused in words", () => {
  expect(fromProtobuf(Buffer.from("{}"))).toContain("does not begin");
  expect(fromProtobuf(Buffer.from("k8s\0\x0a\xff"))).toEqual(expect.any(String));
  expect(fromProtobuf(body("example.org/v1", "Widget", "api.core.v1.Pod", {}))).toContain('no kind "Widget"');
  const pod = body("v1", "Pod", "api.core.v1.Pod", { metadata: { name: "a-name-that-is-long-enough" } });
  expect(fromProtobuf(pod.subarray(0, pod.length - 9))).toEqual(expect.any(String));
});
