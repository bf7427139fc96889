import type { Job, Pod } from "../../protocol/kinds/generated";
import { controllerOf, type Stored } from "../../protocol/kinds/object";
import { create, event, get, jobs, parallel, patch, pods, remove, type Step, type View } from "../client";
import { trackingFinalizer } from "./job-counting";
import { failureCounts } from "./job-index-failures";
import { indexAnnotation } from "./job-indexes";
import { podOf } from "./replicaset";

/** The index by which tracked pods are found by the key of their Job, when that is gone. */
export const trackedOf = "job";

/** A step that makes a pod of the Job, in the place of `last` where each index counts its own failures. */
export function createPod(job: Stored<Job>, at: number | undefined, last?: Stored<Pod>): Step {
  return create(pods, jobPod(job, at, last), {
    after: (result) => [
      result.ok
        ? event(job, "Normal", "SuccessfulCreate", `Created pod: ${result.object.metadata.name}`)
        : event(job, "Warning", "FailedCreate", `Error creating: ${result.status.message}`),
    ],
  });
}

/** A pod of the Job; at a completion index it knows it by annotation, label, host name and JOB_COMPLETION_INDEX. */
export function jobPod(job: Stored<Job>, at: number | undefined, last?: Stored<Pod>): Pod {
  const made = podOf(job, job.spec!.template);
  const finalizers = [...(made.metadata?.finalizers ?? []), trackingFinalizer];
  if (at === undefined) return { ...made, metadata: { ...made.metadata, finalizers } };
  const variable = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: `metadata.labels['${indexAnnotation}']` } },
  };
  const know = <C extends { readonly env?: readonly { readonly name: string }[] }>(container: C): C =>
    container.env?.some(({ name }) => name === variable.name) ? container : { ...container, env: [...(container.env ?? []), variable] };
  const { spec } = made;
  const counts = job.spec?.backoffLimitPerIndex === undefined ? {} : failureCounts(job, last);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      generateName: `${job.metadata.name}-${at}-`,
      finalizers,
      annotations: { ...made.metadata?.annotations, [indexAnnotation]: String(at), ...counts },
      labels: { ...made.metadata?.labels, [indexAnnotation]: String(at) },
    },
    spec: {
      ...spec!,
      hostname: spec?.hostname ?? `${job.metadata.name}-${at}`,
      containers: spec!.containers.map(know),
      ...(spec?.initContainers ? { initContainers: spec.initContainers.map(know) } : {}),
    },
  };
}

export function deletePod(job: Stored<Job>, pod: Stored<Pod>): Step {
  return remove(
    pods,
    pod,
    {},
    {
      after: (result) => (result.ok ? [event(job, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`)] : []),
    },
  );
}

/** A step that lets a pod go that is counted. */
export function releasePod(pod: Stored<Pod>): Step {
  return patch(
    pods,
    pod,
    "strategic",
    { metadata: { uid: pod.metadata.uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } },
    { ignore: ["NotFound"] },
  );
}

/** Pods of a Job that is gone are counted by nobody: once that is sure, nothing holds them. */
export function releaseOrphans(key: string, view: View): readonly Step[] {
  const left = view.of(pods).byIndex(trackedOf, key);
  const [first] = left;
  if (!first) return [];
  return [
    get(jobs, first.metadata.namespace ?? "", controllerOf(first)!.name, (result) => {
      if (!result.ok) return result.status.reason === "NotFound" ? [parallel(left.map(releasePod))] : [];
      const { uid } = result.object.metadata;
      return [parallel(left.filter((pod) => controllerOf(pod)?.uid !== uid).map(releasePod))];
    }),
  ];
}
