import type { DaemonSet, Node, Pod } from "../../protocol/kinds/generated";
import { controllerOf, type Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { controllerUid, isActive, isReady, scaledValue } from "./pods";
import { Standstill } from "./raft/standstill";

const handoverUs = 10_000_000;
/** Every daemon's pod tolerates these; so do all that tolerate everything. */
const tolerated = new Set(["not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"]);

/** A daemon runs once on each node that is meant for it. */
export const daemonsetPods: Check = {
  name: "daemonset-pods",
  claim:
    "A DaemonSet never has two active pods on one node (maxSurge aside), and at rest it has one on every node that its selector and tolerations allow, and none elsewhere.",
  source: "Kubernetes documentation, DaemonSet; kubernetes/kubernetes#14528, #22545",
  params: {},
  required: [],
  begin() {
    const sets = new Map<string, { readonly id: string; readonly surges: boolean }>();
    const pods = new Map<string, Map<string, Stored<Pod>>>();
    const standstill = new Standstill();
    let handoverAtUs = Number.NEGATIVE_INFINITY;
    let made = 0;
    return {
      see(event) {
        standstill.see(event);
        if (event.type === "fact" && event.fact.kind === "leader.elected") handoverAtUs = event.atUs;
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "DaemonSet") {
          const surge = (object as Stored<DaemonSet>).spec?.updateStrategy?.rollingUpdate?.maxSurge;
          sets.set(object.metadata.uid, { id: event.id, surges: scaledValue(surge, 100, "up") > 0 });
        }
        if (object.kind !== "Pod") return undefined;
        const set = sets.get(controllerUid(object));
        const node = nodeOf(object as Stored<Pod>);
        if (!set || node === undefined) return undefined;
        const key = `${controllerUid(object)} ${node}`;
        const own = pods.get(key) ?? new Map<string, Stored<Pod>>();
        pods.set(key, own);
        const isNew = !own.has(object.metadata.uid);
        if (event.after) own.set(object.metadata.uid, event.after as Stored<Pod>);
        else own.delete(object.metadata.uid);
        if (!isNew || !event.after) return undefined;
        made++;
        const active = [...own.values()].filter(isActive).length;
        if (active <= (set.surges ? 2 : 1) || standstill.sinceUs(handoverAtUs, event.atUs) <= handoverUs) return undefined;
        return `${set.id} has ${active} active pods on ${node}`;
      },
      end(final) {
        const detail = `${made} pods made for ${sets.size} DaemonSets`;
        if (final.convergence.converged)
          for (const [id, object] of final.objects)
            if (object.kind === "DaemonSet") {
              const violation = misplaced(id, object as Stored<DaemonSet>, [...final.objects.values()]);
              if (violation !== undefined) return { violation, detail, reached: made };
            }
        return { detail, reached: made };
      },
    };
  },
};

function misplaced(id: string, set: Stored<DaemonSet>, objects: readonly Stored[]): string | undefined {
  const pods = objects.filter((object) => object.kind === "Pod" && controllerOf(object)?.uid === set.metadata.uid) as Stored<Pod>[];
  for (const node of objects.filter(({ kind }) => kind === "Node") as Stored<Node>[]) {
    const { name } = node.metadata;
    const count = pods.filter((pod) => isActive(pod) && nodeOf(pod) === name).length;
    const meant = isMeantFor(set, node);
    // Of a node that is away nobody can tell what is on it, and what needs more of a template than this looks at is not judged.
    if (meant === undefined || !isReady(node)) continue;
    if (count !== (meant ? 1 : 0)) return `${id} has ${count} active pods on ${name}, where ${meant ? "one" : "none"} should be`;
  }
  return undefined;
}

function isMeantFor({ spec }: DaemonSet, { metadata, spec: nodeSpec }: Stored<Node>): boolean | undefined {
  const pod = spec?.template?.spec;
  if (pod?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution || pod?.nodeName) return undefined;
  for (const [key, value] of Object.entries(pod?.nodeSelector ?? {})) if (metadata.labels?.[key] !== value) return false;
  for (const { key, effect, value } of nodeSpec?.taints ?? []) {
    if (effect === "PreferNoSchedule" || tolerated.has(key.replace("node.kubernetes.io/", ""))) continue;
    const tolerates = pod?.tolerations?.some(
      (one) =>
        (one.effect === undefined || one.effect === "" || one.effect === effect) &&
        (one.key === undefined || one.key === "" || one.key === key) &&
        (one.operator === "Exists" || one.value === value),
    );
    if (!tolerates) return false;
  }
  return true;
}

/** Where it is, or where it is meant to go: a daemon's pod is tied to one node by affinity on its name. */
function nodeOf({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === "metadata.name")?.values?.[0];
}
