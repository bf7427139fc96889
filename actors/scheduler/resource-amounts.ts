import type { Container, Pod } from "../../protocol/kinds/generated";
import { quantityMilliValue, quantityValue } from "../../protocol/kinds/quantity";

/** Amounts of resources as numbers: CPU in thousandths, memory and ephemeral storage in bytes, extended resources in units. */
export interface ResourceAmounts {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  /** "nvidia.com/gpu", "hugepages-2Mi", … */
  readonly extended: ReadonlyMap<string, number>;
}

type ResourceList = Readonly<Record<string, string | number>> | undefined;

const noExtended: ReadonlyMap<string, number> = new Map();
export const nothing: ResourceAmounts = { milliCpu: 0, memory: 0, ephemeralStorage: 0, extended: noExtended };

/** Reads a ResourceList; "pods" is not an amount that containers ask for and is left out. */
export function resourceAmounts(list: ResourceList): ResourceAmounts {
  if (list === undefined) return nothing;
  let { milliCpu, memory, ephemeralStorage } = nothing;
  let extended = noExtended as Map<string, number>;
  for (const [name, amount] of Object.entries(list)) {
    if (name === "cpu") milliCpu = quantityMilliValue(amount);
    else if (name === "memory") memory = quantityValue(amount);
    else if (name === "ephemeral-storage") ephemeralStorage = quantityValue(amount);
    else if (name !== "pods") extended = new Map(extended).set(name, quantityValue(amount));
  }
  return { milliCpu, memory, ephemeralStorage, extended };
}

export function addAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combine(a, b, (x, y) => x + y);
}

export function subtractAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combine(a, b, (x, y) => x - y);
}

function largerAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combine(a, b, Math.max);
}

function combine(a: ResourceAmounts, b: ResourceAmounts, how: (x: number, y: number) => number): ResourceAmounts {
  let extended = a.extended;
  if (b.extended.size > 0) {
    const both = new Map(a.extended);
    for (const [name, amount] of b.extended) both.set(name, how(both.get(name) ?? 0, amount));
    extended = both;
  }
  return {
    milliCpu: how(a.milliCpu, b.milliCpu),
    memory: how(a.memory, b.memory),
    ephemeralStorage: how(a.ephemeralStorage, b.ephemeralStorage),
    extended,
  };
}

/** Whether a pod takes nothing at all of what nodes count. */
export function isNothing(amounts: ResourceAmounts): boolean {
  return amounts.milliCpu === 0 && amounts.memory === 0 && amounts.ephemeralStorage === 0 && amounts.extended.size === 0;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/**
 * What a pod asks of a node: its containers and sidecars together, or more where an init container needs it (beside the sidecars started
 * before it); a limit stands in for a request that is not given; what is being resized counts for the most that it may take; amounts for the pod as a whole take the place of the sum; its overhead comes on top. Source: "Resource Management for Pods and Containers".
 */
export function podRequests(pod: Pod): ResourceAmounts {
  const sum = overContainers(pod, (container) => {
    const { resources } = container;
    const asked = resourceAmounts(resources && { ...resources.limits, ...resources.requests });
    const held = heldAmounts(pod, container);
    return held === undefined
      ? asked
      : isResizeInfeasible(pod)
        ? { ...asked, milliCpu: held.milliCpu, memory: held.memory }
        : largerAmounts(asked, held);
  });
  const whole = pod.spec?.resources?.requests;
  const total = whole === undefined ? sum : overridden(sum, whole);
  return pod.spec?.overhead === undefined ? total : addAmounts(total, resourceAmounts(pod.spec.overhead));
}

/** The same of what a pod may take at most; its overhead counts where there is a limit at all. */
export function podLimits(pod: Pod): ResourceAmounts {
  const sum = overContainers(pod, ({ resources }) => resourceAmounts(resources?.limits));
  const whole = pod.spec?.resources?.limits;
  const total = whole === undefined ? sum : overridden(sum, whole);
  const overhead = resourceAmounts(pod.spec?.overhead);
  const beside = (limit: number, more: number) => (limit === 0 ? 0 : limit + more);
  return {
    ...total,
    milliCpu: beside(total.milliCpu, overhead.milliCpu),
    memory: beside(total.memory, overhead.memory),
    ephemeralStorage: beside(total.ephemeralStorage, overhead.ephemeralStorage),
  };
}

type Lists = readonly Readonly<Record<string, string | number>>[];

/** What the node sets aside for a container, and what it really has, where that is not what is asked for: it is being resized. */
function heldLists({ status }: Pod, { name, resources }: Container): Lists {
  const told =
    status?.containerStatuses?.find((one) => one.name === name) ?? status?.initContainerStatuses?.find((one) => one.name === name);
  const asked = resources?.requests;
  return [told?.allocatedResources, told?.resources?.requests].filter(
    (list) => list !== undefined && (list.cpu !== asked?.cpu || list.memory !== asked?.memory),
  ) as Lists;
}

/** All that a pod's node holds otherwise than the pod asks for it now; empty for pods that are not being resized. */
export function heldBesides(pod: Pod): readonly Lists[] {
  if (pod.status?.containerStatuses === undefined) return [];
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter(isSidecar)]
    .map((container) => heldLists(pod, container))
    .filter((lists) => lists.length > 0);
}

/** Until the kubelet has followed, a container that is to shrink takes what it had, and one that is to grow may be given it any moment. */
function heldAmounts(pod: Pod, container: Container): ResourceAmounts | undefined {
  const lists = heldLists(pod, container);
  if (lists.length === 0) return undefined;
  const { milliCpu, memory } = lists.map(resourceAmounts).reduce(largerAmounts);
  return { ...nothing, milliCpu, memory };
}

/** The node will never be large enough for what is asked: it keeps what it has. */
function isResizeInfeasible({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status: is, reason }) => type === "PodResizePending" && is === "True" && reason === "Infeasible") ??
    false
  );
}

function overridden(sum: ResourceAmounts, whole: Readonly<Record<string, string | number>>): ResourceAmounts {
  const given = resourceAmounts(whole);
  return {
    ...sum,
    milliCpu: whole.cpu === undefined ? sum.milliCpu : given.milliCpu,
    memory: whole.memory === undefined ? sum.memory : given.memory,
  };
}

function overContainers(pod: Pod, amountsOf: (container: Container) => ResourceAmounts): ResourceAmounts {
  let running = nothing;
  for (const container of pod.spec?.containers ?? []) running = addAmounts(running, amountsOf(container));
  let sidecars = nothing;
  let starting = nothing;
  for (const container of pod.spec?.initContainers ?? []) {
    const amounts = amountsOf(container);
    if (isSidecar(container)) sidecars = addAmounts(sidecars, amounts);
    starting = largerAmounts(starting, isSidecar(container) ? sidecars : addAmounts(sidecars, amounts));
  }
  return largerAmounts(addAmounts(running, sidecars), starting);
}

const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

/** As podRequests, but what a container leaves open counts as 100m CPU and 200 MiB, so that pods that ask for nothing are still spread. */
export function nonZeroRequests(pod: Pod): { readonly milliCpu: number; readonly memory: number } {
  const assumed = overContainers(pod, ({ resources }) => {
    const amounts = resourceAmounts(resources?.requests);
    return {
      ...nothing,
      milliCpu: resources?.requests?.cpu === undefined ? defaultMilliCpu : amounts.milliCpu,
      memory: resources?.requests?.memory === undefined ? defaultMemory : amounts.memory,
    };
  });
  const overhead = resourceAmounts(pod.spec?.overhead);
  return { milliCpu: assumed.milliCpu + overhead.milliCpu, memory: assumed.memory + overhead.memory };
}
