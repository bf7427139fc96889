import type { Container, ContainerStatus, Node, Pod, ResourceRequirements } from "../../protocol/kinds/generated";
import { compareQuantity, parseQuantity, quantityValue } from "../../protocol/kinds/quantity";
import { heldBesides, podRequests, resourceAmounts } from "../scheduler/resource-amounts";
import type { ContainerWorker, PodWorker } from "./pod-worker";

/** What a resize comes to: pure decisions. Source: "Resize CPU and Memory Resources assigned to Containers", KEP-1287. */

const resizable = ["cpu", "memory"] as const;
type Resource = (typeof resizable)[number];
type List = Readonly<Record<string, string | number>> | undefined;

const same = (a: string | number | undefined, b: string | number | undefined) =>
  a === b || (a !== undefined && b !== undefined && compareQuantity(parseQuantity(a), parseQuantity(b)) === 0);

/** The resources of which the two have different amounts. */
export function differing(a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): readonly Resource[] {
  if (a === b) return [];
  return resizable.filter((name) => !same(a?.requests?.[name], b?.requests?.[name]) || !same(a?.limits?.[name], b?.limits?.[name]));
}

/** Main containers and sidecars; what runs once is never resized. */
export const isResizable = ({ kind }: Pick<ContainerWorker, "kind">) => kind === "main" || kind === "sidecar";

/** Whether the pod asks for other amounts than its node has set aside for it. */
export function wantsResize({ containers }: Readonly<PodWorker>): boolean {
  for (const container of containers.values())
    if (isResizable(container) && differing(container.spec.resources, container.allocated).length > 0) return true;
  return false;
}

/** The pod as its node counts it: with what was set aside, whatever it asks for now. */
export function allocatedPod(worker: Readonly<PodWorker>): Pod {
  const { pod, containers } = worker;
  if (!wantsResize(worker)) return heldBesides(pod).length === 0 ? pod : { ...pod, status: {} };
  const counted = (list: readonly Container[] | undefined) =>
    list?.map((container) => ({ ...container, resources: containers.get(container.name)?.allocated ?? container.resources }));
  const inits = counted(pod.spec?.initContainers);
  return {
    ...pod,
    status: {},
    spec: { ...pod.spec, containers: counted(pod.spec?.containers) ?? [], ...(inits ? { initContainers: inits } : {}) },
  };
}

export type Verdict =
  | { readonly type: "fits" }
  | { readonly type: "pending"; readonly reason: "Deferred" | "Infeasible"; readonly message: string };

/** Whether the node gives a pod what it asks for, beside the others: what is more than the whole node never, what is more than the rest of it not now. */
export function judgeResize(pod: Pod, node: Node, others: readonly Pod[]): Verdict {
  const capacity = resourceAmounts(node.status?.allocatable);
  const wanted = podRequests({ ...pod, status: {} });
  let [milliCpu, memory] = [0, 0];
  for (const other of others) {
    const taken = podRequests(other);
    milliCpu += taken.milliCpu;
    memory += taken.memory;
  }
  const amounts = [
    { name: "cpu", requested: wanted.milliCpu, used: milliCpu, capacity: capacity.milliCpu },
    { name: "memory", requested: wanted.memory, used: memory, capacity: capacity.memory },
  ];
  const tooMuch = amounts.find((one) => one.requested > one.capacity);
  if (tooMuch)
    return {
      type: "pending",
      reason: "Infeasible",
      message: `Node didn't have enough capacity: ${tooMuch.name}, requested: ${tooMuch.requested}, capacity: ${tooMuch.capacity}`,
    };
  const lacking = amounts.find((one) => one.requested > one.capacity - one.used);
  if (!lacking) return { type: "fits" };
  const { name, requested, used } = lacking;
  return {
    type: "pending",
    reason: "Deferred",
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${lacking.capacity}`,
  };
}

/** Whether an instance has to be replaced to get what was set aside for it: its resizePolicy says so for something of which it gets another amount. */
export function needsRestart({ spec, allocated, actual }: Readonly<ContainerWorker>): boolean {
  const changed: readonly string[] = differing(allocated, actual);
  return (
    spec.resizePolicy?.some(({ resourceName, restartPolicy }) => restartPolicy === "RestartContainer" && changed.includes(resourceName)) ??
    false
  );
}

export function memoryLimitOf(resources: ResourceRequirements | undefined): number {
  return resources?.limits?.memory === undefined ? 0 : quantityValue(resources.limits.memory);
}

/** What the status says of a container's resources: what it has, and what the node has set aside for it. */
export function resourceStatus({ kind, state, allocated, actual }: Readonly<ContainerWorker>): Partial<ContainerStatus> {
  if (kind === "ephemeral") return {};
  const given = state.is === "running" ? (actual ?? allocated) : undefined;
  const set: List = allocated?.requests;
  const { claims, ...has } = given ?? {};
  return {
    ...(set && Object.keys(set).length > 0 ? { allocatedResources: set } : {}),
    ...(state.is === "running" ? { resources: has } : {}),
  };
}

/** What an earlier kubelet of this node had set aside and given, as it told the API: a resize that was under way goes on. */
export function recallResources(container: ContainerWorker, status: ContainerStatus): void {
  if (!isResizable(container) || status.allocatedResources === undefined) return;
  const given: ResourceRequirements = { requests: status.resources?.requests, limits: status.resources?.limits };
  const isRunning = container.state.is === "running";
  if (isRunning) container.actual = given;
  const { requests } = container.spec.resources ?? {};
  const asked = resizable.every((name) => same(requests?.[name], status.allocatedResources?.[name]));
  if (!asked) container.allocated = { ...given, requests: status.allocatedResources };
}
