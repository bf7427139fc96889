import type { Node, Pod, Taint } from "../../protocol/kinds/generated";
import { isBeingDeleted, type JsonObject, keyOf, type Stored } from "../../protocol/kinds/object";
import type { Cancel } from "../../runtime/world";
import { isFinished } from "../checks/pods";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { callApi, mergePatch } from "./api-call";
import { count, type Fault, listed } from "./fault";

/** What operators do to nodes, undone when it ends. */

const withinMs = 60_000;

function patchNode(tank: Tank, node: string, body: JsonObject, then: (done: boolean) => void): void {
  const call = { verb: "patch", apiVersion: "v1", kind: "Node", namespace: "", name: node, body, contentType: mergePatch } as const;
  callApi(tank, call, withinMs, (code) => then(code !== undefined && code < 300));
}

function cordonNodes(tank: Tank, nodes: readonly string[], unschedulable: boolean, then: () => void = () => undefined): void {
  for (const node of nodes)
    patchNode(tank, node, { spec: { unschedulable: unschedulable ? true : null } }, (done) => {
      if (done) then();
    });
}

export const cordonFault: Fault = {
  name: "cordon",
  what: "Marks nodes so that no more pods are scheduled to them; lets them be used again when it ends.",
  params: {},
  required: [],
  silences: false,
  swarm: { roles: ["node"] },
  begin(tank, nodes) {
    let cordoned = 0;
    cordonNodes(tank, nodes, true, () => cordoned++);
    return {
      end() {
        cordonNodes(tank, nodes, false);
        return count(cordoned, "node", "cordoned");
      },
    };
  },
};

const taintParams: Readonly<Record<string, JsonSchema>> = {
  key: { type: "string", description: 'the taint\'s key; "storm.wavetank/taint" where not given' },
  value: { type: "string", description: "its value" },
  effect: { enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"], description: "NoExecute, which evicts pods, where not given" },
};

export const taintFault: Fault = {
  name: "taint",
  what: "Gives nodes a taint, which keeps pods away that do not tolerate it, and with NoExecute drives them out; takes it off when it ends.",
  params: taintParams,
  required: [],
  silences: false,
  swarm: { roles: ["node"], params: (d) => ({ effect: d < 0.7 ? "NoExecute" : "NoSchedule" }) },
  begin(tank, nodes, params) {
    const { key = "storm.wavetank/taint", value = "", effect = "NoExecute" } = params as Readonly<Record<string, string | undefined>>;
    let tainted = 0;
    for (const node of nodes)
      changeTaints(
        tank,
        node,
        (taints) => [...without(taints, key, effect), { key, value, effect }],
        () => tainted++,
      );
    return {
      end() {
        for (const node of nodes) changeTaints(tank, node, (taints) => without(taints, key, effect));
        return count(tainted, "node", `tainted ${key}:${effect}`);
      },
    };
  },
};

function without(taints: readonly Taint[], key: string, effect: string): readonly Taint[] {
  return taints.filter((taint) => taint.key !== key || taint.effect !== effect);
}

/** Reads the node and puts the changed list in its place; another who changed it meanwhile makes it try again. */
function changeTaints(
  tank: Tank,
  node: string,
  change: (taints: readonly Taint[]) => readonly Taint[],
  then: () => void = () => undefined,
): void {
  const untilUs = tank.nowUs() + withinMs * 1000;
  const name = { apiVersion: "v1", kind: "Node", namespace: "", name: node };
  const attempt = () =>
    callApi(tank, { verb: "get", ...name }, withinMs, (code, read) => {
      if (code !== 200) return;
      const { spec, metadata } = read as unknown as Stored<Node>;
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { taints: change(spec?.taints ?? []) } };
      callApi(tank, { verb: "patch", ...name, body: body as unknown as JsonObject, contentType: mergePatch }, withinMs, (answer) => {
        if (answer !== undefined && answer < 300) then();
        else if (answer === 409 && tank.nowUs() < untilUs) attempt();
      });
    });
  attempt();
}

export const drainFault: Fault = {
  name: "drain",
  what: "Cordons nodes and evicts their pods, again and again where a disruption budget refuses, as kubectl drain does; the nodes may be used again when it ends.",
  params: {},
  required: [],
  silences: false,
  swarm: { roles: ["node"] },
  begin(tank, nodes) {
    let cordoned = 0;
    let evicted = 0;
    let next: Cancel | undefined;
    let over = false;
    cordonNodes(tank, nodes, true, () => cordoned++);
    const evict = () => {
      for (const pod of podsOn(tank, nodes)) {
        const { namespace = "", name } = pod.metadata;
        const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
        callApi(tank, { verb: "create", apiVersion: "v1", kind: "Pod", namespace, name, subresource: "eviction", body }, 1, (code) => {
          if (code !== undefined && code < 300) evicted++;
        });
      }
      if (!over) next = tank.after(5_000, evict);
    };
    evict();
    return {
      end() {
        over = true;
        next?.cancel();
        cordonNodes(tank, nodes, false);
        return listed(count(cordoned, "node", "cordoned"), count(evicted, "pod", "evicted"));
      },
    };
  },
};

function podsOn(tank: Tank, nodes: readonly string[]): readonly Stored<Pod>[] {
  return [...tank.objects().values()]
    .filter((object) => object.kind === "Pod")
    .map((object) => object as Stored<Pod>)
    .filter((pod) => nodes.includes(pod.spec?.nodeName ?? "") && !isFinished(pod) && !isBeingDeleted(pod))
    .filter((pod) => !pod.metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet"))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const loseNode: Fault = {
  name: "lose-node",
  what: "Nodes vanish for ever, disk and all: their machines do not come back. When the fault ends whoever runs the cluster takes their Node objects away.",
  params: {},
  required: [],
  silences: true,
  begin(tank, hosts) {
    const nodes = hosts.filter((host) => tank.actorsOn(host).some((actor) => actor.startsWith("kubelet/")));
    for (const node of nodes) {
      tank.crashHost(node, true);
      tank.wipeDisk(node);
    }
    return {
      end() {
        for (const node of nodes)
          callApi(tank, { verb: "delete", apiVersion: "v1", kind: "Node", namespace: "", name: node }, withinMs, () => undefined);
        return nodes.length === 0 ? "" : `${nodes.join(", ")} lost for ever`;
      },
    };
  },
};
