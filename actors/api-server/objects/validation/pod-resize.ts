import type { Container, ContainerResizePolicy, Pod, PodSpec, ResourceRequirements } from "../../../../protocol/kinds/generated";
import { semanticallyEqual } from "../equality";
import { qualityOfService } from "../quality-of-service";
import type { Findings } from "./field-error";

/** What an update through /resize may do: other amounts of CPU and memory for containers that keep running. Source: "Resize CPU and Memory Resources assigned to Containers". */

const resizable: readonly string[] = ["cpu", "memory"];

/** Sidecars are resized like the main containers; init containers have their size for as long as they run. */
const isSidecar = ({ restartPolicy }: Container) => restartPolicy === "Always";

export function checkPodResize(stored: Pod, updated: Pod, findings: Findings): void {
  // These two are said of the Pod as a whole, and instead of everything else.
  if (stored.metadata?.annotations?.["kubernetes.io/config.mirror"] !== undefined)
    return findings.forbidden("", "static pods cannot be resized");
  if (stored.spec?.os?.name === "windows") return findings.forbidden("", "windows pods cannot be resized");
  const before = stored.spec ?? { containers: [] };
  const after = updated.spec ?? { containers: [] };
  const quality = stored.status?.qosClass ?? qualityOfService(before);
  if (quality !== qualityOfService(after)) findings.invalid("spec", quality, "Pod QOS Class may not change as a result of resizing");
  if (!nodeCanResize(stored)) findings.forbidden("spec", "Pod running on node without support for resize");
  checkRemoved(before.resources, after.resources, "spec.resources", findings);
  for (const list of ["initContainers", "containers"] as const) {
    const now = after[list] ?? [];
    (before[list] ?? []).forEach((container, index) => {
      if (list === "containers" || isSidecar(container))
        checkRemoved(container.resources, now[index]?.resources, `spec.${list}[${index}].resources`, findings);
    });
  }
  checkOnlyAmounts(before, after, findings);
}

/** A kubelet that can resize reports what its containers really have. While nothing runs nobody can tell. */
function nodeCanResize({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

/** What was asked for may become more or less, but not nothing. */
function checkRemoved(
  before: ResourceRequirements | undefined,
  after: ResourceRequirements | undefined,
  at: string,
  findings: Findings,
): void {
  for (const list of ["requests", "limits"] as const) {
    const kept = after?.[list] ?? {};
    if (Object.keys(before?.[list] ?? {}).some((name) => !Object.hasOwn(kept, name)))
      findings.forbidden(`${at}.${list}`, `resource ${list} cannot be removed`);
  }
}

function checkOnlyAmounts(before: PodSpec, after: PodSpec, findings: Findings): void {
  before.containers.forEach((container, index) => {
    if (!differsOnlyInAmounts(container, after.containers[index])) findings.forbidden("spec", "only cpu and memory resources are mutable");
  });
  before.initContainers?.forEach((container, index) => {
    const now = after.initContainers?.[index];
    if (!isSidecar(container)) {
      if (!semanticallyEqual(container, now)) findings.forbidden("spec", "resources for non-sidecar init containers are immutable");
    } else if (!differsOnlyInAmounts(container, now))
      findings.forbidden("spec", "only cpu and memory resources for sidecar containers are mutable");
  });
}

function differsOnlyInAmounts(before: Container, after: Container | undefined): boolean {
  if (!after) return false;
  const { resources: was, ...rest } = before;
  const { resources: is, ...now } = after;
  return semanticallyEqual(rest, now) && semanticallyEqual(withoutAmounts(was), withoutAmounts(is));
}

function withoutAmounts(resources: ResourceRequirements | undefined) {
  const others = (list: ResourceRequirements["requests"]) =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => !resizable.includes(name)));
  return { claims: resources?.claims, requests: others(resources?.requests), limits: others(resources?.limits) };
}

/** For each resource once, whether a container has to start again to get another amount of it. */
export function checkResizePolicy(
  policies: readonly ContainerResizePolicy[] | undefined,
  podRestartPolicy: string | undefined,
  at: string,
  findings: Findings,
): void {
  const named = new Set<string>();
  policies?.forEach(({ resourceName, restartPolicy }, index) => {
    if (resourceName && named.has(resourceName)) findings.duplicate(`${at}[${index}]`, resourceName);
    named.add(resourceName);
    if (!resourceName) findings.required(at);
    else if (!resizable.includes(resourceName)) findings.notSupported(at, resourceName, resizable);
    if (!restartPolicy) findings.required(at);
    else if (restartPolicy !== "NotRequired" && restartPolicy !== "RestartContainer")
      findings.notSupported(at, restartPolicy, ["NotRequired", "RestartContainer"]);
    else if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired")
      findings.invalid(at, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
  });
}
