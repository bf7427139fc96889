import type { Container, PodSpec, Volume } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithPortName, wrongWithPortNumber } from "../../../../protocol/kinds/names";
import { checkEnv, checkEnvFrom } from "./environment";
import type { Findings } from "./field-error";
import { checkDevices, checkMounts } from "./mounts";
import { checkResizePolicy } from "./pod-resize";
import { checkLifecycle, checkProbe, type ProbeKind } from "./probes";
import { checkResources } from "./resources";
import { checkContainerSecurity } from "./security";

/** The containers of a Pod: ordinary, init and ephemeral ones. */

/** What containers share: names of the Pod's volumes, names that are taken. */
interface Pod {
  readonly spec: PodSpec;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claims: ReadonlySet<string>;
  readonly names: Set<string>;
  readonly hostPorts: Set<string>;
}

export function checkContainers(spec: PodSpec, at: string, findings: Findings): void {
  const pod: Pod = {
    spec,
    volumes: new Map(spec.volumes?.map((volume) => [volume.name, volume])),
    claims: new Set(spec.resourceClaims?.map(({ name }) => name)),
    names: new Set(),
    hostPorts: new Set(),
  };
  if ((spec.containers ?? []).length === 0) findings.required(`${at}.containers`);
  spec.containers?.forEach((container, index) => {
    const here = `${at}.containers[${index}]`;
    checkContainer(container, pod, here, findings);
    checkWhatRuns(container, spec, here, findings);
    countHostPorts(container, pod, here, findings);
  });
  spec.initContainers?.forEach((container, index) => {
    const here = `${at}.initContainers[${index}]`;
    checkContainer(container, pod, here, findings);
    checkInitContainer(container, spec, here, findings);
    // They run one after another.
    countHostPorts(container, { ...pod, hostPorts: new Set() }, here, findings);
  });
  spec.ephemeralContainers?.forEach((container, index) => {
    const here = `${at}.ephemeralContainers[${index}]`;
    checkContainer(container, pod, here, findings);
    container.volumeMounts?.forEach((mount, place) => {
      for (const field of ["subPath", "subPathExpr"] as const)
        if (mount[field]) findings.forbidden(`${here}.volumeMounts[${place}].${field}`, "cannot be set for an Ephemeral Container");
    });
    for (const field of notForEphemeral) {
      const value: unknown = container[field];
      if (value !== undefined && (typeof value === "string" || Object.keys(value as object).length > 0))
        findings.forbidden(`${here}.${field}`, "cannot be set for an Ephemeral Container");
    }
    if (
      container.targetContainerName &&
      ![...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(({ name }) => name === container.targetContainerName)
    )
      findings.notFound(`${here}.targetContainerName`, container.targetContainerName);
  });
}

const notForEphemeral = [
  ...(["ports", "resources", "resizePolicy", "restartPolicy", "livenessProbe", "readinessProbe"] as const),
  ...(["startupProbe", "lifecycle"] as const),
];

const probes: readonly ProbeKind[] = ["livenessProbe", "readinessProbe", "startupProbe"];

/** Hooks and probes of what keeps running. */
function checkWhatRuns(container: Container, spec: PodSpec, at: string, findings: Findings): void {
  checkLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds, `${at}.lifecycle`, findings);
  for (const kind of probes) checkProbe(container[kind], kind, `${at}.${kind}`, findings);
}

/** Only an init container that keeps running beside the others (a sidecar) can be probed. */
function checkInitContainer(container: Container, spec: PodSpec, at: string, findings: Findings): void {
  if (container.restartPolicy === "Always") return checkWhatRuns(container, spec, at, findings);
  for (const field of ["lifecycle", ...probes] as const)
    if (container[field] !== undefined)
      findings.forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always");
}

const restartRulesMax = 20;
const exitCodesMax = 255;

/** A container's own policy, and rules that decide by its exit code. */
function checkRestart({ restartPolicy, restartPolicyRules: rules = [] }: Container, at: string, findings: Findings): void {
  if (rules.length === 0) return;
  const here = `${at}.restartPolicyRules`;
  if (restartPolicy === undefined) findings.required(`${at}.restartPolicy`, "must specify restartPolicy when restart rules are used");
  if (rules.length > restartRulesMax) findings.tooLong(here, restartRulesMax);
  rules.forEach(({ exitCodes }, index) => {
    if (!exitCodes) findings.required(`${here}[${index}].exitCodes`, "must be specified");
    else if ((exitCodes.values ?? []).length === 0)
      findings.invalid(`${here}[${index}].exitCodes.values`, exitCodes.values ?? null, "at least one value must be specified");
    else if (exitCodes.values!.length > exitCodesMax) findings.tooLong(`${here}[${index}].exitCodes.values`, exitCodesMax);
  });
}

function checkContainer(container: Container, pod: Pod, at: string, findings: Findings): void {
  if (!container.name) findings.required(`${at}.name`);
  else {
    findings.invalidFor(`${at}.name`, container.name, wrongWithDns1123Label(container.name));
    if (pod.names.has(container.name)) findings.duplicate(`${at}.name`, container.name);
    pod.names.add(container.name);
  }
  if (!container.image) findings.required(`${at}.image`);
  checkPorts(container, pod, at, findings);
  checkEnv(container.env, `${at}.env`, findings);
  checkEnvFrom(container.envFrom, `${at}.envFrom`, findings);
  checkMounts(container, pod.volumes, at, findings);
  checkDevices(container, pod.volumes, at, findings);
  checkResources(container.resources, `${at}.resources`, findings, { claims: pod.claims });
  checkResizePolicy(container.resizePolicy, pod.spec.restartPolicy, `${at}.resizePolicy`, findings);
  checkRestart(container, at, findings);
  checkContainerSecurity(container, pod.spec, `${at}.securityContext`, findings);
}

function checkPorts(container: Container, pod: Pod, at: string, findings: Findings): void {
  const names = new Set<string>();
  container.ports?.forEach((port, index) => {
    const here = `${at}.ports[${index}]`;
    if (port.name) {
      findings.invalidFor(`${here}.name`, port.name, wrongWithPortName(port.name));
      if (names.has(port.name)) findings.duplicate(`${here}.name`, port.name);
      names.add(port.name);
    }
    if (!port.containerPort) findings.required(`${here}.containerPort`);
    else findings.invalidFor(`${here}.containerPort`, port.containerPort, wrongWithPortNumber(port.containerPort));
    if (port.hostPort) {
      findings.invalidFor(`${here}.hostPort`, port.hostPort, wrongWithPortNumber(port.hostPort));
      if (pod.spec.hostNetwork === true && port.hostPort !== port.containerPort)
        findings.invalid(`${here}.hostPort`, port.hostPort, "must match `containerPort` when `hostNetwork` is true");
    }
  });
}

function countHostPorts(container: Container, pod: Pod, at: string, findings: Findings): void {
  container.ports?.forEach((port, index) => {
    if (!port.hostPort) return;
    const taken = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
    if (pod.hostPorts.has(taken)) findings.duplicate(`${at}.ports[${index}].hostPort`, taken);
    pod.hostPorts.add(taken);
  });
}
