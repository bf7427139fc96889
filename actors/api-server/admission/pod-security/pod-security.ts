import type { Namespace, Pod, PodTemplateSpec } from "../../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../../protocol/kinds/object";
import { forbidden } from "../../../../protocol/status";
import { type Admission, isOf, type Plugin } from "../admission";
import { type Level, type PodTemplate, violationsOf } from "./checks";

/**
 * Holds Pods to the level of the Pod Security Standards that their namespace's labels name: `enforce` refuses Pods, `warn` warns of Pods and of
 * what makes them. Every version of the standards is taken for the newest. Source: "Pod Security Admission".
 */
export const podSecurity: Plugin = {
  name: "PodSecurity",
  needs: ({ operation, kind, namespace }) =>
    operation !== "DELETE" && kind.namespaced && (isPodKind(kind.group, kind.plural) || templatePaths.has(`${kind.plural}.${kind.group}`))
      ? [{ group: "", version: "v1", plural: "namespaces", namespace: "", name: namespace }]
      : [],
  validate(admission) {
    const { kind, name, object } = admission;
    if (!concernsPod(admission)) return undefined;
    const policy = policyOf(admission, "enforce");
    const wrong = policy && textOf(policy, templateOf(object as ApiObject & Pod));
    return wrong ? forbidden({ group: kind.group, resource: kind.plural, name }, `violates PodSecurity ${wrong}`) : undefined;
  },
  warn(admission) {
    if (isOf(admission, "", "namespaces")) return warningsOfNamespace(admission);
    const template = concernsPod(admission) ? templateOf(admission.object as ApiObject & Pod) : templateIn(admission);
    const policy = template && policyOf(admission, "warn");
    const wrong = policy && textOf(policy, template);
    return wrong ? [`would violate PodSecurity ${wrong}`] : [];
  },
};

interface Policy {
  readonly level: Level;
  readonly version: string;
}

const levels: ReadonlySet<string> = new Set(["privileged", "baseline", "restricted"]);
const prefix = "pod-security.kubernetes.io/";

const isPodKind = (group: string, plural: string) => group === "" && plural === "pods";

/** Where the kinds that make Pods keep their template. */
const templatePaths: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["podtemplates.", ["template"]],
  ...["replicationcontrollers.", "replicasets.apps", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch"].map(
    (resource) => [resource, ["spec", "template"]] as const,
  ),
  ["cronjobs.batch", ["spec", "jobTemplate", "spec", "template"]],
]);

/** Updates that do not touch what a Pod may do are not looked at. */
function concernsPod(admission: Admission): boolean {
  const { operation, kind, subresource, old, object } = admission;
  if (operation === "DELETE" || !isPodKind(kind.group, kind.plural)) return false;
  if (operation === "CREATE") return subresource === "";
  if (subresource !== "" && subresource !== "ephemeralcontainers") return false;
  const shown = (pod: ApiObject | undefined) => {
    const { spec, metadata } = (pod ?? {}) as ApiObject & Pod;
    return JSON.stringify([spec?.containers?.map(({ image: _, ...rest }) => rest), spec?.ephemeralContainers, metadata?.annotations]);
  };
  return shown(old) !== shown(object);
}

function templateOf({ spec, metadata }: Pod | PodTemplateSpec): PodTemplate {
  return { spec: spec ?? { containers: [] }, annotations: metadata?.annotations ?? {} };
}

function templateIn({ operation, kind, subresource, object }: Admission): PodTemplate | undefined {
  const path = operation === "DELETE" || subresource !== "" ? undefined : templatePaths.get(`${kind.plural}.${kind.group}`);
  if (!path) return undefined;
  const found = path.reduce<unknown>((value, field) => (value as Readonly<Record<string, unknown>> | undefined)?.[field], object);
  return found === undefined ? undefined : templateOf(found as PodTemplateSpec);
}

function policyOf({ cluster, namespace }: Admission, mode: "enforce" | "warn"): Policy | undefined {
  return policyIn((cluster.get("", "v1", "namespaces", "", namespace) as Stored<Namespace> | undefined)?.metadata.labels, mode);
}

function policyIn(labels: Readonly<Record<string, string>> | undefined, mode: "enforce" | "warn" | "audit"): Policy | undefined {
  const level = labels?.[prefix + mode];
  if (level === undefined) return undefined;
  // A level that nobody knows is taken for the strictest one.
  return { level: levels.has(level) ? (level as Level) : "restricted", version: labels?.[`${prefix}${mode}-version`] ?? "latest" };
}

function textOf({ level, version }: Policy, pod: PodTemplate): string | undefined {
  const violations = violationsOf(level, pod);
  if (violations.length === 0) return undefined;
  return `"${level}:${version}": ${violations.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ")}`;
}

/** A namespace whose enforced level becomes stricter: which of its Pods would not be let in any more. */
function warningsOfNamespace({ operation, object, old, cluster, name }: Admission): readonly string[] {
  const policy = policyIn(object.metadata.labels, "enforce");
  const before = policyIn(old?.metadata.labels, "enforce");
  if (operation !== "UPDATE" || !policy || (before?.level === policy.level && before.version === policy.version)) return [];
  const byReason = new Map<string, string[]>();
  for (const pod of cluster.list("", "v1", "pods") as readonly Stored<Pod>[]) {
    if (pod.metadata.namespace !== name) continue;
    const reasons = violationsOf(policy.level, templateOf(pod))
      .map(({ reason }) => reason)
      .join(", ");
    if (reasons !== "") byReason.set(reasons, [...(byReason.get(reasons) ?? []), pod.metadata.name]);
  }
  if (byReason.size === 0) return [];
  const lines = [...byReason].map(([reasons, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` (and ${others.length} other ${others.length === 1 ? "pod" : "pods"})`;
    return `${first}${more}: ${reasons}`;
  });
  return [
    `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level "${policy.level}:${policy.version}"`,
    ...lines.sort(),
  ];
}
