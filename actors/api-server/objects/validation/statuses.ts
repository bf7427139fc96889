import type { ContainerStatus, Namespace, Pod, PodStatus } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { isIPv6, wrongWithAddress } from "./addresses";
import type { Findings } from "./field-error";
import { checkNonNegative } from "./numbers";

/** What an update of /status may say: little is asked of it, since it tells what is and not what is wanted. */

export function checkPodStatus(stored: Pod, updated: Pod, findings: Findings): void {
  const before: PodStatus = stored.status ?? {};
  const after: PodStatus = updated.status ?? {};
  after.conditions?.forEach(({ type }, index) => {
    if (type !== "PodScheduled" && type !== "Ready" && type !== "Initialized")
      findings.invalidFor(`metadata.conditions[${index}].Type`, type ?? "", wrongWithQualifiedName(type ?? ""));
  });
  const nominated = after.nominatedNodeName;
  if (nominated && nominated !== before.nominatedNodeName)
    findings.invalidFor("status.nominatedNodeName", nominated, wrongWithDns1123Subdomain(nominated));
  if (before.qosClass !== undefined && before.qosClass !== after.qosClass)
    findings.invalid("status.qosClass", after.qosClass ?? "", "field is immutable");
  const policy = stored.spec?.restartPolicy ?? "Always";
  const restarting = new Set(stored.spec?.containers?.filter((one) => one.restartPolicy !== undefined).map(({ name }) => name));
  checkStaysEnded(before.containerStatuses, after.containerStatuses, policy, restarting, "status.containerStatuses", findings);
  // Init containers are left out: where a node has lost a pod's sandbox, they run again.
  const ephemeral = "status.ephemeralContainerStatuses";
  checkStaysEnded(before.ephemeralContainerStatuses, after.ephemeralContainerStatuses, "Never", new Set(), ephemeral, findings);
  checkAddresses(after.podIPs, "status.podIPs", findings);
  if ((after.hostIPs ?? []).length > 0 && after.hostIP !== after.hostIPs![0]!.ip)
    findings.invalid("status.hostIPs[0].ip", after.hostIPs![0]!.ip, "must be equal to `hostIP`");
  checkAddresses(after.hostIPs, "status.hostIPs", findings);
}

/** What has ended and is not to be started again cannot be said to run. */
function checkStaysEnded(
  before: readonly ContainerStatus[] = [],
  after: readonly ContainerStatus[] = [],
  restartPolicy: string,
  exempt: ReadonlySet<string>,
  at: string,
  findings: Findings,
): void {
  if (restartPolicy === "Always") return;
  before.forEach(({ name, state }, index) => {
    if (!state?.terminated || exempt.has(name)) return;
    if (state.terminated.exitCode !== 0 && restartPolicy === "OnFailure") return;
    if (after.some((now) => now.name === name && now.state?.terminated === undefined))
      findings.forbidden(`${at}[${index}].state`, "may not be transitioned to non-terminated state");
  });
}

function checkAddresses(list: readonly { readonly ip?: string }[] | undefined, at: string, findings: Findings): void {
  const addresses = (list ?? []).map(({ ip }) => ip ?? "");
  addresses.forEach((address, index) => {
    findings.invalidFor(`${at}[${index}]`, address, wrongWithAddress(address));
  });
  if (addresses.length < 2) return;
  if (addresses.length > 2 || new Set(addresses.map(isIPv6)).size < 2)
    findings.invalid(at, list, "may specify no more than one IP for each IP family");
  addresses.forEach((address, index) => {
    if (addresses.indexOf(address) < index) findings.duplicate(`${at}[${index}]`, list![index]);
  });
}

export function checkNamespaceStatus(_stored: Namespace, { metadata, status }: Namespace, findings: Findings): void {
  const phase = status?.phase ?? "";
  if (metadata?.deletionTimestamp === undefined) {
    if (phase !== "Active") findings.invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty");
  } else if (phase !== "Terminating")
    findings.invalid("status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
}

interface Counted {
  readonly status?: Readonly<Record<string, unknown>>;
}

/** Counts of Pods: none below zero, and no part greater than its whole. */
interface Counts {
  readonly counts: readonly string[];
  /** Part and whole, with how the whole is called. */
  readonly parts: readonly (readonly [part: string, whole: string, called: string])[];
}

const ofReplicas = "status.replicas";
const replicaCounts: Counts = {
  counts: ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas", "observedGeneration"],
  parts: [
    ["fullyLabeledReplicas", "replicas", ofReplicas],
    ["readyReplicas", "replicas", ofReplicas],
    ["availableReplicas", "replicas", ofReplicas],
    ["availableReplicas", "readyReplicas", "readyReplicas"],
  ],
};

const countsByKind: ReadonlyMap<string, Counts> = new Map([
  ["/ReplicationController", replicaCounts],
  ["apps/ReplicaSet", replicaCounts],
  [
    "apps/Deployment",
    {
      counts: [
        ...["observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"],
        ...["terminatingReplicas", "collisionCount"],
      ],
      parts: [
        ["updatedReplicas", "replicas", ofReplicas],
        ["readyReplicas", "replicas", ofReplicas],
        ["availableReplicas", "replicas", ofReplicas],
        ["availableReplicas", "readyReplicas", "readyReplicas"],
      ],
    },
  ],
  [
    "apps/StatefulSet",
    {
      counts: [
        ...["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration"],
        "collisionCount",
      ],
      parts: [
        ["readyReplicas", "replicas", ofReplicas],
        ["currentReplicas", "replicas", ofReplicas],
        ["updatedReplicas", "replicas", ofReplicas],
        ["availableReplicas", "replicas", ofReplicas],
        ["availableReplicas", "readyReplicas", "status.readyReplicas"],
      ],
    },
  ],
  [
    "apps/DaemonSet",
    {
      counts: [
        ...["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration"],
        ...["updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount"],
      ],
      parts: [],
    },
  ],
  ["batch/Job", { counts: ["active", "succeeded", "failed", "ready", "terminating"], parts: [["ready", "active", "active"]] }],
  [
    "policy/PodDisruptionBudget",
    { counts: ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods", "observedGeneration"], parts: [] },
  ],
  ["autoscaling/HorizontalPodAutoscaler", { counts: ["currentReplicas", "desiredReplicas"], parts: [] }],
]);

/** The rules for a kind's counts, if it has any. */
export function countsOf(kind: string): ((stored: Counted, updated: Counted, findings: Findings) => void) | undefined {
  const rules = countsByKind.get(kind);
  if (!rules) return undefined;
  return (stored, updated, findings) => {
    const count = (object: Counted, field: string) => Number(object.status?.[field] ?? 0);
    for (const field of rules.counts) checkNonNegative(count(updated, field), `status.${field}`, findings);
    for (const [part, whole, called] of rules.parts)
      if (count(updated, part) > count(updated, whole))
        findings.invalid(`status.${part}`, count(updated, part), `cannot be greater than ${called}`);
    if (rules.counts.includes("collisionCount") && count(updated, "collisionCount") < count(stored, "collisionCount"))
      findings.invalid("status.collisionCount", count(updated, "collisionCount"), "cannot be decremented");
  };
}

interface Finished {
  readonly spec?: unknown;
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly completionTime?: string;
  };
}

/** A Job that is over stays so, and is over in one way. */
export function checkJobStatus(stored: Finished, updated: Finished, findings: Findings): void {
  const has = ({ status }: Finished, type: string) =>
    status?.conditions?.some((one) => one.type === type && one.status === "True") ?? false;
  for (const type of ["Failed", "Complete", "FailureTarget", "SuccessCriteriaMet"])
    if (has(stored, type) && !has(updated, type))
      findings.invalid("status.conditions", updated.status?.conditions ?? null, `cannot disable the terminal ${type}=True condition`);
  if (has(updated, "Failed") && has(updated, "Complete"))
    findings.invalid("status.conditions", updated.status?.conditions, "cannot set Complete=True and Failed=true conditions");
  const [before, after] = [stored.status?.completionTime, updated.status?.completionTime];
  if (before !== undefined && !semanticallyEqual(before, after))
    findings.invalid("status.completionTime", after ?? null, "field is immutable");
  if (after !== undefined && !has(updated, "Complete"))
    findings.invalid("status.completionTime", after, "cannot set completionTime when there is no Complete=True condition");
  if (has(updated, "Complete") && after === undefined)
    findings.required("status.completionTime", "completionTime is required for Complete jobs");
}
