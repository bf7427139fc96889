import type { Container, Pod, PodSpec, Toleration } from "../../../../protocol/kinds/generated";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkPodSpec } from "./pod-spec";

/** Pods: what is valid, and the little of a Pod that can be changed once it is there. */

export function checkPod(pod: Pod, findings: Findings): void {
  checkPodSpec(pod.spec ?? { containers: [] }, "spec", findings);
}

export function checkPodCreate(pod: Pod, findings: Findings): void {
  if ((pod.spec?.ephemeralContainers ?? []).length > 0) findings.forbidden("spec.ephemeralContainers", "cannot be set on create");
  if (pod.spec?.nodeName && (pod.spec.schedulingGates ?? []).length > 0)
    findings.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
}

const updatable =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** An update of the Pod itself. Whatever is not updatable must stay as it is. */
export function checkPodUpdate(stored: Pod, updated: Pod, findings: Findings): void {
  const before = stored.spec ?? { containers: [] };
  const after = updated.spec ?? { containers: [] };
  if ((before.containers ?? []).length !== (after.containers ?? []).length)
    return findings.forbidden("spec.containers", "pod updates may not add or remove containers");
  if ((before.initContainers ?? []).length !== (after.initContainers ?? []).length)
    return findings.forbidden("spec.initContainers", "pod updates may not add or remove containers");
  checkDeadline(before, after, findings);
  checkAddedTolerations(before.tolerations ?? [], after.tolerations ?? [], findings);
  checkGates(before, after, findings);

  const pretended: PodSpec = {
    ...after,
    containers: withImagesOf(after.containers, before.containers),
    ...(after.initContainers ? { initContainers: withImagesOf(after.initContainers, before.initContainers ?? []) } : {}),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
    ...unfrozenWhileGated(before, after),
    ...((before.terminationGracePeriodSeconds ?? 0) < 0 && after.terminationGracePeriodSeconds === 1
      ? { terminationGracePeriodSeconds: before.terminationGracePeriodSeconds }
      : {}),
  };
  const changed = [...new Set([...Object.keys(before), ...Object.keys(pretended)])].filter(
    (field) => !semanticallyEqual(before[field as keyof PodSpec], pretended[field as keyof PodSpec]),
  );
  if (changed.length > 0)
    findings.forbidden(
      "spec",
      `${updatable}\nchanged: ${changed
        .sort()
        .map((field) => `spec.${field}`)
        .join(", ")}`,
    );
}

function withImagesOf(containers: readonly Container[] = [], images: readonly Container[] = []): readonly Container[] {
  return containers.map((container, index) => ({ ...container, image: images[index]?.image }));
}

function checkDeadline(before: PodSpec, after: PodSpec, findings: Findings): void {
  const old = before.activeDeadlineSeconds;
  const deadline = after.activeDeadlineSeconds;
  if (old === undefined) return;
  if (deadline === undefined) findings.invalid("spec.activeDeadlineSeconds", null, "must not update from a positive integer to nil value");
  else if (deadline > old) findings.invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value");
}

/** Tolerations may come, and those that are there may change how long they hold. */
function checkAddedTolerations(before: readonly Toleration[], after: readonly Toleration[], findings: Findings): void {
  const apartFromSeconds = ({ tolerationSeconds, ...rest }: Toleration) => rest;
  const kept = before.every((old) => after.some((toleration) => semanticallyEqual(apartFromSeconds(old), apartFromSeconds(toleration))));
  if (!kept) findings.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
}

function checkGates(before: PodSpec, after: PodSpec, findings: Findings): void {
  const had = new Set(before.schedulingGates?.map(({ name }) => name));
  after.schedulingGates?.forEach(({ name }, index) => {
    if (!had.has(name))
      findings.forbidden(`spec.schedulingGates[${index}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`);
  });
}

/** While gates hold a Pod back its scheduling directives may still become narrower. */
function unfrozenWhileGated(before: PodSpec, after: PodSpec): Partial<PodSpec> {
  if ((before.schedulingGates ?? []).length === 0) return {};
  const narrowed = Object.entries(before.nodeSelector ?? {}).every(([key, value]) => after.nodeSelector?.[key] === value);
  const { nodeAffinity: oldAffinity } = before.affinity ?? {};
  const affinity = oldAffinity?.requiredDuringSchedulingIgnoredDuringExecution === undefined ? { affinity: before.affinity } : {};
  return narrowed ? { nodeSelector: before.nodeSelector, ...affinity } : affinity;
}

/** An update through /ephemeralcontainers: those that are there stay as they are. */
export function checkEphemeralContainersUpdate(stored: Pod, updated: Pod, findings: Findings): void {
  const after = new Map(updated.spec?.ephemeralContainers?.map((container) => [container.name, container]));
  stored.spec?.ephemeralContainers?.forEach((container, index) => {
    const now = after.get(container.name);
    if (!now) findings.forbidden("spec.ephemeralContainers", `existing ephemeral containers "${container.name}" may not be removed\n`);
    else if (!semanticallyEqual(container, now))
      findings.forbidden(`spec.ephemeralContainers[${index}]`, `existing ephemeral containers "${container.name}" may not be changed\n`);
  });
}
