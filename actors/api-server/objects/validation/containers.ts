import type { Container, PodSpec } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithPortName, wrongWithPortNumber } from "../../../../protocol/kinds/names";
import { checkEnv, checkEnvFrom } from "./environment";
import type { Findings } from "./field-error";
import { checkResizePolicy } from "./pod-resize";
import { checkLifecycle, checkProbe } from "./probes";
import { checkResources } from "./resources";

/** The containers of a Pod: ordinary, init and ephemeral ones. */

/** What containers share: names of the Pod's volumes, names that are taken. */
interface Pod {
  readonly spec: PodSpec;
  readonly volumes: ReadonlySet<string>;
  readonly names: Set<string>;
  readonly hostPorts: Set<string>;
}

export function checkContainers(spec: PodSpec, at: string, findings: Findings): void {
  const pod: Pod = { spec, volumes: new Set(spec.volumes?.map((volume) => volume.name)), names: new Set(), hostPorts: new Set() };
  if ((spec.containers ?? []).length === 0) findings.required(`${at}.containers`);
  spec.containers?.forEach((container, index) => {
    const here = `${at}.containers[${index}]`;
    checkContainer(container, pod, here, findings);
    checkLifecycle(container.lifecycle, `${here}.lifecycle`, findings);
    checkProbe(container.livenessProbe, `${here}.livenessProbe`, findings, true);
    checkProbe(container.readinessProbe, `${here}.readinessProbe`, findings);
    checkProbe(container.startupProbe, `${here}.startupProbe`, findings, true);
    countHostPorts(container, pod, here, findings);
  });
  const initHostPorts: Pod = { ...pod, hostPorts: new Set() };
  spec.initContainers?.forEach((container, index) => {
    const here = `${at}.initContainers[${index}]`;
    checkContainer(container, pod, here, findings);
    checkInitContainer(container, here, findings);
    countHostPorts(container, initHostPorts, here, findings);
  });
  spec.ephemeralContainers?.forEach((container, index) => {
    const here = `${at}.ephemeralContainers[${index}]`;
    checkContainer(container, pod, here, findings);
    for (const field of ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"] as const) {
      const value = container[field];
      if (value !== undefined && Object.keys(value).length > 0)
        findings.forbidden(`${here}.${field}`, "cannot be set for an Ephemeral Container");
    }
    if (
      container.targetContainerName &&
      ![...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(({ name }) => name === container.targetContainerName)
    )
      findings.notFound(`${here}.targetContainerName`, container.targetContainerName);
  });
}

/** Only an init container that keeps running beside the others (a sidecar) can be probed. */
function checkInitContainer(container: Container, at: string, findings: Findings): void {
  if (container.restartPolicy === "Always") {
    checkLifecycle(container.lifecycle, `${at}.lifecycle`, findings);
    checkProbe(container.livenessProbe, `${at}.livenessProbe`, findings, true);
    checkProbe(container.readinessProbe, `${at}.readinessProbe`, findings);
    checkProbe(container.startupProbe, `${at}.startupProbe`, findings, true);
    return;
  }
  for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const)
    if (container[field] !== undefined)
      findings.forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always");
}

function checkContainer(container: Container, pod: Pod, at: string, findings: Findings): void {
  if (!container.name) findings.required(`${at}.name`);
  else {
    findings.invalidFor(`${at}.name`, container.name, wrongWithDns1123Label(container.name));
    if (pod.names.has(container.name)) findings.duplicate(`${at}.name`, container.name);
    pod.names.add(container.name);
  }
  if (!container.image) findings.required(`${at}.image`);
  else if (container.image !== container.image.trim())
    findings.invalid(`${at}.image`, container.image, "must not have leading or trailing whitespace");
  checkPorts(container, pod, at, findings);
  checkEnv(container.env, `${at}.env`, findings);
  checkEnvFrom(container.envFrom, `${at}.envFrom`, findings);
  checkMounts(container, pod, at, findings);
  checkResources(container.resources, `${at}.resources`, findings);
  checkResizePolicy(container.resizePolicy, pod.spec.restartPolicy, `${at}.resizePolicy`, findings);
  const { securityContext } = container;
  if (securityContext?.privileged === true && securityContext.allowPrivilegeEscalation === false)
    findings.invalid(`${at}.securityContext`, securityContext, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  for (const field of ["runAsUser", "runAsGroup"] as const) {
    const id = securityContext?.[field];
    if (id !== undefined && (id < 0 || id > 2 ** 31 - 1))
      findings.invalid(`${at}.securityContext.${field}`, id, "must be between 0 and 2147483647, inclusive");
  }
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
        findings.invalid(`${here}.containerPort`, port.containerPort, "must match `hostPort` when `hostNetwork` is true");
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

function checkMounts(container: Container, pod: Pod, at: string, findings: Findings): void {
  const paths = new Set<string>();
  container.volumeMounts?.forEach((mount, index) => {
    const here = `${at}.volumeMounts[${index}]`;
    if (!mount.name) findings.required(`${here}.name`);
    else if (!pod.volumes.has(mount.name)) findings.notFound(`${here}.name`, mount.name);
    if (!mount.mountPath) findings.required(`${here}.mountPath`);
    else if (paths.has(mount.mountPath)) findings.invalid(`${here}.mountPath`, mount.mountPath, "must be unique");
    paths.add(mount.mountPath);
    if (mount.subPath) checkRelativePath(mount.subPath, `${here}.subPath`, findings);
    if (mount.subPathExpr) {
      if (mount.subPath) findings.invalid(`${here}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
      checkRelativePath(mount.subPathExpr, `${here}.subPathExpr`, findings);
    }
  });
  container.volumeDevices?.forEach((device, index) => {
    const here = `${at}.volumeDevices[${index}]`;
    if (!device.name) findings.required(`${here}.name`);
    else if (!pod.volumes.has(device.name)) findings.notFound(`${here}.name`, device.name);
    if (!device.devicePath) findings.required(`${here}.devicePath`);
  });
}

/** A path inside a volume: relative, and never upwards. */
export function checkRelativePath(path: string, at: string, findings: Findings): void {
  if (path.startsWith("/")) findings.invalid(at, path, "must be a relative path");
  if (path.split("/").includes("..")) findings.invalid(at, path, "must not contain '..'");
}
