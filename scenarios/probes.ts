import { isSuccess } from "./checks/service-availability";
import type { HistoryEvent } from "./history";

/** What a run reached, counted: a storm that set nothing in motion proves nothing. */
export class Probes {
  private readonly counts = new Map<string, number>(names.map((name) => [name, 0]));

  see(event: HistoryEvent): void {
    for (const name of reachedBy(event)) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Every probe with its count, in a fixed order. */
  all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }
}

/** Each probe with what it counts; `list probes` prints them. */
export const probeTexts: ReadonlyMap<string, string> = new Map([
  ["faults", "faults that began"],
  ["actions", "actions of the operator that were done"],
  ["churned", "activities that a churn workload has done"],
  ["etcdElections", "times an etcd member became leader"],
  ["raftTruncations", "times a member dropped entries that its leader did not have"],
  ["entriesHeldBack", "times a leader had an entry of an earlier term on a quorum, which alone commits nothing (Raft, figure 8)"],
  ["snapshotsInstalled", "times a member was brought up to date by a snapshot"],
  ["restores", "times etcd was made anew of a backup"],
  ["compactions", "compactions of a store"],
  ["leaseCheckpoints", "times what is left of etcd's leases was written down"],
  ["leaseCheckpointsLost", "times that was lost with the leadership"],
  ["leasesResumed", "leases whose time a new etcd leader counted on from a checkpoint"],
  ["leasesBegunAnew", "leases to which a new etcd leader gave their full time again"],
  ["leaseTakeovers", "times a controller manager or a scheduler became leader"],
  ["apiWrites", "changes of objects through an API server"],
  ["relists", "times a cache had to list again"],
  ["podsBound", "pods that a scheduler bound"],
  ["unschedulable", "times no node fitted a pod"],
  ["containersStarted", "containers that were started"],
  ["containersExited", "containers that ended"],
  ["nodesLost", "times a node stopped being Ready"],
  ["taintEvictions", "pods deleted because of a node's taint"],
  ["pressureEvictions", "pods that a node evicted because it was short of memory or disk"],
  ["requests", "requests that a workload sent"],
  ["failedRequests", "requests that failed"],
]);

const names = [...probeTexts.keys()];

function reachedBy(event: HistoryEvent): readonly string[] {
  switch (event.type) {
    case "fault":
      return event.phase === "began" ? ["faults"] : [];
    case "action":
      return event.ok ? ["actions"] : [];
    case "restore":
      return ["restores"];
    case "object":
      return lostReady(event) ? ["nodesLost"] : [];
    case "fact":
      return reachedByFact(event.fact);
    default:
      return [];
  }
}

function reachedByFact(fact: { readonly kind: string; readonly [field: string]: unknown }): readonly string[] {
  switch (fact.kind) {
    case "churn.done":
      return fact.ok === true ? ["churned"] : [];
    case "raft.leader":
      return ["etcdElections"];
    case "raft.truncated":
      return ["raftTruncations"];
    case "raft.heldBack":
      return ["entriesHeldBack"];
    case "etcd.leaseCheckpoint":
      return [fact.kept === true ? "leaseCheckpoints" : "leaseCheckpointsLost"];
    case "etcd.leaseClocks": {
      const times = (name: string, count: unknown) => Array.from({ length: Number(count) }, () => name);
      return [...times("leasesResumed", fact.resumed), ...times("leasesBegunAnew", fact.anew)];
    }
    case "raft.snapshot":
      return fact.how === "installed" ? ["snapshotsInstalled"] : [];
    case "etcd.compacted":
      return ["compactions"];
    case "leader.elected":
      return ["leaseTakeovers"];
    case "api.write":
      return ["apiWrites"];
    case "api.relist":
      return ["relists"];
    case "scheduler.bound":
      return ["podsBound"];
    case "scheduler.unschedulable":
      return ["unschedulable"];
    case "container.started":
      return ["containersStarted"];
    case "container.exited":
      return ["containersExited"];
    case "node.eviction":
      return ["taintEvictions"];
    case "pod.pressureEvicted":
      return ["pressureEvictions"];
    case "load.result":
      return isSuccess(fact.outcome, fact.code) ? ["requests"] : ["requests", "failedRequests"];
    default:
      return [];
  }
}

function lostReady({ before, after }: Extract<HistoryEvent, { readonly type: "object" }>): boolean {
  return before?.kind === "Node" && readiness(before) === "True" && after !== undefined && readiness(after) !== "True";
}

function readiness(node: object): string {
  const { status } = node as { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
  return status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "";
}
