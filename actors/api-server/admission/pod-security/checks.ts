import type { Container, PodSpec, SecurityContext } from "../../../../protocol/kinds/generated";

/**
 * The controls of the Pod Security Standards as functions of a Pod's spec. Each answers with nothing, or with what is wrong in the two
 * parts of Kubernetes' message: the reason and, in parentheses, the detail. Source: "Pod Security Standards", version 1.36; the controls and words of probes,
 * procMount, SELinux, users and seccomp compared with pod-security-admission/policy of about 1.35.
 */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export interface PodTemplate {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
}

type Check = (pod: PodTemplate) => Violation | undefined;
type Named = Container & { readonly name: string };

export function containersOf(spec: PodSpec): readonly Named[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...((spec.ephemeralContainers ?? []) as readonly Named[])];
}

const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(", ");
const plural = (names: readonly string[], one: string, many: string) => (names.length === 1 ? one : many);
const containerText = (names: readonly string[]) => `${plural(names, "container", "containers")} ${quoted(names)}`;
const must = (names: readonly string[]) => `${containerText(names)} must`;

function which(spec: PodSpec, isWrong: (context: SecurityContext, container: Named) => boolean): readonly string[] {
  return containersOf(spec)
    .filter((container) => isWrong(container.securityContext ?? {}, container))
    .map(({ name }) => name);
}

const hostNamespaces: Check = ({ spec }) => {
  const set = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field]);
  return set.length === 0 ? undefined : { reason: "host namespaces", detail: set.map((field) => `${field}=true`).join(", ") };
};

const privileged: Check = ({ spec }) => {
  const names = which(spec, (context) => context.privileged === true);
  return names.length === 0 ? undefined : { reason: "privileged", detail: `${must(names)} not set securityContext.privileged=true` };
};

const baselineCapabilities: ReadonlySet<string> = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(" "),
);

const capabilitiesBaseline: Check = ({ spec }) => {
  const added = new Set<string>();
  const names = which(spec, ({ capabilities }) => {
    const wrong = (capabilities?.add ?? []).filter((name) => !baselineCapabilities.has(name));
    for (const name of wrong) added.add(name);
    return wrong.length > 0;
  });
  if (names.length === 0) return undefined;
  return {
    reason: "non-default capabilities",
    detail: `${must(names)} not include ${quoted([...added].sort())} in securityContext.capabilities.add`,
  };
};

const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  return names.length === 0 ? undefined : { reason: "hostPath volumes", detail: `${plural(names, "volume", "volumes")} ${quoted(names)}` };
};

const hostPorts: Check = ({ spec }) => {
  const ports = new Set<number>();
  const names = which(spec, (_context, { ports: own = [] }) => {
    for (const { hostPort } of own) if (hostPort) ports.add(hostPort);
    return own.some(({ hostPort }) => hostPort);
  });
  if (names.length === 0) return undefined;
  const list = [...ports].sort((a, b) => a - b);
  return {
    reason: "hostPort",
    detail: `${containerText(names)} ${plural(names, "uses", "use")} ${list.length === 1 ? "hostPort" : "hostPorts"} ${list.join(", ")}`,
  };
};

const appArmor: Check = ({ spec, annotations }) => {
  const wrongType = (context: { readonly appArmorProfile?: { readonly type: string } } | undefined) =>
    context?.appArmorProfile?.type === "Unconfined";
  const names = which(spec, wrongType);
  const setters = [...(wrongType(spec.securityContext) ? ["pod"] : []), ...(names.length > 0 ? [containerText(names)] : [])];
  const annotated = Object.entries(annotations)
    .filter(
      ([key, value]) =>
        key.startsWith("container.apparmor.security.beta.kubernetes.io/") &&
        value !== "" &&
        value !== "runtime/default" &&
        !value.startsWith("localhost/"),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  if (setters.length === 0 && annotated.length === 0) return undefined;
  const texts = [
    ...(setters.length > 0 ? [`${setters.join(" and ")} must not set AppArmor profile type to "Unconfined"`] : []),
    ...(annotated.length > 0 ? [`${plural(annotated, "annotation", "annotations")} ${annotated.join(", ")}`] : []),
  ];
  return {
    reason: setters.length + annotated.length === 1 ? "forbidden AppArmor profile" : "forbidden AppArmor profiles",
    detail: texts.join("; "),
  };
};

const seLinuxTypes: ReadonlySet<string> = new Set(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

const seLinuxOptions: Check = ({ spec }) => {
  const types = new Set<string>();
  const others = new Set<string>();
  const wrong = (options: { readonly type?: string; readonly user?: string; readonly role?: string } | undefined) => {
    if (!options) return false;
    const { type = "", user = "", role = "" } = options;
    if (!seLinuxTypes.has(type)) types.add(type);
    if (user !== "") others.add("user");
    if (role !== "") others.add("role");
    return !seLinuxTypes.has(type) || user !== "" || role !== "";
  };
  const podIsWrong = wrong(spec.securityContext?.seLinuxOptions);
  const names = which(spec, ({ seLinuxOptions: own }) => wrong(own));
  if (!podIsWrong && names.length === 0) return undefined;
  const setters = [...(podIsWrong ? ["pod"] : []), ...(names.length > 0 ? [containerText(names)] : [])].join(" and ");
  const listed = [...types].sort();
  const found = [
    ...(listed.length > 0 ? [`${plural(listed, "type", "types")} ${quoted(listed)}`] : []),
    ...["user", "role"].filter((field) => others.has(field)).map((field) => `${field} may not be set`),
  ];
  return { reason: "seLinuxOptions", detail: `${setters} set forbidden securityContext.seLinuxOptions: ${found.join("; ")}` };
};

const procMount: Check = ({ spec }) => {
  const types = new Set<string>();
  const names = which(spec, ({ procMount: own }) => {
    if (!own || own === "Default") return false;
    types.add(own);
    return true;
  });
  return names.length === 0
    ? undefined
    : { reason: "procMount", detail: `${must(names)} not set securityContext.procMount to ${quoted([...types].sort())}` };
};

/** A user namespace makes harmless what shows of /proc (since 1.35); the stricter level forbids it all the same. */
const procMountBaseline: Check = (pod) => (pod.spec.hostUsers === false ? undefined : procMount(pod));

const seccompBaseline: Check = ({ spec }) => {
  const unconfined = (context: { readonly seccompProfile?: { readonly type: string } } | undefined) =>
    context?.seccompProfile?.type === "Unconfined";
  const names = which(spec, unconfined);
  const setters = [...(unconfined(spec.securityContext) ? ["pod"] : []), ...(names.length > 0 ? [containerText(names)] : [])];
  return setters.length === 0
    ? undefined
    : { reason: "seccompProfile", detail: `${setters.join(" and ")} must not set securityContext.seccompProfile.type to "Unconfined"` };
};

const safeSysctls: ReadonlySet<string> = new Set(
  `kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start
   net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes
   net.ipv4.tcp_rmem net.ipv4.tcp_wmem`.split(/\s+/),
);

const sysctls: Check = ({ spec }) => {
  const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safeSysctls.has(name));
  return names.length === 0 ? undefined : { reason: plural(names, "forbidden sysctl", "forbidden sysctls"), detail: names.join(", ") };
};

const windowsHostProcess: Check = ({ spec }) => {
  const pod = spec.securityContext?.windowsOptions?.hostProcess === true;
  const names = which(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true);
  const setters = [...(pod ? ["pod"] : []), ...(names.length > 0 ? [containerText(names)] : [])];
  return setters.length === 0
    ? undefined
    : { reason: "hostProcess", detail: `${setters.join(" and ")} must not set securityContext.windowsOptions.hostProcess=true` };
};

const hostProbes: Check = ({ spec }) => {
  const hosts = new Set<string>();
  const found = which(spec, (_context, { livenessProbe, readinessProbe, startupProbe, lifecycle }) => {
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
    const own = handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host !== undefined && host !== "");
    for (const host of own) hosts.add(host!);
    return own.length > 0;
  });
  if (found.length === 0) return undefined;
  const names = [...found].sort();
  return {
    reason: "probe or lifecycle host",
    detail: `${containerText(names)} ${plural(names, "uses", "use")} probe or lifecycle ${hosts.size === 1 ? "host" : "hosts"} ${quoted([...hosts].sort())}`,
  };
};

const allowedVolumes: ReadonlySet<string> = new Set(
  "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split(" "),
);

const restrictedVolumes: Check = ({ spec }) => {
  const types = new Set<string>();
  const names: string[] = [];
  for (const volume of spec.volumes ?? []) {
    const type = Object.keys(volume).find((key) => key !== "name" && volume[key as keyof typeof volume] !== undefined) ?? "emptyDir";
    if (allowedVolumes.has(type)) continue;
    names.push(volume.name);
    types.add(type);
  }
  if (names.length === 0) return undefined;
  const what = plural(names, "volume", "volumes");
  return {
    reason: "restricted volume types",
    detail: `${what} ${quoted(names)} ${plural(names, "uses", "use")} restricted volume ${types.size === 1 ? "type" : "types"} ${quoted([...types].sort())}`,
  };
};

const isWindows = ({ os }: PodSpec) => os?.name === "windows";

const allowPrivilegeEscalation: Check = ({ spec }) => {
  if (isWindows(spec)) return undefined;
  const names = which(spec, (context) => context.allowPrivilegeEscalation !== false);
  return names.length === 0
    ? undefined
    : { reason: "allowPrivilegeEscalation != false", detail: `${must(names)} set securityContext.allowPrivilegeEscalation=false` };
};

const capabilitiesRestricted: Check = ({ spec }) => {
  if (isWindows(spec)) return undefined;
  const added = new Set<string>();
  const undropped = which(spec, ({ capabilities }) => !(capabilities?.drop ?? []).includes("ALL"));
  const adding = which(spec, ({ capabilities }) => {
    const wrong = (capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
    for (const name of wrong) added.add(name);
    return wrong.length > 0;
  });
  const details = [
    ...(undropped.length > 0 ? [`${must(undropped)} set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${must(adding)} not include ${quoted([...added].sort())} in securityContext.capabilities.add`] : []),
  ];
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
};

const runAsNonRoot: Check = ({ spec }) => {
  // A user namespace makes root inside harmless outside.
  if (spec.hostUsers === false) return undefined;
  const pod = spec.securityContext?.runAsNonRoot;
  const explicit = which(spec, (context) => context.runAsNonRoot === false);
  const unset = which(spec, (context) => context.runAsNonRoot === undefined);
  if (explicit.length > 0 || pod === false) {
    const setters = [...(pod === false ? ["pod"] : []), ...(explicit.length > 0 ? [containerText(explicit)] : [])];
    return { reason: "runAsNonRoot != true", detail: `${setters.join(" and ")} must not set securityContext.runAsNonRoot=false` };
  }
  if (pod === true || unset.length === 0) return undefined;
  return { reason: "runAsNonRoot != true", detail: `pod or ${must(unset)} set securityContext.runAsNonRoot=true` };
};

const runAsUser: Check = ({ spec }) => {
  if (spec.hostUsers === false) return undefined;
  const pod = spec.securityContext?.runAsUser === 0;
  const names = which(spec, (context) => context.runAsUser === 0);
  const setters = [...(pod ? ["pod"] : []), ...(names.length > 0 ? [containerText(names)] : [])];
  return setters.length === 0 ? undefined : { reason: "runAsUser=0", detail: `${setters.join(" and ")} must not set runAsUser=0` };
};

const seccompRestricted: Check = ({ spec }) => {
  if (isWindows(spec)) return undefined;
  const isGood = (type: string | undefined) => type === "RuntimeDefault" || type === "Localhost";
  const pod = spec.securityContext?.seccompProfile?.type;
  const wrong = which(spec, ({ seccompProfile }) => seccompProfile !== undefined && !isGood(seccompProfile.type));
  const unset = which(spec, ({ seccompProfile }) => seccompProfile === undefined);
  if ((pod !== undefined && !isGood(pod)) || wrong.length > 0) {
    const setters = [...(pod !== undefined && !isGood(pod) ? ["pod"] : []), ...(wrong.length > 0 ? [containerText(wrong)] : [])];
    return {
      reason: "seccompProfile",
      detail: `${setters.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted([...new Set([pod !== undefined && !isGood(pod) ? pod : "Unconfined"])])}`,
    };
  }
  if (pod !== undefined || unset.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `pod or ${must(unset)} set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

/** In the order in which Kubernetes names them: by their ids. */
const baseline: readonly Check[] = [
  appArmor,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMountBaseline,
  seccompBaseline,
  seLinuxOptions,
  sysctls,
  windowsHostProcess,
];
/** A control that the stricter level has of its own takes the place of the looser one. */
const restricted: readonly Check[] = [
  allowPrivilegeEscalation,
  appArmor,
  capabilitiesRestricted,
  hostNamespaces,
  hostPorts,
  hostProbes,
  privileged,
  procMount,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompRestricted,
  seLinuxOptions,
  sysctls,
  windowsHostProcess,
];

export type Level = "privileged" | "baseline" | "restricted";

export function violationsOf(level: Level, pod: PodTemplate): readonly Violation[] {
  const checks = level === "privileged" ? [] : level === "baseline" ? baseline : restricted;
  return checks.flatMap((check) => check(pod) ?? []);
}
