import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import type { Check } from "./check";
import { isActive } from "./pods";
import { Staleness } from "./staleness";

interface Known {
  readonly id: string;
  readonly priority: number;
  readonly node: string;
  readonly boundAtUs: number;
  /** Until when it waited for a node; Infinity while it does. */
  readonly waitedUntilUs: number;
  /** Where room is being made for it, and since when. */
  readonly nominated: { readonly node: string; readonly sinceUs: number } | undefined;
}

/** Nobody loses its place but to who matters more, and the room that was made is kept. */
export const preemption: Check = {
  name: "preemption",
  claim:
    "A pod is preempted only while a pod of higher priority waits for a node; and what a pod is nominated to is kept for it, so that on one node it never takes the place of pods that came after it was nominated there.",
  source: "Kubernetes documentation, Pod Priority and Preemption; kubernetes/kubernetes#130429",
  params: {},
  required: [],
  begin() {
    const pods = new Map<string, Known>();
    const staleness = new Staleness();
    let preempted = 0;
    return {
      see(event) {
        staleness.see(event);
        // What is nominated is in the memory of who leads.
        if (event.type === "fact" && event.fact.kind === "leader.elected")
          for (const [uid, pod] of pods) pods.set(uid, { ...pod, nominated: undefined });
        if (event.type !== "object" || (event.after ?? event.before)!.kind !== "Pod") return undefined;
        const { uid } = (event.after ?? event.before)!.metadata;
        const before = pods.get(uid);
        const now = knownOf(event, before);
        pods.set(uid, now);
        if (!isPreempted(event.after) || isPreempted(event.before)) return undefined;
        preempted++;
        return wrongOf(now, [...pods.values()], staleness.knownUntil(event.atUs));
      },
      end: () => ({ detail: `${preempted} pods preempted, each for one that matters more`, reached: preempted }),
    };
  },
};

function knownOf({ id, atUs, before, after }: Extract<HistoryEvent, { readonly type: "object" }>, known: Known | undefined): Known {
  const pod = (after ?? before) as Stored<Pod>;
  const node = pod.spec?.nodeName ?? "";
  const isWaiting = after !== undefined && node === "" && isActive(pod);
  const wanted = isWaiting ? (pod.status?.nominatedNodeName ?? "") : "";
  const kept = known?.nominated?.node === wanted ? known.nominated : { node: wanted, sinceUs: atUs };
  return {
    id,
    priority: pod.spec?.priority ?? 0,
    node,
    boundAtUs: node === known?.node ? known.boundAtUs : atUs,
    waitedUntilUs: isWaiting ? Number.POSITIVE_INFINITY : Math.min(known?.waitedUntilUs ?? atUs, atUs),
    nominated: wanted === "" ? undefined : kept,
  };
}

function isPreempted(object: Stored | undefined): boolean {
  const conditions = (object as Stored<Pod> | undefined)?.status?.conditions ?? [];
  return conditions.some(
    ({ type, status, reason }) => type === "DisruptionTarget" && status === "True" && reason === "PreemptionByScheduler",
  );
}

/** What is wrong with a preemption; what happened after `knownUntilUs` the scheduler need not know. */
function wrongOf(victim: Known, pods: readonly Known[], knownUntilUs: number): string | undefined {
  const better = pods.filter(({ priority, waitedUntilUs }) => priority > victim.priority && waitedUntilUs > knownUntilUs);
  if (better.length === 0) return `${victim.id} of priority ${victim.priority} was preempted, and no pod of a higher one waits for a node`;
  const robbed = better.find(
    ({ nominated }) => nominated?.node === victim.node && nominated.sinceUs < Math.min(victim.boundAtUs, knownUntilUs),
  );
  if (!robbed) return undefined;
  // Room that went to somebody as important may have to be made once more.
  const { nominated, priority, id } = robbed;
  const others = pods.some((pod) => pod.node === victim.node && pod.priority >= priority && pod.boundAtUs >= nominated!.sinceUs);
  return others
    ? undefined
    : `${victim.id} was bound to ${victim.node} when that was kept for ${id} already, and is preempted: room is made again and again`;
}
