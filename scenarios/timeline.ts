import type { Deployment, Node } from "../protocol/kinds/generated";
import type { Stored } from "../protocol/kinds/object";
import type { HistoryEvent } from "./history";

/** What kind of line it is, for colours and filters. */
export type Tone = "act" | "fault" | "action" | "leader" | "node" | "rollout" | "pod" | "trouble" | "verdict";

export interface TimelineLine {
  readonly atUs: number;
  readonly tone: Tone;
  readonly text: string;
}

/** The few events of a run that a person wants to see as they happen; undefined for all others. */
export function timelineOf(event: HistoryEvent): TimelineLine | undefined {
  const line = (tone: Tone, text: string): TimelineLine => ({ atUs: event.atUs, tone, text });
  switch (event.type) {
    case "act":
      return line("act", actTexts[event.act]);
    case "fault": {
      const what = `${event.fault} ${event.targets.join(", ")}`;
      return line("fault", event.phase === "began" ? `${what} begins` : `${what} ends${event.effect ? `: ${event.effect}` : ""}`);
    }
    case "action":
      return line(
        event.ok ? "action" : "trouble",
        `${event.action} ${event.ok ? `done${event.detail ? `: ${event.detail}` : ""}` : `failed: ${event.detail}`}`,
      );
    case "life":
      return !event.alive && event.error !== "" ? line("trouble", `${event.actor} crashed: ${event.error}`) : undefined;
    case "backup":
      return line("action", `a backup of etcd is saved at revision ${event.revision}`);
    case "restore": {
      const { backupRevision, lostRevisions, revision } = event;
      return line(
        "action",
        `etcd is made anew of the backup of revision ${backupRevision}: ${lostRevisions} revisions are lost, it goes on after ${revision}`,
      );
    }
    case "object":
      return ofObject(event, line);
    case "fact":
      return ofFact(event, line);
    default:
      return undefined;
  }
}

const actTexts = {
  boot: "the cluster starts",
  storm: "everything is up: the storm begins",
  calm: "the storm is over: the cluster has to converge",
  end: "the end",
};

type Line = (tone: Tone, text: string) => TimelineLine;

function ofFact({ actor, fact }: Extract<HistoryEvent, { readonly type: "fact" }>, line: Line): TimelineLine | undefined {
  switch (fact.kind) {
    case "raft.leader":
      return line("leader", `${actor} leads etcd in term ${String(fact.term)}`);
    case "raft.truncated":
      return line("trouble", `${actor} drops its log from entry ${String(fact.fromIndex)}: its leader has others`);
    case "raft.snapshot":
      return fact.how === "installed" ? line("leader", `${actor} takes a snapshot up to entry ${String(fact.index)}`) : undefined;
    case "leader.elected":
      return line("leader", `${actor} holds ${String(fact.lease)}`);
    case "leader.lost":
      return line("leader", `${actor} gives up ${String(fact.lease)}`);
    case "scheduler.unschedulable":
      return line("trouble", `${String(fact.pod)} fits nowhere: ${String(fact.reason)}`);
    case "node.eviction":
      return line("pod", `${String(fact.pod)} is evicted from ${String(fact.node)}`);
    case "node.pressure":
      return fact.pressed === true
        ? line("trouble", `Node ${String(fact.node)} reports ${String(fact.condition)}`)
        : line("node", `Node ${String(fact.node)} reports no ${String(fact.condition)} any more`);
    case "pod.pressureEvicted":
      return line("pod", `${String(fact.pod)} is evicted by ${actor}, which is short of ${String(fact.resource)}`);
    case "api.relist":
      return fact.why === "start" ? undefined : line("trouble", `${actor} lists ${String(fact.resource)} again: ${String(fact.why)}`);
    default:
      return undefined;
  }
}

function ofObject({ id, before, after }: Extract<HistoryEvent, { readonly type: "object" }>, line: Line): TimelineLine | undefined {
  if (after?.kind === "Node") {
    const [was, is] = [readyOf(before as Stored<Node> | undefined), readyOf(after as Stored<Node>)];
    if (was === is || (was === "" && is !== "True")) return undefined;
    return line(is === "True" ? "node" : "trouble", is === "True" ? `${id} is Ready` : `${id} is NotReady`);
  }
  if (after?.kind === "Deployment") {
    const [old, now] = [(before as Stored<Deployment> | undefined)?.status, (after as Stored<Deployment>).status];
    const replicas = (after as Stored<Deployment>).spec?.replicas ?? 1;
    const [was, is] = [old?.availableReplicas ?? 0, now?.availableReplicas ?? 0];
    const [updatedBefore, updated] = [old?.updatedReplicas ?? 0, now?.updatedReplicas ?? 0];
    if (was === is && updatedBefore === updated) return undefined;
    return line(is < replicas && is < was ? "trouble" : "rollout", `${id}: ${is}/${replicas} available, ${updated} updated`);
  }
  return undefined;
}

function readyOf(node: Stored<Node> | undefined): string {
  return node?.status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "";
}
