import type { Event, Pod } from "../../protocol/kinds/generated";
import { controllerOf, isBeingDeleted, keyOf, type Stored } from "../../protocol/kinds/object";
import { isReady } from "../checks/pods";
import type { HistoryEvent } from "../history";
import type { Ending, ExitRecord, PodRecord, Stretch } from "./observation";

interface Open {
  readonly uid: string;
  readonly pod: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdUs: number;
  ip: string;
  node: string;
  boundUs: number | undefined;
  readonly ready: { fromUs: number; untilUs: number }[];
  deletedUs: number | undefined;
  goneUs: number | undefined;
  ending: Ending | undefined;
  readonly started: { readonly container: string; readonly atUs: number }[];
  readonly exits: ExitRecord[];
  readonly probeKills: PodRecord["probeKills"][number][];
  unschedulable: PodRecord["unschedulable"];
  readonly waiting: Set<string>;
}

type ObjectEvent = Extract<HistoryEvent, { readonly type: "object" }>;
type FactEvent = Extract<HistoryEvent, { readonly type: "fact" }>;

/** The lives of all pods of a run, gathered from what the API held and what actors did. */
export class PodLedger {
  private readonly byUid = new Map<string, Open>();
  /** The latest pod of each name: facts and events name pods without their uid. */
  private readonly byName = new Map<string, Open>();
  private readonly byIp = new Map<string, Open>();
  /** ReplicaSet to what made it. */
  private readonly owners = new Map<string, string>();

  see(event: HistoryEvent): void {
    if (event.type === "object") this.seeObject(event);
    else if (event.type === "fact") this.seeFact(event);
  }

  named(pod: string): Open | undefined {
    return this.byName.get(pod);
  }

  /** The pod that has the address, or had it last. */
  at(ip: string): Open | undefined {
    return this.byIp.get(ip);
  }

  records(endUs: number): readonly PodRecord[] {
    return [...this.byUid.values()].map(({ uid: _, waiting, ready, ...pod }) => ({
      ...pod,
      waiting: [...waiting],
      ready: ready.map(({ fromUs, untilUs }): Stretch => ({ fromUs, untilUs: Math.min(untilUs, endUs) })),
    }));
  }

  private seeObject({ atUs, before, after }: ObjectEvent): void {
    const object = (after ?? before)!;
    if (object.kind === "ReplicaSet") {
      const owner = controllerOf(object);
      const id = owner ? `${owner.kind} ${object.metadata.namespace}/${owner.name}` : `ReplicaSet ${keyOf(object)}`;
      this.owners.set(object.metadata.uid, id);
    } else if (object.kind === "Event" && after) this.seeEvent(after as Stored<Event>, atUs);
    else if (object.kind === "Pod") this.seePod(object as Stored<Pod>, after as Stored<Pod> | undefined, atUs);
  }

  private seePod(pod: Stored<Pod>, after: Stored<Pod> | undefined, atUs: number): void {
    const open = this.byUid.get(pod.metadata.uid) ?? this.add(pod, atUs);
    const isUp = after !== undefined && isReady(after);
    const last = open.ready.at(-1);
    const wasUp = last !== undefined && last.untilUs === Number.MAX_SAFE_INTEGER;
    if (isUp && !wasUp) open.ready.push({ fromUs: atUs, untilUs: Number.MAX_SAFE_INTEGER });
    if (!isUp && wasUp) last.untilUs = atUs;
    if (!after) {
      open.goneUs = atUs;
      open.deletedUs ??= atUs;
      open.ending ??= endingOf(pod);
      return;
    }
    if (after.spec?.nodeName && open.boundUs === undefined) [open.node, open.boundUs] = [after.spec.nodeName, atUs];
    if (after.status?.podIP) {
      open.ip = after.status.podIP;
      if (!after.spec?.hostNetwork) this.byIp.set(open.ip, open);
    }
    if (isBeingDeleted(after) && open.deletedUs === undefined) open.deletedUs = atUs;
    if (open.deletedUs !== undefined) open.ending ??= endingOf(after);
    for (const { state } of after.status?.containerStatuses ?? []) {
      const reason = state?.waiting?.reason;
      if (reason && reason !== "ContainerCreating" && reason !== "PodInitializing") open.waiting.add(reason);
    }
  }

  private add(pod: Stored<Pod>, atUs: number): Open {
    const owner = controllerOf(pod);
    const id =
      owner === undefined ? `Pod ${keyOf(pod)}` : (this.owners.get(owner.uid) ?? `${owner.kind} ${pod.metadata.namespace}/${owner.name}`);
    const open: Open = {
      uid: pod.metadata.uid,
      pod: keyOf(pod),
      owner: id,
      labels: pod.metadata.labels ?? {},
      createdUs: atUs,
      ip: "",
      node: "",
      boundUs: undefined,
      ready: [],
      deletedUs: undefined,
      goneUs: undefined,
      ending: undefined,
      started: [],
      exits: [],
      probeKills: [],
      unschedulable: undefined,
      waiting: new Set(),
    };
    this.byUid.set(open.uid, open);
    this.byName.set(open.pod, open);
    return open;
  }

  private seeFact({ atUs, fact }: FactEvent): void {
    const pod = this.byName.get(String(fact.pod));
    if (!pod) return;
    switch (fact.kind) {
      case "container.started":
        pod.started.push({ container: String(fact.container), atUs });
        return;
      case "container.exited":
        pod.exits.push({ container: String(fact.container), atUs, exitCode: Number(fact.exitCode), reason: String(fact.reason) });
        return;
      case "scheduler.unschedulable":
        pod.unschedulable = { reason: String(fact.reason), atUs };
    }
  }

  /** The kubelet says in an Event why it kills a container. */
  private seeEvent({ reason, message = "", involvedObject }: Stored<Event>, atUs: number): void {
    const [, container, probe] = /^Container (\S+) failed (liveness|startup) probe, will be restarted$/.exec(message) ?? [];
    if (reason !== "Killing" || !container) return;
    const pod = this.byName.get(`${involvedObject.namespace}/${involvedObject.name}`);
    pod?.probeKills.push({ container, probe: probe as "liveness" | "startup", atUs });
  }
}

function endingOf(pod: Stored<Pod>): Ending {
  const disruption = pod.status?.conditions?.find(({ type, status }) => type === "DisruptionTarget" && status === "True");
  switch (disruption?.reason) {
    case "EvictionByEvictionAPI":
      return "evicted";
    case "DeletionByTaintManager":
    case "DeletionByPodGC":
      return "node lost";
    case undefined:
      return controllerOf(pod) ? "replaced" : "deleted";
    default:
      return "deleted";
  }
}
