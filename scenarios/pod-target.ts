import { matchesFields, parseFieldSelector } from "../protocol/kinds/field-selector";
import type { Deployment, Pod, ReplicaSet, Service } from "../protocol/kinds/generated";
import { matchesLabelMap, matchesLabelSelector, matchesLabels, parseLabelSelector } from "../protocol/kinds/label-selector";
import { controllerOf, isBeingDeleted, keyOf, type Stored } from "../protocol/kinds/object";
import { isFinished } from "./checks/pods";
import type { JsonSchema } from "./schema";
import { choose, type Mode, modes, wrongWithMode } from "./target";

/** What a storm aims at inside of the cluster: pods, "namespace/name", as Chaos Mesh selects them. */
export interface PodSelector {
  readonly pods?: readonly string[];
  readonly namespace?: string;
  /** As kubectl's -l: "app=web,tier in (front, back)". */
  readonly labels?: string;
  /** As kubectl's --field-selector: "spec.nodeName=node-1,status.phase=Running". */
  readonly fields?: string;
  /** Those behind a Service, "namespace/name". */
  readonly service?: string;
  /** Those of a Deployment, "namespace/name". */
  readonly deployment?: string;
  readonly node?: string;
  readonly mode?: Mode;
  readonly value?: number;
}

const named: JsonSchema = { type: "string", pattern: "^[^/]+/[^/]+$" };
const podKind = { group: "", kind: "Pod" };

export const podSelectorSchema: JsonSchema = {
  type: "object",
  description: 'a selector of pods, such as { service: shop/web } or { namespace: shop, labels: "app=web", mode: all }',
  properties: {
    pods: { type: "array", items: { ...named, description: 'a pod, "namespace/name"' }, minItems: 1, description: "pods by their names" },
    namespace: { type: "string", description: "only pods of this namespace" },
    labels: { type: "string", description: 'only pods with these labels, as kubectl -l: "app=web,tier in (front, back)"' },
    fields: { type: "string", description: 'only pods with these fields, as kubectl --field-selector: "spec.nodeName=node-1"' },
    service: { ...named, description: 'only pods behind a Service, "namespace/name"' },
    deployment: { ...named, description: 'only pods of a Deployment, "namespace/name"' },
    node: { type: "string", description: "only pods on this node" },
    mode: { enum: [...modes], description: "how many of those selected: all where pods are named, otherwise one" },
    value: { type: "number", minimum: 0, description: "the count or the percentage of the mode" },
  },
  minProperties: 1,
  additionalProperties: false,
};

/** The pods that a selector means now, by "namespace/name", sorted. Only pods that are bound to a node, have not finished and are not being deleted. */
export function resolvePods(
  selector: PodSelector,
  objects: ReadonlyMap<string, Stored>,
  draw: (index: number) => number,
): readonly string[] {
  const labels = selector.labels === undefined ? undefined : parseLabelSelector(selector.labels);
  const fields = selector.fields === undefined ? undefined : parseFieldSelector(selector.fields, podKind);
  const matching: string[] = [];
  for (const object of objects.values()) {
    if (object.kind !== "Pod") continue;
    const pod = object as Stored<Pod>;
    const key = keyOf(pod);
    if (!pod.spec?.nodeName || isFinished(pod) || isBeingDeleted(pod)) continue;
    if (selector.pods && !selector.pods.includes(key)) continue;
    if (selector.namespace !== undefined && pod.metadata.namespace !== selector.namespace) continue;
    if (selector.node !== undefined && pod.spec.nodeName !== selector.node) continue;
    if (labels && !(labels.ok && matchesLabels(labels.requirements, pod.metadata.labels))) continue;
    if (fields && !(fields.ok && matchesFields(fields.requirements, podKind, pod))) continue;
    if (selector.service !== undefined && !isBehind(pod, objects.get(`Service ${selector.service}`) as Stored<Service> | undefined))
      continue;
    if (selector.deployment !== undefined && !isOf(pod, selector.deployment, objects)) continue;
    matching.push(key);
  }
  matching.sort();
  return choose(matching, selector, selector.pods !== undefined, draw);
}

/** What is wrong with a selector of pods whatever there is in the cluster, with the field that is at fault. */
export function wrongWithPodSelector(
  selector: PodSelector,
  nodes: readonly string[],
): readonly { readonly field: string; readonly message: string }[] {
  const wrong: { field: string; message: string }[] = [];
  if (selector.labels !== undefined) {
    const read = parseLabelSelector(selector.labels);
    if (!read.ok) wrong.push({ field: "labels", message: `expected a label selector: ${read.message}` });
  }
  if (selector.fields !== undefined) {
    const read = parseFieldSelector(selector.fields, podKind);
    if (!read.ok) wrong.push({ field: "fields", message: `expected a field selector: ${read.message}` });
  }
  if (selector.node !== undefined && !nodes.includes(selector.node))
    wrong.push({ field: "node", message: `there is no node ${selector.node}: expected one of ${nodes.join(", ")}` });
  return [...wrong, ...wrongWithMode(selector)];
}

function isBehind(pod: Stored<Pod>, service: Stored<Service> | undefined): boolean {
  const selector = service?.spec?.selector;
  if (!service || !selector || Object.keys(selector).length === 0) return false;
  return pod.metadata.namespace === service.metadata.namespace && matchesLabelMap(selector, pod.metadata.labels);
}

function isOf(pod: Stored<Pod>, deployment: string, objects: ReadonlyMap<string, Stored>): boolean {
  const owner = controllerOf(pod);
  if (owner?.kind !== "ReplicaSet") return false;
  const replicaSet = objects.get(`ReplicaSet ${pod.metadata.namespace}/${owner.name}`) as Stored<ReplicaSet> | undefined;
  const wanted = objects.get(`Deployment ${deployment}`) as Stored<Deployment> | undefined;
  if (!replicaSet || !wanted || controllerOf(replicaSet)?.uid !== wanted.metadata.uid) return false;
  return matchesLabelSelector(wanted.spec?.selector, pod.metadata.labels);
}
