import type { Node, NodeCondition, NodeStatus } from "../../protocol/kinds/generated";
import { timestamp } from "../../protocol/kinds/object";
import { formatQuantity, parseQuantity, quantityOf, quantityValue, subtractQuantity } from "../../protocol/kinds/quantity";
import type { KubeletConfig } from "./config";
import { pressureConditions, type Scarce } from "./eviction";

/** What the kubelet itself knows of its node. */
export interface NodeFindings {
  readonly runtimeUp: boolean;
  readonly hasPodNetwork: boolean;
  /** What the node is short of. */
  readonly pressed: readonly Scarce[];
  readonly images: readonly { readonly image: string; readonly sizeBytes: number }[];
}

const version = "v1.36.0";
const imagesMax = 50;

/** The Node as a kubelet registers it. Taints are the API server's and the node life-cycle controller's. */
export function newNode(config: KubeletConfig, findings: NodeFindings, wallMs: number): Node {
  const { node, zone } = config;
  return {
    metadata: {
      name: node,
      labels: {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        ...(zone ? { "topology.kubernetes.io/zone": zone } : {}),
        ...config.labels,
      },
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: {},
    status: nodeStatus(config, findings, undefined, wallMs),
  };
}

/** The status to report; conditions that did not change keep their transition time. */
export function nodeStatus(config: KubeletConfig, findings: NodeFindings, before: NodeStatus | undefined, wallMs: number): NodeStatus {
  return {
    ...amountsOf(config),
    conditions: conditions(findings, before?.conditions ?? [], wallMs),
    addresses: [
      { type: "InternalIP", address: config.internalIp },
      { type: "Hostname", address: config.node },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    // No CPUs are set aside for one pod, so that those of guaranteed ones can be changed as well.
    declaredFeatures: ["GuaranteedQoSPodCPUResize"],
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "wavetank://1.0.0",
      kernelVersion: "wavetank",
      kubeProxyVersion: "",
      kubeletVersion: version,
      machineID: config.node,
      operatingSystem: "linux",
      osImage: "Wavetank",
      systemUUID: config.node,
    },
    images: [...findings.images]
      .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.image < b.image ? -1 : 1))
      .slice(0, imagesMax)
      .map(({ image, sizeBytes }) => ({ names: [image], sizeBytes })),
  };
}

type Amounts = { readonly [list in "capacity" | "allocatable"]: Readonly<Record<string, string>> };

/** By what nodes are configured with: each heartbeat asks. */
const amounts = new WeakMap<KubeletConfig, Amounts>();

function amountsOf(config: KubeletConfig): Amounts {
  const known = amounts.get(config);
  if (known) return known;
  const capacity = capacityOf(config);
  const made = { capacity, allocatable: allocatableOf(capacity) };
  amounts.set(config, made);
  return made;
}

function capacityOf({ capacity }: KubeletConfig): Readonly<Record<string, string>> {
  const canonical = (amount: string | number) => formatQuantity(parseQuantity(amount));
  return {
    cpu: canonical(capacity.cpu),
    "ephemeral-storage": canonical(capacity["ephemeral-storage"] ?? "100Gi"),
    memory: canonical(capacity.memory),
    pods: canonical(capacity.pods),
  };
}

/** Capacity less what is kept back so that eviction can begin in time: 100Mi of memory and a tenth of the storage. */
function allocatableOf(capacity: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const memory = parseQuantity(capacity.memory!);
  const kept = parseQuantity("100Mi");
  const storage = Math.floor(quantityValue(capacity["ephemeral-storage"]!) * 0.9);
  return {
    ...capacity,
    memory: formatQuantity(memory.nanos > kept.nanos ? subtractQuantity(memory, kept) : quantityOf(0)),
    "ephemeral-storage": formatQuantity(quantityOf(storage)),
  };
}

function conditions(
  { runtimeUp, hasPodNetwork, pressed }: NodeFindings,
  before: readonly NodeCondition[],
  wallMs: number,
): readonly NodeCondition[] {
  const now = timestamp(wallMs);
  const condition = (type: string, status: string, reason: string, message: string): NodeCondition => {
    const old = before.find((one) => one.type === type);
    const lastTransitionTime = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : now;
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  };
  const down = runtimeUp
    ? "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
    : "container runtime is down";
  return [
    ...pressureConditions(pressed).map(({ type, status, reason = "", message = "" }) => condition(type, status, reason, message)),
    condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    runtimeUp && hasPodNetwork
      ? condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
      : condition("Ready", "False", "KubeletNotReady", down),
  ];
}

/** Whether a status says the same as the one that was reported, but for the time of the heartbeat. */
export function sameNodeStatus(reported: NodeStatus, now: NodeStatus): boolean {
  return stillOf(reported) === still(now);
}

/** What was reported is compared with each heartbeat until something changes. */
const stills = new WeakMap<NodeStatus, string>();

function stillOf(status: NodeStatus): string {
  const known = stills.get(status);
  if (known !== undefined) return known;
  const made = still(status);
  stills.set(status, made);
  return made;
}

function still(status: NodeStatus): string {
  return JSON.stringify({ ...status, conditions: status.conditions?.map((condition) => ({ ...condition, lastHeartbeatTime: "" })) });
}

/** Whether each condition of `own` stands in `other` with the same status. */
export function sameConditions(other: NodeStatus, own: NodeStatus): boolean {
  const statusOf = (type: string) => other.conditions?.find((condition) => condition.type === type)?.status;
  return own.conditions?.every(({ type, status }) => statusOf(type) === status) ?? true;
}
