import type { Container, NodeSelectorTerm, Pod, PodSpec, Toleration } from "../../../../protocol/kinds/generated";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";
import { checkPodAnnotations, checkPodSpec } from "./pod-spec";

/** Pods: what is valid, and the little of a Pod that can be changed once it is there. */

export function checkPod(pod: Pod, findings: Findings): void {
  const spec: PodSpec = pod.spec ?? { containers: [] };
  checkPodAnnotations(pod.metadata?.annotations, "metadata.annotations", findings);
  checkPodSpec(spec, "spec", findings, pod.metadata?.name ?? "");
  for (const list of ["containers", "initContainers", "ephemeralContainers"] as const)
    spec[list]?.forEach(({ image = "" }, index) => {
      if (image !== image.trim()) findings.invalid(`spec.${list}[${index}].image`, image, "must not have leading or trailing whitespace");
    });
  if (spec.serviceAccountName) return;
  spec.volumes?.forEach((volume, index) => {
    volume.projected?.sources?.forEach(({ serviceAccountToken }, place) => {
      if (serviceAccountToken)
        findings.forbidden(
          `spec.volumes[${index}].projected.sources[${place}].serviceAccountToken`,
          "must not be specified when serviceAccountName is not set",
        );
    });
  });
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
  checkNarrowed(before, after, findings);
  const pretended: PodSpec = {
    ...after,
    containers: withImagesOf(after.containers, before.containers),
    ...(after.initContainers ? { initContainers: withImagesOf(after.initContainers, before.initContainers ?? []) } : {}),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
    ...frozenWhileGated(before, after),
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
function checkNarrowed(before: PodSpec, after: PodSpec, findings: Findings): void {
  if ((before.schedulingGates ?? []).length === 0) return;
  const kept = Object.entries(before.nodeSelector ?? {}).every(([key, value]) => after.nodeSelector?.[key] === value);
  if (!kept)
    findings.invalid(
      "spec.nodeSelector",
      after.nodeSelector ?? null,
      "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
    );
  const at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const termsOf = ({ affinity }: PodSpec) =>
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [old, now] = [termsOf(before), termsOf(after)];
  if (old.length > 0 && old.length !== now.length)
    return findings.invalid(at, now, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  old.forEach((term, index) => {
    if (!hasOnlyMore(term, now[index]!))
      findings.invalid(`${at}[${index}]`, now[index], "only additions are allowed (no mutations or deletions)");
  });
}

/** A term that demands nothing selects nothing, and must stay so. */
function hasOnlyMore(old: NodeSelectorTerm, now: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  if (lists.every((list) => (old[list] ?? []).length === 0)) return lists.every((list) => (now[list] ?? []).length === 0);
  return lists.every((list) => semanticallyEqual(old[list] ?? [], (now[list] ?? []).slice(0, old[list]?.length ?? 0)));
}

function frozenWhileGated(before: PodSpec, after: PodSpec): Partial<PodSpec> {
  if ((before.schedulingGates ?? []).length === 0) return {};
  const { nodeAffinity: _, ...others } = after.affinity ?? {};
  const { nodeAffinity } = before.affinity ?? {};
  return { nodeSelector: before.nodeSelector, affinity: { ...others, ...(nodeAffinity ? { nodeAffinity } : {}) } };
}

/** An update through /ephemeralcontainers: those that are there stay as they are. */
export function checkEphemeralContainersUpdate(stored: Pod, updated: Pod, findings: Findings): void {
  if (stored.metadata?.annotations?.["kubernetes.io/config.mirror"] !== undefined)
    return findings.forbidden("", "static pods do not support ephemeral containers");
  const after = new Map(updated.spec?.ephemeralContainers?.map((container) => [container.name, container]));
  stored.spec?.ephemeralContainers?.forEach((container) => {
    const now = after.get(container.name);
    if (!now) findings.forbidden("spec.ephemeralContainers", `existing ephemeral containers "${container.name}" may not be removed\n`);
    else if (!semanticallyEqual(container, now))
      findings.forbidden("spec.ephemeralContainers", `existing ephemeral containers "${container.name}" may not be changed\n`);
  });
}
