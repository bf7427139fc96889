import type { JsonObject } from "../../../../protocol/kinds/object";
import { definition, type Kind, type Schema } from "../../../../protocol/kinds/registry";
import { isObject } from "../decode";
import type { Findings } from "./field-error";

/**
 * What definitions.json itself demands: required texts, lists and structures are there, enumerated texts are one of the list. Numbers and
 * booleans that are missing count as zero and false, as in Kubernetes' types, and the status is the business of whoever writes it.
 */
export function checkSchema(kind: Kind, object: JsonObject, findings: Findings): void {
  for (const [field, schema] of Object.entries(definition(kind.definition)?.properties ?? {})) {
    if (field === "status" || field === "metadata") continue;
    const value = object[field];
    if (value !== undefined) checkerOf(schema)?.(value, field, findings);
  }
  requireFields(definition(kind.definition)!, object, "", findings);
}

/** Closed lists of texts that the type declarations do not carry. Source: the API reference of each group. */
const moreEnums: ReadonlyMap<string, readonly string[]> = new Map([
  ["io.k8s.api.autoscaling.v2.HPAScalingPolicy.type", ["Percent", "Pods"]],
  ["io.k8s.api.autoscaling.v2.HPAScalingRules.selectPolicy", ["Disabled", "Max", "Min"]],
  ["io.k8s.api.autoscaling.v2.MetricTarget.type", ["AverageValue", "Utilization", "Value"]],
  ["io.k8s.api.core.v1.Container.restartPolicy", ["Always", "Never", "OnFailure"]],
  ["io.k8s.api.core.v1.Taint.effect", ["NoSchedule", "PreferNoSchedule", "NoExecute"]],
  ["io.k8s.api.core.v1.Toleration.effect", ["NoSchedule", "PreferNoSchedule", "NoExecute"]],
  ["io.k8s.api.core.v1.PodSpec.restartPolicy", ["Always", "OnFailure", "Never"]],
  ["io.k8s.api.core.v1.PodSpec.dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]],
  ["io.k8s.api.core.v1.ContainerRestartRule.action", ["Restart", "RestartAllContainers"]],
  ["io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes.operator", ["In", "NotIn"]],
  ["io.k8s.api.core.v1.LimitRangeItem.type", ["Container", "PersistentVolumeClaim", "Pod"]],
  ["io.k8s.api.core.v1.PodSecurityContext.seLinuxChangePolicy", ["MountOption", "Recursive"]],
  ["io.k8s.api.flowcontrol.v1.LimitResponse.type", ["Queue", "Reject"]],
  ["io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec.type", ["Exempt", "Limited"]],
  ["io.k8s.api.networking.v1.IngressClassParametersReference.scope", ["Cluster", "Namespace"]],
  ["io.k8s.api.storage.v1.CSIDriverSpec.fsGroupPolicy", ["File", "None", "ReadWriteOnceWithFSType"]],
  ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion.strategy", ["None", "Webhook"]],
  ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec.scope", ["Cluster", "Namespaced"]],
]);

/** What the document demands and no server misses: an empty one is as good. */
const unmissed: ReadonlySet<string> = new Set([
  "io.k8s.api.core.v1.HTTPHeader.value",
  "io.k8s.api.core.v1.LimitRangeSpec.limits",
  "io.k8s.api.core.v1.PreferredSchedulingTerm.preference",
  "io.k8s.api.core.v1.ScaleIOPersistentVolumeSource.secretRef",
  "io.k8s.api.core.v1.ScaleIOVolumeSource.secretRef",
  "io.k8s.api.core.v1.Sysctl.value",
  "io.k8s.api.storage.v1.CSINodeSpec.drivers",
]);

type Checker = (value: unknown, at: string, findings: Findings) => void;

/** Filled as definitions are met; the content is a function of definitions.json alone. Undefined: nothing below is demanded. */
const checkers = new Map<string, Checker | undefined>();

function checkerOf(schema: Schema): Checker | undefined {
  if (schema.$ref) return structChecker(schema.$ref);
  // Some enums of the document have lost their values: an empty one says nothing.
  if (schema.enum && schema.enum.length > 0) return enumChecker(schema.enum);
  const inner = schema.items ?? schema.additionalProperties;
  const check = inner && checkerOf(inner);
  if (!check) return undefined;
  if (schema.items)
    return (value, at, findings) => {
      if (Array.isArray(value)) for (let index = 0; index < value.length; index += 1) check(value[index], `${at}[${index}]`, findings);
    };
  return (value, at, findings) => {
    if (isObject(value)) for (const key in value) check(value[key], `${at}[${key}]`, findings);
  };
}

function enumChecker(values: readonly string[]): Checker {
  const allowed: ReadonlySet<unknown> = new Set(values);
  const shown = values.filter((value) => value !== "");
  return (value, at, findings) => {
    if (value !== "" && !allowed.has(value)) findings.notSupported(at, value, shown);
  };
}

function structChecker(name: string): Checker | undefined {
  if (checkers.has(name)) return checkers.get(name);
  // A type that contains itself is checked through its name once it is known.
  checkers.set(name, (value, at, findings) => checkers.get(name)?.(value, at, findings));
  const schema = definition(name);
  const checker = schema?.properties ? fieldsChecker(schema, name) : undefined;
  checkers.set(name, checker);
  return checker;
}

function fieldsChecker(schema: Schema, name: string): Checker | undefined {
  const below: (readonly [string, Checker])[] = [];
  for (const [field, child] of Object.entries(schema.properties!)) {
    const values = moreEnums.get(`${name}.${field}`);
    const check = values ? enumChecker(values) : checkerOf(child);
    if (check) below.push([field, check]);
  }
  const required = demanded(schema).filter((field) => !unmissed.has(`${name}.${field}`));
  if (below.length === 0 && required.length === 0) return undefined;
  return (value, at, findings) => {
    if (!isObject(value)) return;
    for (const field of required) if (value[field] === undefined) findings.required(`${at}.${field}`);
    for (const [field, check] of below) if (value[field] !== undefined) check(value[field], `${at}.${field}`, findings);
  };
}

function requireFields(schema: Schema, object: JsonObject, at: string, findings: Findings): void {
  for (const field of demanded(schema))
    if (field !== "metadata" && object[field] === undefined) findings.required(at === "" ? field : `${at}.${field}`);
}

function demanded(schema: Schema): readonly string[] {
  return (schema.required ?? []).filter((field) => {
    const child = schema.properties?.[field];
    if (child?.$ref) return true;
    return (
      child?.type === "array" ||
      child?.type === "object" ||
      (child?.type === "string" && child.format !== "date-time" && child.format !== "int-or-string")
    );
  });
}
