import type { Toleration } from "../../../protocol/kinds/generated";
import { isObject } from "../objects/decode";
import { type EventLimit, eventLimitTypes } from "./optional/event-rate-limit";
import { pluginNames } from "./plugin-names";
import { isLevel, type PodSecuritySettings } from "./pod-security/settings";
import { type LimitedResource, readLimitedResources } from "./quota-settings";
import type { WebhookCredentials } from "./webhook-credentials";

/** What plug-ins are told beside whether they are on: what kube-apiserver reads by --admission-control-config-file. */
export interface AdmissionSettings {
  readonly podSecurity?: PodSecuritySettings;
  readonly podNodeSelector?: NodeSelectorSettings;
  readonly podTolerationRestriction?: TolerationSettings;
  readonly eventRateLimit?: readonly EventLimit[];
  readonly imagePolicy?: ImagePolicySettings;
  /** What the webhook plug-ins show to webhooks. */
  readonly validatingCredentials?: WebhookCredentials;
  readonly mutatingCredentials?: WebhookCredentials;
  /** Of ResourceQuota. */
  readonly limitedResources?: readonly LimitedResource[];
}

export interface NodeSelectorSettings {
  /** "zone=a,disk=ssd": for namespaces without an annotation. */
  readonly clusterDefault: string;
  /** By namespace: the labels that its Pods may select, and no others. */
  readonly allowed: Readonly<Record<string, string>>;
}

/** For namespaces without an annotation. */
export interface TolerationSettings {
  readonly defaults: readonly Toleration[];
  readonly allowed: readonly Toleration[];
}

/** Who is asked about images, and what becomes of Pods when nobody answers. */
export interface ImagePolicySettings {
  readonly url: string;
  /** Base64 of PEM; "" for the authorities that the machine trusts. */
  readonly caBundle: string;
  readonly insecure: boolean;
  readonly headers: readonly (readonly [string, string])[];
  readonly allowTtlMs: number;
  readonly denyTtlMs: number;
  readonly retryBackoffMs: number;
  readonly defaultAllow: boolean;
}

export type AdmissionConfigurationRead =
  | { readonly ok: true; readonly settings: AdmissionSettings }
  | { readonly ok: false; readonly problems: readonly string[] };

type Json = Readonly<Record<string, unknown>>;
type Complain = (at: string, why: string) => void;

/**
 * Reads an AdmissionConfiguration whose files are read already: each plug-in has its `configuration` in it, and ImagePolicyWebhook the `access` that its
 * kubeconfig gives. A problem names the place. Source: kube-apiserver's configuration API, and the reference of each plug-in.
 */
export function readAdmissionConfiguration(document: unknown): AdmissionConfigurationRead {
  const problems: string[] = [];
  const complain: Complain = (at, why) => problems.push(`${at}: ${why}`);
  const settings: { -readonly [K in keyof AdmissionSettings]: AdmissionSettings[K] } = {};
  const { apiVersion, kind, plugins = [] } = isObject(document) ? document : {};
  if (kind !== "AdmissionConfiguration") complain("kind", `expected AdmissionConfiguration, found ${JSON.stringify(kind ?? null)}`);
  if (apiVersion !== "apiserver.config.k8s.io/v1" && apiVersion !== "apiserver.k8s.io/v1alpha1")
    complain("apiVersion", `expected apiserver.config.k8s.io/v1, found ${JSON.stringify(apiVersion ?? null)}`);
  const seen = new Set<string>();
  for (const [index, entry] of (Array.isArray(plugins) ? plugins : []).entries()) {
    const at = `plugins[${index}]`;
    const { name, configuration = {} } = isObject(entry) ? entry : {};
    if (typeof name !== "string" || !pluginNames.includes(name as never)) {
      complain(`${at}.name`, `plug-in ${JSON.stringify(name ?? "")} is unknown; there are ${pluginNames.join(", ")}`);
      continue;
    }
    if (seen.has(name)) complain(`${at}.name`, `${name} is there twice`);
    seen.add(name);
    const read = readers[name];
    if (!read) {
      complain(`${at}.name`, `${name} takes no configuration here; ${Object.keys(readers).join(", ")} do`);
      continue;
    }
    if (!isObject(configuration)) complain(`${at}.configuration`, "expected an object");
    else Object.assign(settings, read(configuration, `${at}.configuration`, complain));
  }
  if (!Array.isArray(plugins)) complain("plugins", "expected a list");
  return problems.length > 0 ? { ok: false, problems } : { ok: true, settings };
}

const readers: Readonly<Record<string, (configuration: Json, at: string, complain: Complain) => AdmissionSettings>> = {
  PodSecurity: readPodSecurity,
  PodNodeSelector: readNodeSelectors,
  PodTolerationRestriction: readTolerations,
  EventRateLimit: readEventLimits,
  ImagePolicyWebhook: readImagePolicy,
  ResourceQuota: readQuota,
  ValidatingAdmissionWebhook: (...given) => ({ validatingCredentials: readCredentials(...given) }),
  MutatingAdmissionWebhook: (...given) => ({ mutatingCredentials: readCredentials(...given) }),
};

function expectVersion(
  { apiVersion, kind }: Json,
  group: string,
  versions: readonly string[],
  wanted: string,
  at: string,
  complain: Complain,
) {
  if (kind !== wanted) complain(`${at}.kind`, `expected ${wanted}, found ${JSON.stringify(kind ?? null)}`);
  if (!versions.some((version) => apiVersion === `${group}/${version}`))
    complain(`${at}.apiVersion`, `expected ${group}/${versions[0]}, found ${JSON.stringify(apiVersion ?? null)}`);
}

function noOther(given: Json, fields: readonly string[], at: string, complain: Complain): void {
  for (const field of Object.keys(given))
    if (!fields.includes(field)) complain(`${at}.${field}`, `unknown field; there are ${fields.join(", ")}`);
}

/** The `users` are those of the kubeconfig, which whoever read the files has put there. */
function readCredentials(configuration: Json, at: string, complain: Complain): WebhookCredentials {
  const isOld = configuration.kind === "WebhookAdmission" && configuration.apiVersion === "apiserver.config.k8s.io/v1alpha1";
  if (!isOld) expectVersion(configuration, "apiserver.config.k8s.io", ["v1"], "WebhookAdmissionConfiguration", at, complain);
  noOther(configuration, ["apiVersion", "kind", "kubeConfigFile", "users"], at, complain);
  if (!configuration.kubeConfigFile) return [];
  if (!Array.isArray(configuration.users))
    complain(`${at}.kubeConfigFile`, "expected the path of a kubeconfig whose users are named after webhooks");
  return (configuration.users ?? []) as WebhookCredentials;
}

function readQuota(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  const { apiVersion, kind } = configuration;
  // Earlier versions of the API called it otherwise.
  const isOld = apiVersion === "resourcequota.admission.k8s.io/v1beta1" || apiVersion === "resourcequota.admission.k8s.io/v1alpha1";
  if (!isOld || kind !== "Configuration")
    expectVersion(configuration, "apiserver.config.k8s.io", ["v1"], "ResourceQuotaConfiguration", at, complain);
  noOther(configuration, ["apiVersion", "kind", "limitedResources"], at, complain);
  return { limitedResources: readLimitedResources(configuration.limitedResources, `${at}.limitedResources`, complain) };
}

function readPodSecurity(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  expectVersion(
    configuration,
    "pod-security.admission.config.k8s.io",
    ["v1", "v1beta1", "v1alpha1"],
    "PodSecurityConfiguration",
    at,
    complain,
  );
  noOther(configuration, ["apiVersion", "kind", "defaults", "exemptions"], at, complain);
  const defaults = isObject(configuration.defaults) ? configuration.defaults : {};
  const modes = ["enforce", "audit", "warn"] as const;
  noOther(
    defaults,
    modes.flatMap((mode) => [mode, `${mode}-version`]),
    `${at}.defaults`,
    complain,
  );
  const mode = (name: (typeof modes)[number]) => {
    const [level = "privileged", version = "latest"] = [defaults[name], defaults[`${name}-version`]];
    if (!isLevel(level)) complain(`${at}.defaults.${name}`, `expected privileged, baseline or restricted, found ${JSON.stringify(level)}`);
    if (typeof version !== "string" || !/^(latest|v1\.\d+)$/.test(version))
      complain(`${at}.defaults.${name}-version`, `expected "latest" or "v1.x", found ${JSON.stringify(version)}`);
    return { level: isLevel(level) ? level : ("privileged" as const), version: String(version) };
  };
  const exemptions = isObject(configuration.exemptions) ? configuration.exemptions : {};
  noOther(exemptions, ["usernames", "runtimeClasses", "namespaces"], `${at}.exemptions`, complain);
  const names = (field: string) => {
    const list = exemptions[field] ?? [];
    if (Array.isArray(list) && list.every((name) => typeof name === "string" && name !== "")) return list as readonly string[];
    complain(`${at}.exemptions.${field}`, "expected a list of names");
    return [];
  };
  return {
    podSecurity: {
      defaults: { enforce: mode("enforce"), audit: mode("audit"), warn: mode("warn") },
      exemptions: { usernames: names("usernames"), runtimeClasses: names("runtimeClasses"), namespaces: names("namespaces") },
    },
  };
}

function readNodeSelectors(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  const field = "podNodeSelectorPluginConfig";
  noOther(configuration, [field], at, complain);
  const selectors = isObject(configuration[field]) ? configuration[field] : {};
  for (const [name, text] of Object.entries(selectors))
    if (typeof text !== "string" || !text.split(",").every((pair) => pair.trim() === "" || pair.split("=").length === 2))
      complain(`${at}.${field}.${name}`, `expected KEY=VALUE with commas between, found ${JSON.stringify(text)}`);
  const { clusterDefaultNodeSelector = "", ...allowed } = selectors as Readonly<Record<string, string>>;
  return { podNodeSelector: { clusterDefault: clusterDefaultNodeSelector, allowed } };
}

function readTolerations(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  expectVersion(configuration, "podtolerationrestriction.admission.k8s.io", ["v1alpha1"], "Configuration", at, complain);
  noOther(configuration, ["apiVersion", "kind", "default", "whitelist"], at, complain);
  const list = (field: string) => {
    const tolerations = configuration[field] ?? [];
    if (Array.isArray(tolerations) && tolerations.every(isObject)) return tolerations as readonly Toleration[];
    complain(`${at}.${field}`, "expected a list of tolerations");
    return [];
  };
  return { podTolerationRestriction: { defaults: list("default"), allowed: list("whitelist") } };
}

function readEventLimits(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  expectVersion(configuration, "eventratelimit.admission.k8s.io", ["v1alpha1"], "Configuration", at, complain);
  noOther(configuration, ["apiVersion", "kind", "limits"], at, complain);
  const { limits } = configuration;
  if (!Array.isArray(limits) || limits.length === 0) complain(`${at}.limits`, "must not be empty");
  const read = (Array.isArray(limits) ? limits : []).map((limit: unknown, index): EventLimit => {
    const here = `${at}.limits[${index}]`;
    const { type, qps = 0, burst = 0, cacheSize = 0 } = isObject(limit) ? limit : {};
    const known = eventLimitTypes.find((each) => each === type);
    if (!known) complain(`${here}.type`, `expected ${eventLimitTypes.join(", ")}, found ${JSON.stringify(type ?? null)}`);
    for (const [field, value] of [
      ["burst", burst],
      ["qps", qps],
    ] as const)
      if (typeof value !== "number" || !(value > 0)) complain(`${here}.${field}`, "must be positive");
    if (typeof cacheSize !== "number" || cacheSize < 0) complain(`${here}.cacheSize`, "must not be negative");
    return { type: known ?? "Server", qps: Number(qps), burst: Number(burst), cacheSize: Number(cacheSize) || 4096 };
  });
  return { eventRateLimit: read };
}

function readImagePolicy(configuration: Json, at: string, complain: Complain): AdmissionSettings {
  noOther(configuration, ["imagePolicy"], at, complain);
  const policy = isObject(configuration.imagePolicy) ? configuration.imagePolicy : {};
  const here = `${at}.imagePolicy`;
  noOther(policy, ["kubeConfigFile", "allowTTL", "denyTTL", "retryBackoff", "defaultAllow", "access"], here, complain);
  const { defaultAllow = false } = policy;
  const access = isObject(policy.access) ? policy.access : {};
  if (typeof access.url !== "string") complain(`${here}.kubeConfigFile`, "expected the path of a kubeconfig that says whom to ask");
  if (typeof defaultAllow !== "boolean") complain(`${here}.defaultAllow`, "expected true or false");
  // In seconds, but for the back-off, which is in milliseconds; -1 is no time, 0 or nothing the default.
  const time = (field: string, unitMs: number, standard: number, most: number) => {
    const value = policy[field] ?? 0;
    if (typeof value !== "number" || (value !== -1 && value !== 0 && (value * unitMs < 1 || value * unitMs > most)))
      complain(`${here}.${field}`, `valid value is between 1 and ${most / unitMs}, got ${JSON.stringify(value)}`);
    return value === -1 ? 0 : (Number(value) || standard / unitMs) * unitMs;
  };
  return {
    imagePolicy: {
      url: String(access.url ?? ""),
      caBundle: String(access.caBundle ?? ""),
      insecure: access.insecure === true,
      headers: (access.headers ?? []) as ImagePolicySettings["headers"],
      allowTtlMs: time("allowTTL", 1000, 5 * 60_000, 30 * 60_000),
      denyTtlMs: time("denyTTL", 1000, 30_000, 30 * 60_000),
      retryBackoffMs: time("retryBackoff", 1, 500, 5 * 60_000),
      defaultAllow: defaultAllow === true,
    },
  };
}
