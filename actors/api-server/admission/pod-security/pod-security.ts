import type { Namespace, Pod, PodTemplateSpec } from "../../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../../protocol/kinds/object";
import { type Failure, forbidden, invalid } from "../../../../protocol/status";
import { type Admission, isOf, type Plugin } from "../admission";
import { type PodTemplate, violationsOf } from "./checks";
import { isLevel, noPodSecuritySettings, type PodSecurityMode, type PodSecuritySettings, type Policy, podSecurityModes } from "./settings";

/**
 * Holds Pods to the level of the Pod Security Standards that their namespace's labels name: `enforce` refuses Pods, `warn` warns of Pods and of
 * what makes them, and `audit` tells the audit log of them. Every version of the standards is taken for the newest. Source: "Pod Security Admission".
 */
export function podSecurity({ defaults, exemptions }: PodSecuritySettings = noPodSecuritySettings): Plugin {
  return {
    name: "PodSecurity",
    needs: ({ operation, kind, namespace }) =>
      operation !== "DELETE" && kind.namespaced && (isPodKind(kind.group, kind.plural) || templatePaths.has(`${kind.plural}.${kind.group}`))
        ? [{ group: "", version: "v1", plural: "namespaces", namespace: "", name: namespace }]
        : [],
    validate(admission) {
      const { kind, name, object } = admission;
      if (isOf(admission, "", "namespaces")) return wrongLabels(admission);
      if (!concernsPod(admission)) return undefined;
      const wrong = verdict(admission, "enforce", templateOf(object as ApiObject & Pod));
      return wrong ? forbidden({ group: kind.group, resource: kind.plural, name }, `violates PodSecurity ${wrong}`) : undefined;
    },
    audit(admission) {
      const isPod = concernsPod(admission);
      const template = isPod ? templateOf(admission.object as ApiObject & Pod) : templateIn(admission);
      if (!template) return {};
      const exempt = exemptionOf(admission, template);
      const said: Record<string, string> = {};
      if (exempt !== undefined) said[`${prefix}exempt`] = exempt;
      else {
        const { level, version } = policyOf(admission, "enforce");
        if (isPod) said[`${prefix}enforce-policy`] = `${level}:${version}`;
        const wrong = verdict(admission, "audit", template);
        if (wrong) said[`${prefix}audit-violations`] = `would violate PodSecurity ${wrong}`;
      }
      return said;
    },
    warn(admission) {
      if (isOf(admission, "", "namespaces")) return warningsOfNamespace(admission, defaults.enforce, isExempt);
      const template = concernsPod(admission) ? templateOf(admission.object as ApiObject & Pod) : templateIn(admission);
      const wrong = template && verdict(admission, "warn", template);
      return wrong ? [`would violate PodSecurity ${wrong}`] : [];
    },
  };

  /** What is wrong with a Pod by the level that its namespace has for a mode. */
  function verdict(admission: Admission, mode: PodSecurityMode, template: PodTemplate): string | undefined {
    return exemptionOf(admission, template) === undefined ? textOf(policyOf(admission, mode), template) : undefined;
  }

  function policyOf({ cluster, namespace }: Admission, mode: PodSecurityMode): Policy {
    const found = cluster.get("", "v1", "namespaces", "", namespace) as Stored<Namespace> | undefined;
    return policyIn(found?.metadata.labels, mode, defaults[mode]);
  }

  /** In which respect a write is exempt, in Kubernetes' words. */
  function exemptionOf({ namespace, user }: Admission, template: PodTemplate): string | undefined {
    if (exemptions.namespaces.includes(namespace)) return "namespace";
    if (exemptions.usernames.includes(user.name)) return "user";
    return isExempt(template) ? "runtimeClass" : undefined;
  }

  function isExempt({ spec }: PodTemplate): boolean {
    return spec.runtimeClassName !== undefined && exemptions.runtimeClasses.includes(spec.runtimeClassName);
  }
}

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

function policyIn(labels: Readonly<Record<string, string>> | undefined, mode: PodSecurityMode, standard: Policy): Policy {
  const level = labels?.[prefix + mode];
  const version = labels?.[`${prefix}${mode}-version`];
  if (level === undefined) return version === undefined ? standard : { ...standard, version };
  // A level that nobody knows is taken for the strictest one.
  return { level: isLevel(level) ? level : "restricted", version: version ?? "latest" };
}

/** Labels that name no level are refused, unless they did so before. */
function wrongLabels({ operation, object, old, name }: Admission): Failure | undefined {
  if (operation === "DELETE") return undefined;
  const wrong = problemsOf(object.metadata.labels);
  const before = operation === "UPDATE" ? problemsOf(old?.metadata.labels) : [];
  if (wrong.length === 0 || before[0]?.message === wrong[0]!.message) return undefined;
  return invalid({ group: "", resource: "namespaces", kind: "Namespace", name }, wrong);
}

function problemsOf(labels: Readonly<Record<string, string>> = {}): readonly { reason: string; field: string; message: string }[] {
  const problem = (label: string, why: string) => ({
    ...{ reason: "FieldValueInvalid", field: `metadata.labels[${label}]` },
    message: `Invalid value: ${JSON.stringify(labels[label])}: ${why}`,
  });
  return podSecurityModes.flatMap((mode) => {
    const [level, version] = [prefix + mode, `${prefix}${mode}-version`];
    return [
      ...(labels[level] === undefined || isLevel(labels[level]) ? [] : [problem(level, "must be one of privileged, baseline, restricted")]),
      ...(labels[version] === undefined || /^(latest|v1\.\d+)$/.test(labels[version])
        ? []
        : [problem(version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

function textOf({ level, version }: Policy, pod: PodTemplate): string | undefined {
  const violations = violationsOf(level, pod);
  if (violations.length === 0) return undefined;
  return `"${level}:${version}": ${violations.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ")}`;
}

/** A namespace whose enforced level becomes stricter: which of its Pods would not be let in any more. */
function warningsOfNamespace(
  { operation, object, old, cluster, name }: Admission,
  standard: Policy,
  isExempt: (template: PodTemplate) => boolean,
): readonly string[] {
  const policy = policyIn(object.metadata.labels, "enforce", standard);
  const before = policyIn(old?.metadata.labels, "enforce", standard);
  if (operation !== "UPDATE" || (before.level === policy.level && before.version === policy.version)) return [];
  const byReason = new Map<string, string[]>();
  for (const pod of cluster.list("", "v1", "pods") as readonly Stored<Pod>[]) {
    if (pod.metadata.namespace !== name || isExempt(templateOf(pod))) continue;
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
