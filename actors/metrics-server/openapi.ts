/** The types of metrics.k8s.io as its server describes them, for `kubectl explain` and clients that check what they send. Compared with metrics-server's generated OpenAPI. */

type Plain = Readonly<Record<string, unknown>>;

const group = "metrics.k8s.io";
const version = "v1beta1";
const types = "io.k8s.metrics.pkg.apis.metrics.v1beta1";
const machinery = "io.k8s.apimachinery.pkg";
const root = `/apis/${group}/${version}`;
const document = `apis/${group}/${version}`;

/** Answers /openapi/v2, /openapi/v3 and /openapi/v3/apis/metrics.k8s.io/v1beta1; undefined for any other path. */
export function openApiOf(path: string): Plain | undefined {
  if (path === "/openapi/v3") return { paths: { [document]: { serverRelativeURL: `/openapi/v3/${document}?hash=${hash}` } } };
  if (path === `/openapi/v3/${document}`)
    return {
      openapi: "3.0.0",
      info,
      paths: pathsIn(answer3),
      components: { schemas: schemasIn("#/components/schemas/", (ref) => ({ allOf: [ref] })) },
    };
  if (path === "/openapi/v2")
    return { swagger: "2.0", info, paths: pathsIn(answer2), definitions: schemasIn("#/definitions/", (ref) => ref) };
  return undefined;
}

const info = { title: "Kubernetes metrics-server", version: "v0.8.0" };
/** Changes when the types do. */
const hash = "6D65747269637331";

const answer2 = (name: string): Plain => ({
  200: { description: "OK", schema: { $ref: `#/definitions/${types}.${name}` } },
});
const answer3 = (name: string): Plain => ({
  200: { description: "OK", content: { "application/json": { schema: { $ref: `#/components/schemas/${types}.${name}` } } } },
});

function pathsIn(answer: (name: string) => Plain): Plain {
  const read = (kind: string, action: string, name: string): Plain => ({
    get: {
      ...{ operationId: `${action}${kind}`, tags: ["metrics_v1beta1"], responses: answer(name) },
      ...{ "x-kubernetes-action": action, "x-kubernetes-group-version-kind": { group, version, kind } },
    },
  });
  return {
    [`${root}/nodes`]: read("NodeMetrics", "list", "NodeMetricsList"),
    [`${root}/nodes/{name}`]: read("NodeMetrics", "get", "NodeMetrics"),
    [`${root}/pods`]: read("PodMetrics", "list", "PodMetricsList"),
    [`${root}/namespaces/{namespace}/pods`]: read("PodMetrics", "list", "PodMetricsList"),
    [`${root}/namespaces/{namespace}/pods/{name}`]: read("PodMetrics", "get", "PodMetrics"),
  };
}

function schemasIn(prefix: string, beside: (reference: Plain) => Plain): Plain {
  const to = (name: string) => beside({ $ref: `${prefix}${name}` });
  const described = (schema: Plain, description: string): Plain => ({ ...schema, description });
  const usage = { type: "object", additionalProperties: to(`${machinery}.api.resource.Quantity`) };
  const when = {
    timestamp: described(to(`${machinery}.apis.meta.v1.Time`), "The end of the interval that the metrics were gathered in."),
    window: described(to(`${machinery}.apis.meta.v1.Duration`), "The length of the interval that the metrics were gathered in."),
  };
  const head = { apiVersion: { type: "string" }, kind: { type: "string" } };
  const named = (kind: string): Plain => ({ "x-kubernetes-group-version-kind": [{ group, version, kind }] });
  const metadata = to(`${machinery}.apis.meta.v1.ObjectMeta`);
  const list = (of: string): Plain => ({
    ...{ description: `${of}List is a list of ${of}.`, type: "object", required: ["items"] },
    properties: {
      ...head,
      items: { type: "array", items: to(`${types}.${of}`), description: `All the ${of} that were asked for.` },
      metadata: to(`${machinery}.apis.meta.v1.ListMeta`),
    },
    ...named(`${of}List`),
  });
  return {
    [`${types}.ContainerMetrics`]: {
      ...{ description: "ContainerMetrics says what a container takes.", type: "object", required: ["name", "usage"] },
      properties: {
        name: { type: "string", description: "The name of the container in its pod." },
        usage: described(usage, "What it takes of each resource: cpu and memory."),
      },
    },
    [`${types}.NodeMetrics`]: {
      ...{ description: "NodeMetrics says what a node takes.", type: "object", required: ["timestamp", "window", "usage"] },
      properties: { ...head, metadata, ...when, usage: described(usage, "What it takes of each resource: cpu and memory.") },
      ...named("NodeMetrics"),
    },
    [`${types}.PodMetrics`]: {
      ...{ description: "PodMetrics says what a pod takes.", type: "object", required: ["timestamp", "window", "containers"] },
      properties: {
        ...{ ...head, metadata, ...when },
        containers: { type: "array", items: to(`${types}.ContainerMetrics`), description: "What each of its containers takes." },
      },
      ...named("PodMetrics"),
    },
    [`${types}.NodeMetricsList`]: list("NodeMetrics"),
    [`${types}.PodMetricsList`]: list("PodMetrics"),
    [`${machinery}.api.resource.Quantity`]: { type: "string", description: "A number with a unit, as 100m or 64Mi." },
    [`${machinery}.apis.meta.v1.Time`]: { type: "string", format: "date-time" },
    [`${machinery}.apis.meta.v1.Duration`]: { type: "string", description: "A span of time, as 15s." },
    [`${machinery}.apis.meta.v1.ListMeta`]: {
      ...{ description: "What lists have beside their items.", type: "object" },
      properties: { continue: { type: "string" }, resourceVersion: { type: "string" } },
    },
    [`${machinery}.apis.meta.v1.ObjectMeta`]: {
      ...{ description: "What is told of the object that was measured.", type: "object" },
      properties: {
        ...{ name: { type: "string" }, namespace: { type: "string" } },
        creationTimestamp: to(`${machinery}.apis.meta.v1.Time`),
        labels: { type: "object", additionalProperties: { type: "string" } },
      },
    },
  };
}
