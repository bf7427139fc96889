import type { Container, Pod, ResourceRequirements } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { isSidecar } from "../scheduler/resource-amounts";
import type { BackOff } from "./back-off";
import type { Values } from "./environment";
import type { PodToken } from "./pod-token";
import { type ProbeKind, type ProbeProgress, probeOf } from "./probe";
import type { GivenFile } from "./volume-files";

/**
 * What the kubelet knows of one pod on its node. Fields named `...WallMs` are of the wall clock and go into the API; all other times are monotonic milliseconds.
 */
export interface PodWorker {
  /** As it was last seen; its status may be behind. */
  pod: Stored<Pod>;
  readonly uid: string;
  readonly startedWallMs: number;
  readonly startedMs: number;
  readonly containers: ReadonlyMap<string, ContainerWorker>;
  sandbox: SandboxState;
  /** The main containers have had their turn in this sandbox: from then on init containers are not run again. */
  begun: boolean;
  /** Turned away by this node: it never runs here. */
  rejected: { readonly reason: string; readonly message: string } | undefined;
  /** Had to go because the node is short of something. */
  evicted: { readonly reason: string; readonly message: string; readonly dueMs: number } | undefined;
  /** Why it is being brought down, and since when; `graceMs` from then on. */
  terminating: { readonly sinceMs: number; readonly graceMs: number } | undefined;
  /** ConfigMaps and Secrets that were seen to be there. */
  readonly resolved: Set<string>;
  /** What is in them, by "configmap/NAME" and "secret/NAME". */
  readonly referenced: Map<string, Values>;
  /** Absent while none of its volumes has anything in it. */
  followed: Followed | undefined;
  /** Nothing of it runs any more and nothing will. */
  finished: boolean;
  /** Its object is gone from the API: nothing is written any more. */
  orphaned: boolean;
  /** Ran too long: activeDeadlineSeconds. */
  deadlineExceeded: boolean;
  /** The status that was last written, as text, and what is under way. */
  written: string;
  writing: boolean;
  retryAtMs: number | undefined;
  /** When something other than a probe is due by the last plan. */
  wakeAtMs: number | undefined;
  deleting: boolean;
  ready: boolean;
  /** Containers are to get other amounts of CPU and memory. */
  resize: ResizeState;
}

/** What is known of how old that is which its volumes show. */
export interface Followed {
  /** When each ConfigMap and Secret was last seen, and which of them never change. */
  readonly seenMs: Map<string, number>;
  readonly immutable: Set<string>;
  /** Its tokens, by volume and path. */
  readonly tokens: Map<string, PodToken>;
}

export function followedOf(worker: PodWorker): Followed {
  worker.followed ??= { seenMs: new Map(), immutable: new Set(), tokens: new Map() };
  return worker.followed;
}

/** What becomes of a pod that is being resized; both undefined for pods that are as they should be. */
export interface ResizeState {
  /** The node does not give it what it asks for: not now, or never. Asked again at `retryAtMs`. */
  pending: { readonly reason: "Deferred" | "Infeasible"; readonly message: string; readonly retryAtMs: number } | undefined;
  /** What was set aside is not what its containers have yet; `error` says what is in the way. */
  inProgress: { readonly error: string; readonly retryAtMs: number | undefined } | undefined;
}

export type SandboxState =
  | { readonly is: "none"; readonly retryAtMs: number; readonly message: string }
  | { readonly is: "starting" }
  | { readonly is: "ready"; readonly id: string; readonly ip: string }
  | { readonly is: "stopping"; readonly id: string; readonly ip: string }
  | { readonly is: "stopped"; readonly id: string; readonly ip: string };

/** An ephemeral one was put into a pod that runs already, to look around in it: it runs once, and the pod does not depend on it. */
export type ContainerKind = "init" | "sidecar" | "main" | "ephemeral";

export interface ContainerWorker {
  readonly name: string;
  readonly kind: ContainerKind;
  spec: Container;
  /** What the node has set aside for it; its specification may ask for more meanwhile. */
  allocated: ResourceRequirements | undefined;
  /** What the instance that runs was given; undefined while none does. */
  actual: ResourceRequirements | undefined;
  state: ContainerState;
  /** How the instance before this one ended. */
  last: Ended | undefined;
  restartCount: number;
  /** The next instance is a restart, which counts once it is created. */
  restarting: boolean;
  crashBackOff: BackOff | undefined;
  pullBackOff: BackOff | undefined;
  imageRef: string;
  readonly probes: Map<ProbeKind, ProbeProgress>;
  /** Why it has to go, until it has ended. `renews`: its specification has changed, so that it starts again whatever its policy says. */
  condemned: { readonly message: string; readonly graceMs: number; readonly renews?: true } | undefined;
  /** It ended in order to start anew. */
  renewed: boolean;
  /** The runtime has been asked to give it other amounts. */
  resizing: boolean;
  /** What its volumes show, as the runtime was last told while it ran, and what of that never changes: what a subPath shows. */
  shown: readonly GivenFile[] | undefined;
  fixed: readonly GivenFile[] | undefined;
}

export type ContainerState =
  /** Nothing runs; `retryAtMs` says not before when to try (again). */
  | { readonly is: "waiting"; readonly reason: string; readonly message: string; readonly retryAtMs: number }
  /** An instance is on its way: its image, its creation, its start. `reason` and `message` are what the status shows meanwhile. */
  | { readonly is: "busy"; readonly reason: string; readonly message: string }
  | {
      readonly is: "running";
      readonly id: string;
      readonly startedWallMs: number;
      /** The postStart hook is over. */
      readonly hooked: boolean;
      readonly stopping: boolean;
      /** When SIGKILL is due once it is stopping. */
      readonly killAtMs: number;
    }
  | ({ readonly is: "ended" } & Ended);

export interface Ended {
  readonly id: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly startedWallMs: number;
  readonly finishedWallMs: number;
  readonly finishedMs: number;
}

export function newPodWorker(pod: Stored<Pod>, nowMs: number, wallMs: number): PodWorker {
  const containers = new Map<string, ContainerWorker>();
  const add = (kind: ContainerKind, spec: Container) => containers.set(spec.name, newContainerWorker(kind, spec));
  for (const spec of pod.spec?.initContainers ?? []) add(isSidecar(spec) ? "sidecar" : "init", spec);
  for (const spec of pod.spec?.containers ?? []) add("main", spec);
  for (const spec of pod.spec?.ephemeralContainers ?? []) add("ephemeral", spec as Container);
  return {
    pod,
    uid: pod.metadata.uid,
    startedWallMs: wallMs,
    startedMs: nowMs,
    containers,
    sandbox: { is: "none", retryAtMs: 0, message: "" },
    begun: false,
    rejected: undefined,
    evicted: undefined,
    terminating: undefined,
    resolved: new Set(),
    referenced: new Map(),
    followed: undefined,
    finished: false,
    orphaned: false,
    deadlineExceeded: false,
    written: "",
    writing: false,
    retryAtMs: undefined,
    wakeAtMs: undefined,
    deleting: false,
    ready: false,
    resize: { pending: undefined, inProgress: undefined },
  };
}

/** Takes the pod as it is now: ephemeral containers may have come to it, and containers may be of another image or size. */
export function takeNews(worker: PodWorker, pod: Stored<Pod>): void {
  const before = worker.pod;
  worker.pod = pod;
  const containers = worker.containers as Map<string, ContainerWorker>;
  for (const spec of pod.spec?.ephemeralContainers ?? [])
    if (!containers.has(spec.name)) containers.set(spec.name, newContainerWorker("ephemeral", spec as Container));
  if (before.spec === pod.spec || before.metadata.generation === pod.metadata.generation) return;
  for (const spec of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    const container = containers.get(spec.name);
    if (container) takeSpecification(container, spec, (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000);
  }
}

/** Another image needs another instance; what runs once is not run again for it. */
function takeSpecification(container: ContainerWorker, spec: Container, graceMs: number): void {
  const { state, spec: before, name, kind } = container;
  container.spec = spec;
  if (before.image === spec.image || kind === "init") return;
  container.pullBackOff = undefined;
  if (state.is === "running")
    container.condemned ??= { message: `Container ${name} definition changed, will be restarted`, graceMs, renews: true };
  else if (state.is === "waiting") container.state = { ...state, retryAtMs: 0 };
}

function newContainerWorker(kind: ContainerKind, spec: Container): ContainerWorker {
  return {
    name: spec.name,
    kind,
    spec,
    allocated: spec.resources,
    actual: undefined,
    renewed: false,
    resizing: false,
    shown: undefined,
    fixed: undefined,
    state: { is: "waiting", reason: "", message: "", retryAtMs: 0 },
    last: undefined,
    restartCount: 0,
    restarting: false,
    crashBackOff: undefined,
    pullBackOff: undefined,
    imageRef: "",
    probes: new Map(),
    condemned: undefined,
  };
}

type View = Readonly<ContainerWorker>;

/** Whether its startup is over: its postStart hook and its startup probe. */
export function isStarted({ state, spec, probes }: View): boolean {
  if (state.is !== "running" || !state.hooked) return false;
  return !probeOf(spec, "startup") || probes.get("startup")?.result === "success";
}

/** Whether it may be sent requests. */
export function isContainerReady(container: View): boolean {
  if (container.kind === "init") return container.state.is === "ended" && container.state.exitCode === 0;
  if (container.kind === "ephemeral" || !isStarted(container)) return false;
  return !probeOf(container.spec, "readiness") || container.probes.get("readiness")?.result === "success";
}

export const isRunning = ({ state }: View) => state.is === "running";

/** Whether a container that has ended is to be started again. */
export function shouldRestart(pod: Pod, container: View, exitCode: number): boolean {
  if (container.kind === "sidecar" || container.renewed) return true;
  if (container.kind === "ephemeral") return false;
  const { restartPolicyRules = [], restartPolicy } = container.spec;
  for (const { action, exitCodes } of restartPolicyRules) {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    if (action === "Restart" && (exitCodes?.operator === "NotIn" ? !listed : listed)) return true;
  }
  const policy = restartPolicy ?? pod.spec?.restartPolicy ?? "Always";
  if (container.kind === "init") return policy !== "Never" && exitCode !== 0;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

/** The sandbox is gone with everything in it: the pod begins anew, init containers first. What ran counts as lost. */
export function loseSandbox(worker: PodWorker, nowMs: number, wallMs: number): void {
  worker.sandbox = { is: "none", retryAtMs: 0, message: "" };
  worker.begun = false;
  for (const container of worker.containers.values()) {
    const { state } = container;
    container.actual = undefined;
    if (state.is === "running") container.state = { is: "ended", ...lost(state.id, state.startedWallMs, nowMs, wallMs) };
    else if (state.is === "ended" && container.kind === "init")
      container.state = { is: "waiting", reason: "PodInitializing", message: "", retryAtMs: 0 };
    container.probes.clear();
  }
}

/** How a container ended of which nothing is left. */
export function lost(id: string, startedWallMs: number, nowMs: number, wallMs: number): Ended {
  const message = "The container could not be located when the pod was terminated";
  return { id, exitCode: 137, reason: "ContainerStatusUnknown", message, startedWallMs, finishedWallMs: wallMs, finishedMs: nowMs };
}
