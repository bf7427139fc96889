import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../protocol/kinds/generated";
import { controllerReference, isBeingDeleted, type Stored, timeMs } from "../../protocol/kinds/object";
import { canonical, fnv1a, safeEncode } from "./canonical";
import { maxSurgeOf } from "./deployment-scale";

/** Which ReplicaSet is a Deployment's new one, and the revisions by which `kubectl rollout` tells the others apart. */

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";
export const hashLabel = "pod-template-hash";

/** Annotations that say something about the one object they are on, and are not handed down from Deployment to ReplicaSet. */
const notHandedDown: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** The hash of a pod template; a collision count of 0 is the same as none. */
export function templateHash(template: PodTemplateSpec, collisionCount: number): string {
  return safeEncode(fnv1a(canonical(template) + (collisionCount > 0 ? String(collisionCount) : "")));
}

/** Whether two templates are the same but for the hash that ReplicaSets add. */
export function isSameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return canonical(withoutHash(a)) === canonical(withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { labels: __, ...metadata } = template?.metadata ?? {};
  return { spec: template?.spec, metadata: { ...metadata, labels } };
}

/** Oldest first; names decide between equals. */
export function byCreation(a: Stored<unknown>, b: Stored<unknown>): number {
  return (
    (timeMs(a.metadata.creationTimestamp) ?? 0) - (timeMs(b.metadata.creationTimestamp) ?? 0) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

/** The oldest set with the Deployment's template: where there are two, every controller must choose the same. */
export function newReplicaSetOf(deployment: Stored<Deployment>, sets: readonly Stored<ReplicaSet>[]): Stored<ReplicaSet> | undefined {
  return [...sets].sort(byCreation).find((set) => isSameTemplate(set.spec?.template, deployment.spec?.template));
}

export function revisionOf(object: Stored<unknown>): number {
  const revision = Number(object.metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** One more than the highest of the old ones. */
export function nextRevision(oldSets: readonly Stored<ReplicaSet>[]): number {
  return Math.max(0, ...oldSets.map(revisionOf)) + 1;
}

/** The annotations of an existing new ReplicaSet: those of the Deployment handed down, the revision raised, the one before kept in the history. */
export function annotationsOfNewSet(
  deployment: Stored<Deployment>,
  set: Stored<ReplicaSet>,
  revision: number,
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { ...set.metadata.annotations, ...handedDown(deployment) };
  const before = revisionOf(set);
  if (before >= revision) return annotations;
  annotations[revisionAnnotation] = String(revision);
  if (before > 0) {
    const history = annotations[revisionHistoryAnnotation];
    annotations[revisionHistoryAnnotation] = history ? `${history},${before}` : String(before);
  }
  return annotations;
}

function handedDown(deployment: Stored<Deployment>): Record<string, string> {
  return Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notHandedDown.has(name)));
}

/** The ReplicaSet for a template that has none yet. */
export function makeReplicaSet(
  deployment: Stored<Deployment>,
  revision: number,
  replicas: number,
): ReplicaSet & { readonly metadata: { readonly name: string } } {
  const { spec, status, metadata } = deployment;
  const { selector, template, minReadySeconds } = spec!;
  const hash = templateHash(template, status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const desired = spec!.replicas ?? 1;
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace!,
      labels,
      annotations: {
        ...handedDown(deployment),
        [revisionAnnotation]: String(revision),
        [desiredReplicasAnnotation]: String(desired),
        [maxReplicasAnnotation]: String(desired + maxSurgeOf(deployment)),
      },
      ownerReferences: [controllerReference(deployment as Stored)],
    },
    spec: {
      replicas,
      ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Old sets beyond revisionHistoryLimit that hold no pods and have nothing pending, lowest revision first. */
export function surplusHistory(deployment: Stored<Deployment>, oldSets: readonly Stored<ReplicaSet>[]): readonly Stored<ReplicaSet>[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const alive = oldSets.filter((set) => !isBeingDeleted(set)).sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b));
  return alive.slice(0, Math.max(0, alive.length - limit)).filter(({ spec, status, metadata }) => {
    const isObserved = (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
    return (status?.replicas ?? 0) === 0 && (spec?.replicas ?? 1) === 0 && isObserved;
  });
}
