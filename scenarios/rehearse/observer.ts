import type { HostName } from "../../protocol/address";
import type { EndpointSlice, Node, Pod, PodDisruptionBudget, Service } from "../../protocol/kinds/generated";
import { keyOf, type Stored } from "../../protocol/kinds/object";
import { quantityMilliValue } from "../../protocol/kinds/quantity";
import { isActive, isReady } from "../checks/pods";
import type { Act, HistoryEvent } from "../history";
import type { RunResult } from "../run";
import type { PodStanding } from "./failure-cause";
import type { BudgetObservation, Observation, Stretch } from "./observation";
import { PodLedger } from "./pod-ledger";
import { ServiceLedger } from "./service-ledger";
import { requestsOf } from "./sizing";
import type { Subject } from "./subject";

type ObjectEvent = Extract<HistoryEvent, { readonly type: "object" }>;

/** Watches one run of a rehearsal and tells at its end what happened to the Services and to the pods behind them. Changes nothing. */
export class Observer {
  private readonly pods = new PodLedger();
  private readonly services: ReadonlyMap<string, ServiceLedger>;
  private readonly acts = new Map<Act, number>();
  private readonly lost = new Set<HostName>();
  private readonly budgets = new Map<string, BudgetObservation>();
  /** As they stood when everything was up: while pods are still being made, a budget may count fewer of them than it asks for. */
  private budgetsAtRest: readonly BudgetObservation[] = [];
  private readonly nodesNotReady: { node: string; atUs: number }[] = [];
  private readonly takeovers: { what: string; atUs: number }[] = [];
  private readonly cordons: (Stretch & { readonly node: string; untilUs: number })[] = [];
  private readonly failedActions: string[] = [];
  private readonly nodes = new Map<string, Stored<Node>>();
  private readonly podObjects = new Map<string, Stored<Pod>>();

  constructor(subjects: readonly Subject[]) {
    const world = {
      isLost: (node: string) => this.lost.has(node),
      podAt: (ip: string) => standingOf(this.pods.at(ip)),
      pod: (name: string) => standingOf(this.pods.named(name)),
    };
    this.services = new Map(
      subjects.map(({ service, manifest }) => {
        const { internalTrafficPolicy } = (manifest.object as Service).spec ?? {};
        return [service, new ServiceLedger(service, internalTrafficPolicy === "Local", world)];
      }),
    );
  }

  see(event: HistoryEvent): void {
    this.pods.see(event);
    switch (event.type) {
      case "act":
        this.acts.set(event.act, event.atUs);
        if (event.act === "storm") this.budgetsAtRest = [...this.budgets.values()];
        return;
      case "host":
        if (event.up) this.lost.delete(event.host);
        else this.lost.add(event.host);
        return;
      case "action":
        if (!event.ok && event.step >= 0) this.failedActions.push(event.detail);
        return;
      case "fact":
        if (event.fact.kind === "load.result") this.services.get(String(event.fact.service))?.seeResult(event);
        else if (event.fact.kind === "raft.leader") this.takeovers.push({ what: "etcd", atUs: event.atUs });
        else if (event.fact.kind === "leader.elected") this.takeovers.push({ what: String(event.fact.lease), atUs: event.atUs });
        return;
      case "object":
        return this.seeObject(event);
    }
  }

  private seeObject({ before, after, id, atUs }: ObjectEvent): void {
    const object = (after ?? before)!;
    switch (object.kind) {
      case "EndpointSlice": {
        const { namespace, labels } = object.metadata;
        const service = this.services.get(`${namespace}/${labels?.["kubernetes.io/service-name"]}`);
        return service?.seeSlice(id, after as Stored<EndpointSlice> | undefined, atUs);
      }
      case "Node":
        return this.seeNode(before as Stored<Node> | undefined, after as Stored<Node> | undefined, atUs);
      case "Pod":
        if (after) this.podObjects.set(id, after as Stored<Pod>);
        else this.podObjects.delete(id);
        return;
      case "PodDisruptionBudget":
        if (after) this.seeBudget(after as Stored<PodDisruptionBudget>);
    }
  }

  private seeNode(before: Stored<Node> | undefined, after: Stored<Node> | undefined, atUs: number): void {
    if (!after) return;
    const { name } = after.metadata;
    this.nodes.set(name, after);
    if (before && isReady(before) && !isReady(after)) this.nodesNotReady.push({ node: name, atUs });
    const [was, is] = [before?.spec?.unschedulable === true, after.spec?.unschedulable === true];
    if (is && !was) this.cordons.push({ node: name, fromUs: atUs, untilUs: Number.MAX_SAFE_INTEGER });
    const open = this.cordons.findLast((cordon) => cordon.node === name);
    if (was && !is && open) open.untilUs = atUs;
  }

  private seeBudget(object: Stored<PodDisruptionBudget>): void {
    const { expectedPods = 0, desiredHealthy = 0 } = object.status ?? {};
    const budget = keyOf(object);
    const blocksAlways = expectedPods > 0 && desiredHealthy >= expectedPods;
    this.budgets.set(budget, { budget, blocksAlways, expectedPods, desiredHealthy });
  }

  /** Everything seen. `firstStepSeconds` is when the storm's first step was due. */
  observation(result: RunResult, firstStepSeconds: number): Observation {
    const endUs = this.acts.get("end") ?? result.virtualMs * 1000;
    const stormUs = this.acts.get("storm") ?? endUs;
    return {
      settled: this.acts.has("storm"),
      reasons: result.convergence.reasons,
      stormUs,
      beganUs: stormUs + firstStepSeconds * 1e6,
      calmUs: this.acts.get("calm") ?? endUs,
      endUs,
      services: [...this.services.values()].map((service) => service.observation(endUs)),
      pods: this.pods.records(endUs),
      budgets: this.budgetsAtRest,
      nodesNotReady: this.nodesNotReady.filter(({ atUs }) => atUs >= stormUs),
      takeovers: this.takeovers.filter(({ atUs }) => atUs >= stormUs),
      cordons: this.cordons.map((cordon) => ({ ...cordon, untilUs: Math.min(cordon.untilUs, endUs) })),
      failedActions: this.failedActions,
      room: this.room(),
    };
  }

  /** What each node has left for further pods. */
  private room(): Observation["room"] {
    return [...this.nodes].map(([node, object]) => {
      const { cpu = 0, memory = 0 } = object.status?.allocatable ?? {};
      const there = [...this.podObjects.values()]
        .filter((pod) => pod.spec?.nodeName === node && isActive(pod))
        .map(({ spec }) => requestsOf(spec!));
      const used = (resource: "cpu" | "memory") => there.reduce((sum, one) => sum + one[resource], 0);
      const isUp = isReady(object) && !this.lost.has(node);
      return { node, ready: isUp, cpu: quantityMilliValue(cpu) - used("cpu"), memory: quantityMilliValue(memory) / 1000 - used("memory") };
    });
  }
}

function standingOf(pod: ReturnType<PodLedger["named"]>): PodStanding | undefined {
  if (!pod) return undefined;
  return {
    pod: pod.pod,
    node: pod.node,
    isLeaving: pod.deletedUs !== undefined,
    startedUs: pod.started.at(-1)?.atUs ?? 0,
    exitedUs: pod.exits.at(-1)?.atUs ?? -1,
  };
}
