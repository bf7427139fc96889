import type {
  AppArmorProfile,
  Container,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from "../../../../protocol/kinds/generated";
import type { Findings } from "./field-error";
import { checkRange } from "./numbers";
import { checkRelativePath } from "./paths";

/** As whom and with what a Pod's processes run. */

const idMax = 2 ** 31 - 1;

export function checkPodSecurity(spec: PodSpec, at: string, findings: Findings): void {
  const context: PodSecurityContext = spec.securityContext ?? {};
  const here = `${at}.securityContext`;
  for (const field of ["fsGroup", "runAsUser", "runAsGroup"] as const) checkRange(context[field], 0, idMax, `${here}.${field}`, findings);
  context.supplementalGroups?.forEach((group, index) => {
    checkRange(group, 0, idMax, `${here}.supplementalGroups[${index}]`, findings);
  });
  if (spec.hostPID === true && spec.shareProcessNamespace === true)
    findings.invalid(`${at}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled");
  checkSysctls(spec, `${here}.sysctls`, findings);
  checkSeccomp(context.seccompProfile, `${here}.seccompProfile`, findings);
  checkAppArmor(context.appArmorProfile, `${here}.appArmorProfile`, findings);
  if (spec.hostUsers === false) {
    // The fields are called as the internal type calls them.
    if (spec.hostNetwork) findings.forbidden(`${at}.hostNetwork`, "when `pod.Spec.HostUsers` is false");
    if (spec.hostPID) findings.forbidden(`${at}.HostPID`, "when `pod.Spec.HostUsers` is false");
    if (spec.hostIPC) findings.forbidden(`${at}.HostIPC`, "when `pod.Spec.HostUsers` is false");
  }
}

const sysctlShape = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const sysctlPattern = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

function checkSysctls(spec: PodSpec, at: string, findings: Findings): void {
  const names = new Set<string>();
  spec.securityContext?.sysctls?.forEach(({ name }, index) => {
    const here = `${at}[${index}].name`;
    if (!name) findings.required(here);
    else if (name.length > 253 || !sysctlShape.test(name))
      findings.invalid(here, name, `must have at most 253 characters and match regex ${sysctlPattern}`);
    else if (names.has(name)) findings.duplicate(here, name);
    const dotted = (name ?? "").replaceAll("/", ".");
    if (spec.hostNetwork && dotted.startsWith("net.")) findings.invalid(here, name, "may not be specified when 'hostNetwork' is true");
    if (spec.hostIPC && /^(kernel\.(sem|shm|msg)|fs\.mqueue\.)/.test(dotted))
      findings.invalid(here, name, "may not be specified when 'hostIPC' is true");
    names.add(name);
  });
}

function checkSeccomp(profile: SeccompProfile | undefined, at: string, findings: Findings): void {
  if (!profile) return;
  if (!profile.type) findings.required(`${at}.type`, "type is required when seccompProfile is set");
  else if (!["Localhost", "RuntimeDefault", "Unconfined"].includes(profile.type))
    findings.notSupported(`${at}.type`, profile.type, ["Localhost", "RuntimeDefault", "Unconfined"]);
  if (profile.type === "Localhost") {
    if (profile.localhostProfile === undefined) findings.required(`${at}.localhostProfile`, "must be set when seccomp type is Localhost");
    else checkRelativePath(profile.localhostProfile, `${at}.localhostProfile`, findings);
  } else if (profile.localhostProfile !== undefined)
    findings.invalid(`${at}.localhostProfile`, profile, "can only be set when seccomp type is Localhost");
}

function checkAppArmor(profile: AppArmorProfile | undefined, at: string, findings: Findings): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) findings.required(`${at}.type`, "type is required when appArmorProfile is set");
  else if (type === "Localhost") {
    if (!localhostProfile?.trim()) findings.required(`${at}.localhostProfile`, "must be set when AppArmor type is Localhost");
    else if (localhostProfile !== localhostProfile.trim())
      findings.invalid(`${at}.localhostProfile`, localhostProfile, "must not be padded with whitespace");
    if (Buffer.byteLength(localhostProfile ?? "") > 4095) findings.tooLong(`${at}.localhostProfile`, 4095);
  } else if (type !== "RuntimeDefault" && type !== "Unconfined")
    findings.notSupported(`${at}.type`, type, ["Localhost", "RuntimeDefault", "Unconfined"]);
  else if (localhostProfile !== undefined)
    findings.invalid(`${at}.localhostProfile`, localhostProfile, "can only be set when AppArmor type is Localhost");
}

export function checkContainerSecurity({ securityContext: context }: Container, spec: PodSpec, at: string, findings: Findings): void {
  if (!context) return;
  for (const field of ["runAsUser", "runAsGroup"] as const) checkRange(context[field], 0, idMax, `${at}.${field}`, findings);
  if (context.procMount !== undefined && context.procMount !== "Default" && context.procMount !== "Unmasked")
    findings.notSupported(`${at}.procMount`, context.procMount, ["Default", "Unmasked"]);
  if (context.procMount === "Unmasked" && spec.hostUsers !== false)
    findings.invalid(`${at}.procMount`, context.procMount, "`hostUsers` must be false to use `Unmasked`");
  checkSeccomp(context.seccompProfile, `${at}.seccompProfile`, findings);
  checkEscalation(context, at, findings);
  checkAppArmor(context.appArmorProfile, `${at}.appArmorProfile`, findings);
}

function checkEscalation(context: SecurityContext, at: string, findings: Findings): void {
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged === true) findings.invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  if (context.capabilities?.add?.includes("CAP_SYS_ADMIN"))
    findings.invalid(at, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
}

const podOfLinux = [
  ...(["appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser"] as const),
  ...(["runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"] as const),
];
const containerOfLinux = [
  ...(["appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged"] as const),
  ...(["allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup"] as const),
];

/** What a Pod may not ask for that says which operating system it is for. */
export function checkOs(spec: PodSpec, at: string, findings: Findings): void {
  if (!spec.os) return;
  const { name } = spec.os;
  if (!name) return findings.required(`${at}.os.name`, "cannot be empty");
  if (name !== "linux" && name !== "windows") return findings.notSupported(`${at}.os`, name, ["linux", "windows"]);
  const context = spec.securityContext ?? {};
  const forbid = (field: string) => findings.forbidden(field, "cannot be set for a windows pod");
  const containers = (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => [`${at}.${list}[${index}].securityContext`, container.securityContext] as const),
  );
  if (name === "linux") {
    for (const [field, holder] of [[`${at}.securityContext`, context] as const, ...containers])
      if (holder?.windowsOptions) findings.forbidden(`${field}.windowsOptions`, "windows options cannot be set for a linux pod");
    return;
  }
  for (const field of ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] as const)
    if (spec[field] !== undefined && (spec[field] || field === "hostUsers" || field === "shareProcessNamespace")) forbid(`${at}.${field}`);
  for (const field of podOfLinux) if (context[field] !== undefined) forbid(`${at}.securityContext.${field}`);
  for (const [here, holder] of containers)
    for (const field of containerOfLinux) if (holder?.[field] !== undefined) forbid(`${here}.${field}`);
}
