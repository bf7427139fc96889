import type { JsonObject } from "../../../../protocol/kinds/object";
import { constants, fill, listAt, mapList, objectAt, put, type RuleRow } from "./rule";

/** The defaults of apps, batch and autoscaling. Source: the API reference of apps/v1, batch/v1, autoscaling/v1 and v2. */
export const workloadRules: readonly RuleRow[] = [
  ["apps.v1.DeploymentSpec", deployment],
  ["apps.v1.ReplicaSetSpec", constants({ replicas: 1 })],
  ["apps.v1.StatefulSetSpec", statefulSet],
  ["apps.v1.DaemonSetSpec", daemonSet],
  ["batch.v1.Job", job],
  ["batch.v1.JobSpec", jobSpec],
  ["batch.v1.PodFailurePolicyOnPodConditionsPattern", constants({ status: "True" })],
  [
    "batch.v1.CronJobSpec",
    constants({ concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }),
  ],
  ["autoscaling.v1.HorizontalPodAutoscalerSpec", constants({ minReplicas: 1 })],
  ["autoscaling.v2.HorizontalPodAutoscalerSpec", autoscaler],
];

function deployment(given: JsonObject): JsonObject {
  const spec = fill(given, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = fill(objectAt(spec, "strategy"), { type: "RollingUpdate" });
  if (strategy.type !== "RollingUpdate") return put(spec, { strategy });
  const rollingUpdate = fill(objectAt(strategy, "rollingUpdate"), { maxUnavailable: "25%", maxSurge: "25%" });
  return put(spec, { strategy: put(strategy, { rollingUpdate }) });
}

function statefulSet(given: JsonObject): JsonObject {
  const named = mapList(given, "volumeClaimTemplates", (claim) => put(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim" }));
  const spec = fill(named, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: "OrderedReady" });
  const retention = fill(objectAt(spec, "persistentVolumeClaimRetentionPolicy"), { whenDeleted: "Retain", whenScaled: "Retain" });
  const strategy = fill(objectAt(spec, "updateStrategy"), { type: "RollingUpdate" });
  const updateStrategy =
    strategy.type === "RollingUpdate"
      ? put(strategy, { rollingUpdate: fill(objectAt(strategy, "rollingUpdate"), { partition: 0 }) })
      : strategy;
  return put(spec, { persistentVolumeClaimRetentionPolicy: retention, updateStrategy });
}

function daemonSet(given: JsonObject): JsonObject {
  const spec = fill(given, { revisionHistoryLimit: 10 });
  const strategy = fill(objectAt(spec, "updateStrategy"), { type: "RollingUpdate" });
  if (strategy.type !== "RollingUpdate") return put(spec, { updateStrategy: strategy });
  const rollingUpdate = fill(objectAt(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
  return put(spec, { updateStrategy: put(strategy, { rollingUpdate }) });
}

/** A Job without labels takes those of its Pods. */
function job(object: JsonObject): JsonObject {
  const metadata = objectAt(object, "metadata");
  const { labels } = objectAt(objectAt(objectAt(object, "spec"), "template"), "metadata");
  if (labels === undefined || Object.keys(objectAt(metadata, "labels")).length > 0) return object;
  return { ...object, metadata: { ...metadata, labels } };
}

function jobSpec(given: JsonObject): JsonObject {
  const alone = given.completions === undefined && given.parallelism === undefined;
  const backoffLimit = given.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  return fill(given, {
    ...(alone ? { completions: 1 } : {}),
    parallelism: 1,
    backoffLimit,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: given.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed",
  });
}

const cpuAtEightyPercent = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }];

function autoscaler(given: JsonObject): JsonObject {
  const spec = fill(given, { minReplicas: 1 });
  const metrics = listAt(spec, "metrics").length > 0 ? spec.metrics : cpuAtEightyPercent;
  if (spec.behavior === undefined) return put(spec, { metrics });
  const behavior = objectAt(spec, "behavior");
  const scaleUp = fill(objectAt(behavior, "scaleUp"), {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  });
  const scaleDown = fill(objectAt(behavior, "scaleDown"), {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  });
  return put(spec, { metrics, behavior: put(behavior, { scaleUp, scaleDown }) });
}
