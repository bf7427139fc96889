/**
 * What a node's kernel does to the processes that run on it. No actor of a cluster says it: it comes from whoever runs the world, as a kill from a shell
 * on the machine or the kernel's own hand when memory is short.
 */

/** Asked of "container-runtime/NODE" through a gateway; answered by ProcessKilled. */
export interface ProcessKill {
  readonly kind: "process.kill";
  /** "namespace/name". */
  readonly pod: string;
  /** "" means all that run in the pod. */
  readonly container: string;
  /** 137 for SIGKILL. */
  readonly exitCode: number;
  readonly reason: "Error" | "OOMKilled";
}

export interface ProcessKilled {
  readonly kind: "process.killed";
  /** Names of the containers that ended by it. */
  readonly containers: readonly string[];
}

/** Something outside of all pods takes so much of the machine from now on, in the place of what it took before. Answered by ProcessLoaded. */
export interface ProcessLoad {
  readonly kind: "process.load";
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface ProcessLoaded {
  readonly kind: "process.loaded";
}

export type ProcessMessage = ProcessKill | ProcessKilled | ProcessLoad | ProcessLoaded;
