import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from "../../../../protocol/kinds/generated";
import { scaledValue } from "../../../../protocol/kinds/int-or-string";
import { matchesLabelMap } from "../../../../protocol/kinds/label-selector";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkCountOrPercent, checkNonNegative } from "./numbers";
import { checkClaimSpec } from "./persistent-volumes";
import { checkPodTemplate, checkRunsForever, checkSelectorAndTemplate } from "./pod-spec";

/** apps/v1 and ReplicationControllers. */

export function checkDeployment({ spec }: Deployment, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkNonNegative(spec.replicas, "spec.replicas", findings);
  checkSelectorAndTemplate(spec.selector, spec.template, "spec", "empty selector is invalid for deployment", findings);
  checkRunsForever(spec.template, "spec", findings);
  const { strategy } = spec;
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === "Recreate" && rolling !== undefined)
    findings.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
  if (strategy?.type === "RollingUpdate" && rolling) {
    checkCountOrPercent(rolling.maxUnavailable, "spec.strategy.rollingUpdate.maxUnavailable", findings, 100);
    checkCountOrPercent(rolling.maxSurge, "spec.strategy.rollingUpdate.maxSurge", findings);
    if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge))
      findings.invalid("spec.strategy.rollingUpdate.maxUnavailable", rolling.maxUnavailable, "may not be 0 when `maxSurge` is 0");
  }
  checkNonNegative(spec.minReadySeconds, "spec.minReadySeconds", findings);
  checkNonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", findings);
  checkNonNegative(spec.progressDeadlineSeconds, "spec.progressDeadlineSeconds", findings);
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0))
    findings.invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds");
}

const isZero = (value: number | string | undefined) => value !== undefined && scaledValue(value, 100, "up") === 0;

export function checkReplicaSet({ spec }: ReplicaSet, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkNonNegative(spec.replicas, "spec.replicas", findings);
  checkNonNegative(spec.minReadySeconds, "spec.minReadySeconds", findings);
  checkSelectorAndTemplate(spec.selector, spec.template, "spec", "empty selector is invalid for deployment", findings);
  checkRunsForever(spec.template, "spec", findings);
}

export function checkReplicationController({ spec }: ReplicationController, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkNonNegative(spec.replicas, "spec.replicas", findings);
  checkNonNegative(spec.minReadySeconds, "spec.minReadySeconds", findings);
  if (Object.keys(spec.selector ?? {}).length === 0) findings.required("spec.selector");
  if (!spec.template) return findings.required("spec.template");
  if (Object.keys(spec.selector ?? {}).length > 0 && !matchesLabelMap(spec.selector, spec.template.metadata?.labels))
    findings.invalid(
      "spec.template.metadata.labels",
      spec.template.metadata?.labels ?? null,
      "`selector` does not match template `labels`",
    );
  checkPodTemplate(spec.template, "spec.template", findings);
  checkRunsForever(spec.template, "spec", findings, "ReplicationController");
}

export function checkStatefulSet({ spec }: StatefulSet, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkNonNegative(spec.replicas, "spec.replicas", findings);
  checkNonNegative(spec.minReadySeconds, "spec.minReadySeconds", findings);
  checkNonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", findings);
  checkNonNegative(spec.ordinals?.start, "spec.ordinals.start", findings);
  const strategy = spec.updateStrategy;
  const management = spec.podManagementPolicy;
  if (management && management !== "OrderedReady" && management !== "Parallel")
    findings.invalid("spec.podManagementPolicy", management, "must be 'OrderedReady' or 'Parallel'");
  if (strategy?.type && strategy.type !== "RollingUpdate" && strategy.type !== "OnDelete")
    findings.invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'");
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const policy = retention?.[field];
    if (policy !== undefined && policy !== "Retain" && policy !== "Delete")
      findings.notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, ["Delete", "Retain"]);
  }
  if (strategy?.type === "OnDelete" && strategy.rollingUpdate !== undefined)
    findings.invalid("spec.updateStrategy.rollingUpdate", strategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
  checkNonNegative(strategy?.rollingUpdate?.partition, "spec.updateStrategy.rollingUpdate.partition", findings);
  checkCountOrPercent(strategy?.rollingUpdate?.maxUnavailable, "spec.updateStrategy.rollingUpdate.maxUnavailable", findings, 100);
  // Volumes that come from claim templates are known to the template only by name.
  const claims = (spec.volumeClaimTemplates ?? []).map((claim) => ({ name: claim.metadata?.name ?? "", emptyDir: {} }));
  checkSelectorAndTemplate(
    spec.selector,
    withVolumes(spec.template, claims),
    "spec",
    "empty selector is invalid for statefulset",
    findings,
  );
  checkRunsForever(spec.template, "spec", findings, "StatefulSet");
  spec.volumeClaimTemplates?.forEach((claim, index) => {
    if (!claim.metadata?.name) findings.required(`spec.volumeClaimTemplates[${index}].metadata.name`);
    checkClaimSpec(claim.spec, `spec.volumeClaimTemplates[${index}].spec`, findings);
  });
}

function withVolumes(
  template: PodTemplateSpec | undefined,
  more: readonly { readonly name: string; readonly emptyDir: object }[],
): PodTemplateSpec | undefined {
  if (!template?.spec || more.length === 0) return template;
  const replaced = new Set(more.map(({ name }) => name));
  const own = (template.spec.volumes ?? []).filter(({ name }) => !replaced.has(name));
  return { ...template, spec: { ...template.spec, volumes: [...own, ...more] } };
}

export function checkDaemonSet({ spec }: DaemonSet, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkSelectorAndTemplate(spec.selector, spec.template, "spec", "empty selector is invalid for daemonset", findings);
  checkRunsForever(spec.template, "spec", findings, "DaemonSet");
  checkNonNegative(spec.minReadySeconds, "spec.minReadySeconds", findings);
  checkNonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", findings);
  const rolling = spec.updateStrategy?.rollingUpdate;
  if (!rolling || spec.updateStrategy?.type !== "RollingUpdate") return;
  checkCountOrPercent(rolling.maxUnavailable, "spec.updateStrategy.rollingUpdate.maxUnavailable", findings, 100);
  checkCountOrPercent(rolling.maxSurge, "spec.updateStrategy.rollingUpdate.maxSurge", findings, 100);
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge))
    findings.required("spec.updateStrategy.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0");
  if (!isZero(rolling.maxUnavailable) && rolling.maxSurge !== undefined && !isZero(rolling.maxSurge))
    findings.invalid("spec.updateStrategy.rollingUpdate.maxSurge", rolling.maxSurge, "may not be set when maxUnavailable is non-zero");
}

export function checkControllerRevision(revision: ControllerRevision, findings: Findings): void {
  if (revision.data === undefined) findings.required("data", "data is mandatory");
  checkNonNegative(revision.revision, "revision", findings);
}

export function checkControllerRevisionUpdate(stored: ControllerRevision, updated: ControllerRevision, findings: Findings): void {
  if (!semanticallyEqual(stored.data, updated.data)) findings.invalid("data", updated.data, "field is immutable");
}

interface HasSelector {
  readonly spec?: { readonly selector?: unknown };
}

/** Deployments, ReplicaSets and DaemonSets never change their selector. */
export function checkSelectorUpdate(stored: HasSelector, updated: HasSelector, findings: Findings): void {
  if (!semanticallyEqual(stored.spec?.selector, updated.spec?.selector))
    findings.invalid("spec.selector", updated.spec?.selector ?? null, "field is immutable");
}

const statefulSetUpdatable: ReadonlySet<string> = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

export function checkStatefulSetUpdate(stored: StatefulSet, updated: StatefulSet, findings: Findings): void {
  const before: Readonly<Record<string, unknown>> = { ...stored.spec };
  const after: Readonly<Record<string, unknown>> = { ...updated.spec };
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (fields.some((field) => !statefulSetUpdatable.has(field) && !semanticallyEqual(before[field], after[field])))
    findings.forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
}
