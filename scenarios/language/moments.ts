import { isSuccess } from "../checks/service-availability";
import type { ClusterShape } from "../cluster";
import type { HistoryEvent } from "../history";

/** Something that happens in clusters and that a storm can wait for by its name. */
export interface Moment {
  readonly name: string;
  readonly what: string;
  /** Whether an event of the history is it. */
  is(event: HistoryEvent): boolean;
  /** Why it can never happen in such a cluster; undefined where it can. */
  readonly never?: (shape: ClusterShape, loads: number) => string | undefined;
}

function ofFact(kind: string, fits: (fact: Readonly<Record<string, unknown>>) => boolean = () => true): Moment["is"] {
  return (event) => event.type === "fact" && event.fact.kind === kind && fits(event.fact);
}

const needsNodes: Moment["never"] = ({ nodes }) => (nodes === 0 ? "the cluster has no nodes" : undefined);
const needsPeers: Moment["never"] = ({ etcd }) => (etcd === 1 ? "a single etcd member has no other to differ from" : undefined);
const needsLoad: Moment["never"] = (_, loads) => (loads === 0 ? "the scenario has no load" : undefined);

function becomesReady(ready: boolean): Moment["is"] {
  return (event) => {
    if (event.type !== "object" || event.after?.kind !== "Node") return false;
    const [was, is] = [readiness(event.before), readiness(event.after)];
    return was !== is && (is === "True") === ready && (ready || was === "True");
  };
}

function readiness(node: object | undefined): string {
  const { status } = (node ?? {}) as {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  };
  return status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "";
}

/** Every moment that has a name. */
export const moments: readonly Moment[] = [
  { name: "etcd leader elected", what: "a member of etcd became leader", is: ofFact("raft.leader") },
  {
    name: "etcd election begun",
    what: "a member of etcd stands for election",
    is: ofFact("raft.role", ({ role }) => role === "candidate"),
  },
  {
    name: "etcd log truncated",
    what: "a member dropped entries that its leader does not have",
    is: ofFact("raft.truncated"),
    never: needsPeers,
  },
  { name: "etcd snapshot taken", what: "a member wrote a snapshot", is: ofFact("raft.snapshot", ({ how }) => how === "taken") },
  {
    name: "etcd snapshot installed",
    what: "a member that was far behind was given a snapshot",
    is: ofFact("raft.snapshot", ({ how }) => how === "installed"),
    never: needsPeers,
  },
  { name: "etcd configuration applied", what: "a member applied a change of the membership", is: ofFact("raft.configuration") },
  { name: "etcd compacted", what: "a member forgot old revisions", is: ofFact("etcd.compacted") },
  { name: "lease taken", what: "a controller manager or scheduler became the acting one", is: ofFact("leader.elected") },
  { name: "lease given up", what: "a controller manager or scheduler stopped acting", is: ofFact("leader.lost") },
  { name: "API write", what: "an API server changed an object", is: ofFact("api.write") },
  { name: "relist", what: "a client had to list again: its watch could not go on", is: ofFact("api.relist", ({ why }) => why !== "start") },
  { name: "pod bound", what: "the scheduler gave a pod a node", is: ofFact("scheduler.bound"), never: needsNodes },
  { name: "pod unschedulable", what: "a pod fits nowhere", is: ofFact("scheduler.unschedulable") },
  { name: "container started", what: "a container runs", is: ofFact("container.started"), never: needsNodes },
  { name: "container exited", what: "a container ended", is: ofFact("container.exited"), never: needsNodes },
  { name: "pod ready", what: "a kubelet found a pod ready", is: ofFact("pod.ready", ({ ready }) => ready === true), never: needsNodes },
  {
    name: "pod not ready",
    what: "a kubelet found a pod not ready any more",
    is: ofFact("pod.ready", ({ ready }) => ready === false),
    never: needsNodes,
  },
  { name: "pod evicted", what: "a pod is evicted from a node that is lost", is: ofFact("node.eviction"), never: needsNodes },
  { name: "node ready", what: "a node became Ready", is: becomesReady(true), never: needsNodes },
  { name: "node not ready", what: "a node is Ready no more", is: becomesReady(false), never: needsNodes },
  { name: "proxy programmed", what: "a kube-proxy changed its rules", is: ofFact("proxy.programmed"), never: needsNodes },
  {
    name: "request failed",
    what: "a request of the load had no good answer",
    is: ofFact("load.result", ({ outcome, code }) => !isSuccess(outcome, code)),
    never: needsLoad,
  },
  {
    name: "request answered",
    what: "a request of the load was answered",
    is: ofFact("load.result", ({ outcome, code }) => isSuccess(outcome, code)),
    never: needsLoad,
  },
  { name: "actor crashed", what: "an actor lost its memory", is: (event) => event.type === "life" && !event.alive && event.error !== "" },
  { name: "host down", what: "a host went down", is: (event) => event.type === "host" && !event.up },
  { name: "host up", what: "a host started", is: (event) => event.type === "host" && event.up },
  { name: "fault begun", what: "a fault of the storm began", is: (event) => event.type === "fault" && event.phase === "began" },
  { name: "fault ended", what: "a fault of the storm ended", is: (event) => event.type === "fault" && event.phase === "ended" },
  { name: "action done", what: "an action of the storm was done", is: (event) => event.type === "action" && event.ok },
  { name: "action failed", what: "an action of the storm failed", is: (event) => event.type === "action" && !event.ok },
];

export function momentNamed(name: string): Moment | undefined {
  return moments.find((moment) => moment.name === name);
}

/** Whom or what an event is about, by the names that a condition may give. */
export function aboutOf(event: HistoryEvent): readonly string[] {
  switch (event.type) {
    case "fact":
      return [event.actor, event.host];
    case "life":
      return [event.actor];
    case "host":
      return [event.host];
    case "object":
      return [event.id, event.id.slice(event.id.indexOf(" ") + 1)];
    case "fault":
      return [event.fault, ...event.targets];
    case "action":
      return [event.action];
    default:
      return [];
  }
}
