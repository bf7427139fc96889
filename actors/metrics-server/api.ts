import type { Node, Pod } from "../../protocol/kinds/generated";
import { matchesLabels, parseLabelSelector, type Requirements } from "../../protocol/kinds/label-selector";
import { type ApiObject, keyOf, type Stored, timestamp } from "../../protocol/kinds/object";
import { addQuantity, formatQuantity, parseQuantity, quantityOf } from "../../protocol/kinds/quantity";
import { badRequest, type Failure, failure, isFailure, methodNotAllowed, notFound } from "../../protocol/status";
import type { HttpRequest, HttpResponse } from "../../protocol/web";
import { openApiOf } from "./openapi";
import { type Scrape, type Usage, usageOf } from "./usage";

/** metrics.k8s.io/v1beta1: NodeMetrics and PodMetrics, made when somebody asks. Compared with metrics-server's pkg/api. */

export const group = "metrics.k8s.io";
export const version = "v1beta1";
const apiVersion = `${group}/${version}`;

/** What is known of one node: the last look and the one before. */
export interface Looks {
  readonly last: Scrape;
  readonly before: Scrape | undefined;
}

/** All that an answer is made of. */
export interface Known {
  readonly nodes: readonly Stored<Node>[];
  readonly pods: readonly Stored<Pod>[];
  readonly looks: ReadonlyMap<string, Looks>;
  readonly resolutionMs: number;
  readonly nowMs: number;
}

const resources = [
  { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
  { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
];

/** Answers a request that the API server has passed on: who may was decided there. */
export function answer(known: Known, { method, url, headers }: Pick<HttpRequest, "method" | "url" | "headers">): HttpResponse {
  const { pathname, searchParams } = new URL(url);
  const types = method === "GET" ? openApiOf(pathname) : undefined;
  if (types) return json(200, types);
  const accept = headers.find(([name]) => name === "accept")?.[1] ?? "";
  const made = objectOf(known, method, pathname, searchParams);
  if (isFailure(made)) return json(made.code, made);
  return json(200, /as=Table/.test(accept) && "items" in made ? tableOf(made as unknown as List) : made);
}

function objectOf(known: Known, method: string, path: string, query: URLSearchParams): object | Failure {
  const root = `/apis/${group}/${version}`;
  if (path === root) return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersion, resources };
  if (path === `/apis/${group}`) return groupDocument;
  const read = /^(?:\/namespaces\/([^/]+))?\/(nodes|pods)(?:\/([^/]+))?$/.exec(path.startsWith(root) ? path.slice(root.length) : "");
  const [, namespace = "", resource = "", name = ""] = read ?? [];
  if (!read || (resource === "nodes" && namespace !== "") || (resource === "pods" && name !== "" && namespace === ""))
    return failure("NotFound", "the server could not find the requested resource");
  const isWatch = ["true", "1"].includes(query.get("watch") ?? "");
  if (method !== "GET" || isWatch) return methodNotAllowed({ group, resource }, isWatch ? "watch" : method.toLowerCase());
  const decoded = decodeURIComponent(name);
  if (decoded !== "") return oneOf(known, resource, namespace, decoded);
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  if (!labels.ok) return badRequest(labels.message);
  const fields = fieldTest(query.get("fieldSelector") ?? "");
  if (isFailure(fields)) return fields;
  const items =
    resource === "nodes"
      ? matching(known.nodes, labels.requirements, fields).flatMap((node) => nodeMetrics(known, node) ?? [])
      : matching(known.pods, labels.requirements, fields)
          .filter(({ metadata }) => namespace === "" || metadata.namespace === namespace)
          .flatMap((pod) => podMetrics(known, pod) ?? []);
  return { kind: resource === "nodes" ? "NodeMetricsList" : "PodMetricsList", apiVersion, metadata: {}, items };
}

function oneOf(known: Known, resource: string, namespace: string, name: string): object | Failure {
  if (resource === "nodes") {
    const node = known.nodes.find(({ metadata }) => metadata.name === name);
    return node === undefined ? notFound({ group: "", resource, name }) : (nodeMetrics(known, node) ?? notFound({ group, resource, name }));
  }
  const pod = known.pods.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (pod === undefined) return notFound({ group: "", resource, name });
  return podMetrics(known, pod) ?? notFound({ group, resource, name: `${namespace}/${name}` });
}

type FieldTest = (object: ApiObject) => boolean;

/** What field selectors may name: metadata.name and metadata.namespace. */
function fieldTest(text: string): FieldTest | Failure {
  const tests: FieldTest[] = [];
  for (const part of text.split(",").filter((one) => one !== "")) {
    const read = /^metadata\.(name|namespace)(==|!=|=)(.*)$/.exec(part);
    if (!read) return badRequest(`field label not supported: ${part.split(/!?=/)[0]}`);
    const [, field, operator, wanted] = read;
    tests.push(({ metadata }) => ((metadata[field as "name" | "namespace"] ?? "") === wanted) === (operator !== "!="));
  }
  return (object) => tests.every((test) => test(object));
}

function matching<T>(objects: readonly Stored<T>[], labels: Requirements, fields: FieldTest): readonly Stored<T>[] {
  return objects
    .filter((one) => matchesLabels(labels, one.metadata.labels ?? {}) && fields(one as unknown as ApiObject))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function nodeMetrics({ looks, resolutionMs, nowMs }: Known, { metadata }: Stored<Node>): object | undefined {
  const look = looks.get(metadata.name);
  const usage = look?.last.node && usageOf(look.last.node, look.before?.node, resolutionMs);
  if (!usage) return undefined;
  return { kind: "NodeMetrics", apiVersion, metadata: metadataOf(metadata, nowMs), ...timeOf(usage), usage: amountsOf(usage) };
}

/** Of a pod that runs, once something is known of all its containers. */
function podMetrics({ looks, resolutionMs, nowMs }: Known, { metadata, spec, status }: Stored<Pod>): object | undefined {
  const look = looks.get(spec?.nodeName ?? "");
  const key = `${metadata.namespace}/${metadata.name}`;
  const last = look?.last.pods.get(key);
  if (status?.phase !== "Running" || !last) return undefined;
  const usages = [...last].map(([name, point]) => ({ name, usage: usageOf(point, look?.before?.pods.get(key)?.get(name), resolutionMs) }));
  const earliest = usages.map(({ usage }) => usage).sort((a, b) => (a?.atMs ?? 0) - (b?.atMs ?? 0))[0];
  if (!earliest || usages.some(({ usage }) => usage === undefined)) return undefined;
  const containers = usages.map(({ name, usage }) => ({ name, usage: amountsOf(usage!) }));
  return { kind: "PodMetrics", apiVersion, metadata: metadataOf(metadata, nowMs), ...timeOf(earliest), containers };
}

function metadataOf({ name, namespace, labels }: Stored<Pod>["metadata"], nowMs: number): object {
  const place = namespace === undefined ? {} : { namespace };
  return { name, ...place, creationTimestamp: timestamp(nowMs), ...(labels ? { labels } : {}) };
}

function timeOf({ atMs, windowMs }: Usage): object {
  return { timestamp: timestamp(atMs), window: `${windowMs / 1000}s` };
}

function amountsOf({ cpuNanos, memoryBytes }: Usage): { readonly cpu: string; readonly memory: string } {
  return {
    cpu: formatQuantity({ nanos: BigInt(cpuNanos), format: "DecimalSI" }),
    memory: formatQuantity(quantityOf(memoryBytes, "BinarySI")),
  };
}

interface List {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly window: string;
    readonly usage?: { readonly cpu: string; readonly memory: string };
    readonly containers?: readonly { readonly usage: { readonly cpu: string; readonly memory: string } }[];
  }[];
}

const column = (name: string, format: string, description = "") => ({ name, type: "string", format, description, priority: 0 });

/** As `kubectl get nodes.metrics.k8s.io` shows them. */
function tableOf({ items }: List): object {
  const rows = items.map((item) => {
    const taken = item.usage ? [item.usage] : (item.containers ?? []).map(({ usage }) => usage);
    const cells = [item.metadata.name, totalOf(taken.map(({ cpu }) => cpu)), totalOf(taken.map(({ memory }) => memory)), item.window];
    return { cells, object: item };
  });
  const columns = [column("cpu", "quantity"), column("memory", "quantity"), column("Window", "duration")];
  const columnDefinitions = items.length === 0 ? [] : [column("Name", "name", "Name of the resource"), ...columns];
  return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata: {}, columnDefinitions, rows };
}

function totalOf(amounts: readonly string[]): string {
  return formatQuantity(amounts.map((text) => parseQuantity(text)).reduce(addQuantity));
}

const groupDocument = {
  kind: "APIGroup",
  apiVersion: "v1",
  name: group,
  versions: [{ groupVersion: apiVersion, version }],
  preferredVersion: { groupVersion: apiVersion, version },
};

function json(code: number, value: object): HttpResponse {
  return { kind: "http.response", code, headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(value)) };
}
