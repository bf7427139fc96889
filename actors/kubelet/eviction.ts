import type { CriStatsListed } from "../../protocol/cri";
import type { NodeCondition, Pod } from "../../protocol/kinds/generated";
import { quantityValue } from "../../protocol/kinds/quantity";
import { podRequests } from "../scheduler/resource-amounts";
import { untoleratedTaint } from "../scheduler/tolerations";
import { qosClass } from "./qos-class";

/** What a node can run short of. Source for all of this: "Node-pressure Eviction". */
export type Scarce = "memory" | "ephemeral-storage";

export const scarceResources: readonly Scarce[] = ["memory", "ephemeral-storage"];

/** How much of each there is, and how much is left. In bytes. */
export type Signals = Readonly<Record<Scarce, { readonly capacity: number; readonly available: number }>>;

/** The capacity of the node less what its containers, its images and everything else on the machine take. */
export function signalsOf(capacity: Readonly<Record<Scarce, string>>, stats: CriStatsListed): Signals {
  const total = (pick: (one: CriStatsListed["containers"][number]) => number) => stats.containers.reduce((sum, one) => sum + pick(one), 0);
  const memory = quantityValue(capacity.memory);
  const disk = quantityValue(capacity["ephemeral-storage"]);
  const lies = (inMemory: boolean) => (stats.volumes ?? []).reduce((sum, one) => (one.inMemory === inMemory ? sum + one.bytes : sum), 0);
  return {
    memory: { capacity: memory, available: memory - total(({ memoryBytes }) => memoryBytes) - lies(true) - stats.otherMemoryBytes },
    "ephemeral-storage": {
      capacity: disk,
      available: disk - total(({ diskBytes }) => diskBytes) - lies(false) - stats.imageBytes - stats.otherDiskBytes,
    },
  };
}

const mebi = 2 ** 20;

/** The hard thresholds of Kubernetes' defaults: memory.available<100Mi, nodefs.available<10%. */
export function threshold(scarce: Scarce, { [scarce]: { capacity } }: Signals): number {
  return scarce === "memory" ? 100 * mebi : capacity / 10;
}

export function isShort(scarce: Scarce, signals: Signals): boolean {
  return signals[scarce].available < threshold(scarce, signals);
}

/** What eviction-soft and its like say: thresholds of which a node may fall short for a while before pods have to go, with the grace they are given then. */
export interface SoftEviction {
  /** memory.available in bytes, and nodefs.available as a part of the capacity; 0 where there is none. */
  readonly memoryBytes: number;
  readonly diskPart: number;
  /** For so long it has to be short without a break. */
  readonly graceMs: number;
  /** The longest that a pod gets to end by itself; 0: no time at all, as the kubelet's default has it. */
  readonly maxPodGraceMs: number;
}

/** How far below it a resource has fallen: a hard threshold is always a matter of now. */
export type Shortage = "hard" | "soft" | undefined;

export function softThreshold(scarce: Scarce, { [scarce]: { capacity } }: Signals, soft: SoftEviction): number {
  return scarce === "memory" ? soft.memoryBytes : capacity * soft.diskPart;
}

export function shortageOf(scarce: Scarce, signals: Signals, soft: SoftEviction): Shortage {
  if (isShort(scarce, signals)) return "hard";
  return signals[scarce].available < softThreshold(scarce, signals, soft) ? "soft" : undefined;
}

/** The resource for which a pod has to go now: memory before disk, and only softly short ones whose grace period is over. */
export function scarceNow(
  shortages: ReadonlyMap<Scarce, Shortage>,
  since: LastShort,
  nowMs: number,
  { graceMs }: SoftEviction,
): { readonly scarce: Scarce; readonly shortage: "hard" | "soft" } | undefined {
  for (const scarce of scarceResources) {
    const shortage = shortages.get(scarce);
    if (shortage === "hard" || (shortage === "soft" && nowMs >= (since.get(scarce) ?? nowMs) + graceMs)) return { scarce, shortage };
  }
  return undefined;
}

/** How long a pod may take to end: no time where a hard threshold was crossed, else what it asks for, up to the most that the node allows. */
export function evictionGraceMs(pod: Pod, shortage: "hard" | "soft", { maxPodGraceMs }: SoftEviction): number {
  return shortage === "hard" ? 0 : Math.min((pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000, maxPodGraceMs);
}

/** When each was last found short, in monotonic ms. */
export type LastShort = ReadonlyMap<Scarce, number>;

/** A node stays under pressure for the transition period after it was last short, so that its condition does not flap. */
export function underPressure(last: LastShort, nowMs: number, transitionMs: number): readonly Scarce[] {
  return scarceResources.filter((scarce) => nowMs < (last.get(scarce) ?? Number.NEGATIVE_INFINITY) + transitionMs);
}

/** From this priority on a pod is critical: "system-cluster-critical" and above. */
const criticalPriority = 2_000_000_000;

export function isCritical({ spec }: Pod): boolean {
  return (spec?.priority ?? 0) >= criticalPriority;
}

/** A pod with what it takes and what it asked for of the scarce resource. */
export interface Ranked<P extends Pod = Pod> {
  readonly pod: P;
  readonly usage: number;
  readonly request: number;
}

/** Who goes first: those who take more than they asked for; among them the lowest priority; among equals who takes most beyond what it asked for. Critical pods stay. */
export function evictionOrder<P extends Pod>(pods: readonly P[], scarce: Scarce, stats: CriStatsListed): readonly Ranked<P>[] {
  const ranked = pods
    .filter((pod) => !isCritical(pod))
    .map((pod): Ranked<P> => {
      const own = stats.containers.filter(({ podUid }) => podUid === pod.metadata?.uid);
      const volumes = (stats.volumes ?? []).filter(
        ({ podUid, inMemory }) => podUid === pod.metadata?.uid && inMemory === (scarce === "memory"),
      );
      const usage =
        own.reduce((sum, { memoryBytes, diskBytes }) => sum + (scarce === "memory" ? memoryBytes : diskBytes), 0) +
        volumes.reduce((sum, { bytes }) => sum + bytes, 0);
      const { memory, ephemeralStorage } = podRequests(pod);
      return { pod, usage, request: scarce === "memory" ? memory : ephemeralStorage };
    });
  const exceeds = ({ usage, request }: Ranked) => usage > request;
  return ranked.sort(
    (a, b) =>
      Number(exceeds(b)) - Number(exceeds(a)) ||
      (a.pod.spec?.priority ?? 0) - (b.pod.spec?.priority ?? 0) ||
      b.usage - b.request - (a.usage - a.request) ||
      ((a.pod.metadata?.uid ?? "") < (b.pod.metadata?.uid ?? "") ? -1 : 1),
  );
}

/** Why a pod has to go whatever the node has left: more lies in one of its emptyDirs than may. Source: "Volumes: emptyDir". Message: the kubelet's own. */
export function overLimit({ metadata, spec }: Pod, stats: CriStatsListed): string | undefined {
  for (const { name, emptyDir } of spec?.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined) continue;
    const used = stats.volumes?.find((one) => one.podUid === metadata?.uid && one.name === name)?.bytes ?? 0;
    if (used > quantityValue(limit) && quantityValue(limit) > 0) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  return undefined;
}

/** What the status of a pod that had to go says. */
export function evictionMessage(
  scarce: Scarce,
  signals: Signals,
  { pod }: Ranked,
  stats: CriStatsListed,
  limit = threshold(scarce, signals),
): string {
  const amount = (bytes: number) => `${Math.floor(bytes / 1024)}Ki`;
  const low = `The node was low on resource: ${scarce}. Threshold quantity: ${amount(limit)}, available: ${amount(Math.max(0, signals[scarce].available))}. `;
  const heavy = (pod.spec?.containers ?? []).flatMap(({ name, resources }) => {
    const request = resources?.requests?.[scarce];
    const asked = request === undefined ? 0 : quantityValue(request);
    const one = stats.containers.find((container) => container.podUid === pod.metadata?.uid && container.name === name);
    const usage = one ? (scarce === "memory" ? one.memoryBytes : one.diskBytes) : 0;
    return usage > asked
      ? [`Container ${name} was using ${amount(usage)}, request is ${request ?? 0}, has larger consumption of ${scarce}. `]
      : [];
  });
  return low + heavy.join("");
}

/** Whether a node under pressure takes a new pod: under pressure of memory alone all but those of no requests; critical ones always. */
export function admits(pod: Pod, pressed: readonly Scarce[]): boolean {
  if (pressed.length === 0 || isCritical(pod)) return true;
  if (pressed.includes("ephemeral-storage")) return false;
  if (qosClass(pod) !== "BestEffort") return true;
  const taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" };
  return untoleratedTaint([taint], pod.spec?.tolerations, ["NoSchedule"]) === undefined;
}

const words = {
  memory: {
    condition: "MemoryPressure",
    bad: "KubeletHasInsufficientMemory",
    good: "KubeletHasSufficientMemory",
    nodeBad: "NodeHasInsufficientMemory",
    nodeGood: "NodeHasSufficientMemory",
  },
  "ephemeral-storage": {
    condition: "DiskPressure",
    bad: "KubeletHasDiskPressure",
    good: "KubeletHasNoDiskPressure",
    nodeBad: "NodeHasDiskPressure",
    nodeGood: "NodeHasNoDiskPressure",
  },
} as const;

export function conditionType(scarce: Scarce): "MemoryPressure" | "DiskPressure" {
  return words[scarce].condition;
}

/** The reason of the event about a node that came under pressure, or out of it. */
export function transitionReason(scarce: Scarce, isPressed: boolean): string {
  return isPressed ? words[scarce].nodeBad : words[scarce].nodeGood;
}

/** The two conditions of a node, without their times. */
export function pressureConditions(pressed: readonly Scarce[]): readonly Pick<NodeCondition, "type" | "status" | "reason" | "message">[] {
  return scarceResources.map((scarce) => {
    const isPressed = pressed.includes(scarce);
    const message =
      scarce === "memory"
        ? `kubelet has ${isPressed ? "insufficient" : "sufficient"} memory available`
        : `kubelet has ${isPressed ? "" : "no "}disk pressure`;
    return {
      type: words[scarce].condition,
      status: isPressed ? "True" : "False",
      reason: isPressed ? words[scarce].bad : words[scarce].good,
      message,
    };
  });
}
