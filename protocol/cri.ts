/**
 * What a kubelet says to its node's container runtime, and what it hears; modelled on the Container Runtime Interface (runtime.v1).
 * Each request is an ask answered by the message named beside it, or by CriFailed. Events and followed logs are streams.
 */

/** Answered by CriDone. The network from which this node's pods get their addresses. */
export interface CriUpdateRuntimeConfig {
  readonly kind: "cri.updateRuntimeConfig";
  readonly podCidr: string;
}

/** Answered by CriImage. */
export interface CriPullImage {
  readonly kind: "cri.pullImage";
  readonly image: string;
}

/** Answered by CriImage; `present` says whether the node has it. */
export interface CriImageStatus {
  readonly kind: "cri.imageStatus";
  readonly image: string;
}

export interface CriImage {
  readonly kind: "cri.image";
  readonly present: boolean;
  readonly imageRef: string;
  readonly sizeBytes: number;
}

/** Answered by CriSandboxStarted. A pod in the host's network gets the host's address and takes none. */
export interface CriRunPodSandbox {
  readonly kind: "cri.runPodSandbox";
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly attempt: number;
  /** Its host's name; absent where that is the pod's. */
  readonly hostname?: string;
  /** The node's address for pods in the host's network, else "". */
  readonly hostIp: string;
}

export interface CriSandboxStarted {
  readonly kind: "cri.sandboxStarted";
  readonly sandboxId: string;
  readonly ip: string;
}

/** Answered by CriDone. Kills what still runs in it and gives its address back. */
export interface CriStopPodSandbox {
  readonly kind: "cri.stopPodSandbox";
  readonly sandboxId: string;
}

/** Answered by CriDone. Forgets the sandbox, its containers and their logs. */
export interface CriRemovePodSandbox {
  readonly kind: "cri.removePodSandbox";
  readonly sandboxId: string;
}

/** Answered by CriContainerCreated. */
export interface CriCreateContainer {
  readonly kind: "cri.createContainer";
  readonly sandboxId: string;
  readonly name: string;
  readonly image: string;
  /** How many instances of this container came before. */
  readonly attempt: number;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** The TCP and UDP ports on which its process will listen, where its image does not say. */
  readonly ports: readonly number[];
  /** Bytes; 0 without a limit. */
  readonly memoryLimit: number;
  /** Name and value. */
  readonly environment: readonly (readonly [string, string])[];
  /** What volumes show: path, content and permission bits; absent where nothing. */
  readonly files?: readonly CriFile[];
  /** /etc/hosts and /etc/resolv.conf where they are not as usual. */
  readonly hostFiles?: readonly (readonly [path: string, content: string])[];
  /** Its volumes that are directories; absent where there are none. */
  readonly mounts?: readonly CriMount[];
  /** As whom its processes run; absent where that is root. */
  readonly user?: CriUser;
  /** Nothing else can be written; absent where it can. */
  readonly readOnlyRoot?: true;
  /** Absent where it is as usual: /dev/termination-log, and never the log. */
  readonly terminationMessage?: TerminationMessagePlace;
  /** Whether its process reads what is attached, only from the first who attaches, and on a terminal. */
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
}

export interface CriUser {
  readonly uid: number;
  readonly gid: number;
  /** The groups beside its own. */
  readonly groups: readonly number[];
}

/** A file that a volume shows. Bytes that are no UTF-8 stay bytes. */
export type CriFile = readonly [path: string, content: string | Uint8Array, mode: number];

/** Where a container finds a volume. */
export interface CriMount {
  readonly path: string;
  /** Who mounts the same shares it: "pod/UID/NAME" goes with its pod, other names are the node's; "" has nothing in it but files that are shown. */
  readonly volume: string;
  /** The directory in the volume that is shown; absent for all of it. */
  readonly below?: string;
  readonly readOnly?: true;
  /** The directory's permission bits; absent for 0755. */
  readonly mode?: number;
  readonly inMemory?: true;
}

/** Answered by CriDone. What the volumes of a container that runs show has changed: `files` is all of it; `mounts` are those that may be new. */
export interface CriUpdateFiles {
  readonly kind: "cri.updateFiles";
  readonly containerId: string;
  readonly files: readonly CriFile[];
  readonly mounts: readonly CriMount[];
}

/** Where a container says why it ended: a file, or its log where it fails without having written there. */
export interface TerminationMessagePlace {
  readonly path: string;
  readonly fallsBackToLogs: boolean;
}

export interface CriContainerCreated {
  readonly kind: "cri.containerCreated";
  readonly containerId: string;
}

/** Answered by CriDone once the process runs. */
export interface CriStartContainer {
  readonly kind: "cri.startContainer";
  readonly containerId: string;
}

/** Answered by CriDone once the container has exited: SIGTERM, and SIGKILL after the time-out. */
export interface CriStopContainer {
  readonly kind: "cri.stopContainer";
  readonly containerId: string;
  readonly timeoutMs: number;
}

/** Answered by CriDone, or by CriFailed where the process takes more already than it is to have. The process goes on. */
export interface CriUpdateContainerResources {
  readonly kind: "cri.updateContainerResources";
  readonly containerId: string;
  /** Bytes; 0 without a limit. */
  readonly memoryLimit: number;
}

/** Answered by CriDone. Only containers that have exited. */
export interface CriRemoveContainer {
  readonly kind: "cri.removeContainer";
  readonly containerId: string;
}

/** Answered by CriListed: everything the runtime knows. */
export interface CriList {
  readonly kind: "cri.list";
}

export interface CriListed {
  readonly kind: "cri.listed";
  readonly sandboxes: readonly CriSandbox[];
  readonly containers: readonly CriContainer[];
  readonly images: readonly { readonly image: string; readonly sizeBytes: number }[];
}

/** Answered by CriStatsListed: what takes memory and disk on the machine now. */
export interface CriStats {
  readonly kind: "cri.stats";
}

/** Answered by CriUsageListed: what the containers that run take of the machine, and have taken. */
export interface CriUsage {
  readonly kind: "cri.usage";
}

export interface CriUsageListed {
  readonly kind: "cri.usageListed";
  /** The wall clock's microseconds for which this holds. */
  readonly atUs: number;
  readonly containers: readonly ContainerUsage[];
  readonly otherMemoryBytes: number;
  /** Of the machine's disk: images, what containers wrote, and what else lies there. */
  readonly diskBytes: number;
}

export interface ContainerUsage {
  /** "namespace/name". */
  readonly pod: string;
  readonly podUid: string;
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly startedUs: number;
  /** Since it started: core-microseconds. */
  readonly cpuUs: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** In bytes. Only containers that run take memory; all that there are take disk. */
export interface CriStatsListed {
  readonly kind: "cri.statsListed";
  readonly containers: readonly {
    readonly podUid: string;
    readonly name: string;
    readonly memoryBytes: number;
    readonly diskBytes: number;
  }[];
  /** What lies in volumes, where something does; podUid is "" for what is the node's. */
  readonly volumes?: readonly { readonly podUid: string; readonly name: string; readonly bytes: number; readonly inMemory: boolean }[];
  readonly imageBytes: number;
  /** What else is on the machine, outside of all pods. */
  readonly otherMemoryBytes: number;
  readonly otherDiskBytes: number;
}

export interface CriSandbox {
  readonly id: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly state: "ready" | "notReady";
}

export interface CriContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly name: string;
  readonly image: string;
  readonly imageRef: string;
  readonly attempt: number;
  readonly state: "created" | "running" | "exited";
  /** Wall clock, microseconds; 0 where it has not come to that. */
  readonly createdUs: number;
  readonly startedUs: number;
  readonly finishedUs: number;
  readonly exitCode: number;
  /** "Completed", "Error", "OOMKilled". */
  readonly reason: string;
  readonly message: string;
}

/** Opened by the kubelet; CriEvents follow until the stream closes. Whoever opens it lists first, so that nothing falls between. */
export interface CriGetEvents {
  readonly kind: "cri.getEvents";
}

export interface CriEvent {
  readonly kind: "cri.event";
  readonly type: "created" | "started" | "stopped" | "deleted";
  readonly container: CriContainer;
}

/** Answered by CriExecResult. */
export interface CriExecSync {
  readonly kind: "cri.execSync";
  readonly containerId: string;
  readonly command: readonly string[];
}

export interface CriExecResult {
  readonly kind: "cri.execResult";
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A container's log. As an ask it is answered by one CriLog; opened as a stream with `follow`, CriLogs come until the container has exited.
 * `tailLines` and `limitBytes` are -1 where not given, `sinceUs` (wall clock) 0.
 */
export interface CriReadLog {
  readonly kind: "cri.readLog";
  readonly containerId: string;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number;
  readonly limitBytes: number;
  readonly sinceUs: number;
}

export interface CriLog {
  readonly kind: "cri.log";
  readonly bytes: Uint8Array;
}

/** Opened: runs a command in a container. CriDone or CriFailed comes first, then TunnelMessages in both directions. */
export interface CriExec {
  readonly kind: "cri.exec";
  readonly containerId: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Opened: what the main process of a container reads and writes from now on; otherwise as CriExec. */
export interface CriAttach {
  readonly kind: "cri.attach";
  readonly containerId: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Opened: connections into a sandbox's network; otherwise as CriExec. */
export interface CriPortForward {
  readonly kind: "cri.portForward";
  readonly sandboxId: string;
}

export interface CriDone {
  readonly kind: "cri.done";
}

/** The error of a gRPC call in the original: the code's name and a text. */
export interface CriFailed {
  readonly kind: "cri.failed";
  readonly code: "NotFound" | "InvalidArgument" | "FailedPrecondition" | "Unavailable" | "ResourceExhausted" | "Unknown";
  readonly message: string;
}

export type CriRequest =
  | CriUpdateRuntimeConfig
  | CriPullImage
  | CriImageStatus
  | CriRunPodSandbox
  | CriStopPodSandbox
  | CriRemovePodSandbox
  | CriCreateContainer
  | CriStartContainer
  | CriStopContainer
  | CriUpdateContainerResources
  | CriUpdateFiles
  | CriRemoveContainer
  | CriList
  | CriStats
  | CriUsage
  | CriGetEvents
  | CriExecSync
  | CriReadLog
  | CriExec
  | CriAttach
  | CriPortForward;

export type CriAnswer =
  | CriDone
  | CriFailed
  | CriImage
  | CriSandboxStarted
  | CriContainerCreated
  | CriListed
  | CriStatsListed
  | CriUsageListed
  | CriEvent
  | CriExecResult
  | CriLog;

export type CriMessage = CriRequest | CriAnswer;
