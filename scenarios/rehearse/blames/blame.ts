import type { ImageBehaviour } from "../../../actors/container-runtime/image-behaviour";
import { matchesLabelMap } from "../../../protocol/kinds/label-selector";
import type { Manifest } from "../../manifests";
import type { Path } from "../../source";
import type { Change } from "../change";
import type { Cause, Failures, Observation, PodRecord, ServiceObservation } from "../observation";
import type { StormCase } from "../storms/storm";
import type { Subject, Subjects } from "../subject";
import type { Workload } from "../workload";

/** What is known of one Service in one run. */
export interface Evidence {
  readonly subjects: Subjects;
  readonly subject: Subject;
  readonly storm: string;
  readonly case: StormCase;
  readonly observation: Observation;
  readonly service: ServiceObservation;
  readonly behaviours: readonly ImageBehaviour[];
}

/** A setting that is to blame for what users saw of a Service in one run. */
export interface Finding {
  readonly blame: string;
  readonly service: string;
  readonly storm: string;
  readonly about: string;
  /** Requests that it made fail; 0 of a risk that did not come to that. */
  readonly failed: number;
  readonly file: string;
  readonly line: number;
  /** The setting as it stands: "spec.replicas: 1", "no readinessProbe". */
  readonly setting: string;
  /** What happened to the pods, in a sentence or two. */
  readonly evidence: string;
  /** What to do about it. */
  readonly fix: string;
  /** The same as changes that can be tried; empty where there is no single one. */
  readonly changes: readonly Change[];
}

export type Found = Omit<Finding, "blame" | "service" | "storm" | "about">;

/**
 * A kind of setting that can be to blame. It looks at what happened to the pods behind the Service and at the setting together: a bad setting that did no
 * harm is not found, nor is harm that came from elsewhere. One file each; a line in index.ts makes it known.
 */
export interface Blame {
  readonly name: string;
  /** "one replica": as a heading. */
  readonly title: string;
  /** When it is found, in a sentence. */
  readonly what: string;
  /** It explains failures that no setting of the Service's own manifests is to blame for. */
  readonly onlyExplains?: true;
  find(evidence: Evidence): readonly Found[];
}

/** Where a part of a manifest stands. */
export function placeOf(manifest: Manifest, path: Path): { readonly file: string; readonly line: number } {
  return { file: manifest.file, line: manifest.lineOf(path) };
}

export function failuresBy({ failures }: ServiceObservation, ...causes: readonly Cause[]): readonly Failures[] {
  return failures.filter(({ cause }) => causes.includes(cause));
}

export function countOf(failures: readonly Failures[]): number {
  return failures.reduce((sum, { count }) => sum + count, 0);
}

/** The pods that ever stood behind the Service. */
export function podsBehind({ subject, observation }: Evidence): readonly PodRecord[] {
  return observation.pods.filter(({ pod, labels }) => pod.startsWith(`${subject.namespace}/`) && matchesLabelMap(subject.selector, labels));
}

/** The pods behind the Service that were ready when the storm's first step was taken. */
export function readyAtBegin(evidence: Evidence): readonly PodRecord[] {
  const { beganUs } = evidence.observation;
  return podsBehind(evidence).filter(({ ready }) => ready.some(({ fromUs, untilUs }) => fromUs <= beganUs && untilUs > beganUs));
}

export function workloadOfPod({ subject }: Evidence, pod: PodRecord): Workload | undefined {
  return subject.workloads.find(({ id }) => id === pod.owner);
}

/** How many pods of the Service are wanted in all. */
export function wanted({ subject, observation }: Evidence): number {
  const daemons = subject.workloads.some(({ kind }) => kind === "DaemonSet");
  return daemons ? observation.room.length : subject.workloads.reduce((sum, { replicas }) => sum + replicas, 0);
}

/** The longest time in which nobody answered, in seconds. */
export function longestOutage({ outages }: ServiceObservation): number {
  return Math.max(0, ...outages.map(({ fromUs, untilUs }) => (untilUs - fromUs) / 1e6));
}

/** "3.2 s", "2 min", "1 min 12 s". */
export function spell(seconds: number): string {
  if (seconds < 59.5) return `${seconds < 9.95 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function plural(count: number, singular: string, many = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : many}`;
}

/** The container to which the Service's requests go: the one that lists its port, or the first. */
export function servingContainer({ subject }: Evidence, { podSpec }: Workload): number {
  const spec = subject.manifest.object as {
    readonly spec?: { readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[] };
  };
  const target = spec.spec?.ports?.[0]?.targetPort ?? spec.spec?.ports?.[0]?.port;
  const at = podSpec.containers.findIndex(({ ports = [] }) =>
    ports.some(({ name, containerPort }) => name === target || containerPort === target),
  );
  return Math.max(0, at);
}
