import type {
  APIService,
  AutoscalingV1HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscaler,
  AutoscalingV2MetricSpec,
  AutoscalingV2MetricStatus,
  DeviceClass,
  FlowSchema,
  Lease,
  MetricTarget,
  MetricValueStatus,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  PodDisruptionBudget,
  PriorityClass,
  PriorityLevelConfiguration,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceV1ResourceClaim,
  RuntimeClass,
  Scale,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from "../../../protocol/kinds/generated";
import { age, flag, integer, name, type Printer, text } from "./column";
import { none, someOf, unknown, unset } from "./phrases";

/** Kinds by which the cluster's own behaviour is steered: budgets, scaling, priorities, admission, flow control, devices. */

export const podDisruptionBudgetPrinter: Printer<PodDisruptionBudget> = {
  columns: [
    name(),
    text("Min Available", "Pods that must stay.", (b) => String(b.spec?.minAvailable ?? "N/A")),
    text("Max Unavailable", "Pods that may be missing.", (b) => String(b.spec?.maxUnavailable ?? "N/A")),
    integer("Allowed Disruptions", "Pods that may be evicted now.", (b) => b.status?.disruptionsAllowed ?? 0),
    age(),
  ],
};

type Autoscaler = AutoscalingV1HorizontalPodAutoscaler | AutoscalingV2HorizontalPodAutoscaler;

export const horizontalPodAutoscalerPrinter: Printer<Autoscaler> = {
  columns: [
    name(),
    text("Reference", "What is scaled.", (a) => `${a.spec?.scaleTargetRef.kind ?? ""}/${a.spec?.scaleTargetRef.name ?? ""}`),
    text("Targets", "Each metric, as it is and as it should be.", autoscalerTargets),
    text("MinPods", "The fewest Pods.", (a) => (a.spec?.minReplicas === undefined ? unset : String(a.spec.minReplicas))),
    integer("MaxPods", "The most Pods.", (a) => a.spec?.maxReplicas ?? 0),
    integer("Replicas", "Pods as counted last.", (a) => a.status?.currentReplicas ?? 0),
    age(),
  ],
};

function autoscalerTargets(autoscaler: Autoscaler): string {
  const { spec, status } = autoscaler;
  if (spec === undefined) return none;
  if (!("metrics" in spec)) {
    const { targetCPUUtilizationPercentage: target } = spec as AutoscalingV1HorizontalPodAutoscaler["spec"] & object;
    const current = (status as AutoscalingV1HorizontalPodAutoscaler["status"])?.currentCPUUtilizationPercentage;
    return target === undefined ? none : `cpu: ${current === undefined ? unknown : `${current}%`}/${target}%`;
  }
  const statuses = (status as AutoscalingV2HorizontalPodAutoscaler["status"])?.currentMetrics ?? [];
  return someOf(
    (spec.metrics ?? []).map((metric, index) => metricText(metric, statuses[index])),
    none,
    { max: 2, separator: ", " },
  );
}

function metricText(metric: AutoscalingV2MetricSpec, status: AutoscalingV2MetricStatus | undefined): string {
  switch (metric.type) {
    case "Resource":
      return `${metric.resource?.name ?? ""}: ${ratio(metric.resource?.target, status?.resource?.current)}`;
    case "ContainerResource":
      return `${metric.containerResource?.name ?? ""}: ${ratio(metric.containerResource?.target, status?.containerResource?.current)}`;
    case "Pods":
      return ratio(metric.pods?.target, status?.pods?.current);
    case "Object":
      return `${ratio(metric.object?.target, status?.object?.current)}${metric.object?.target.averageValue === undefined ? "" : " (avg)"}`;
    case "External":
      return `${ratio(metric.external?.target, status?.external?.current)}${metric.external?.target.averageValue === undefined ? "" : " (avg)"}`;
    default:
      return "<unknown type>";
  }
}

/** "12%/80%" or "120Mi/1Gi"; what is not known yet is "<unknown>". */
function ratio(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`;
  if (target?.value !== undefined) return `${current?.value ?? unknown}/${target.value}`;
  const percent = (value: number | undefined, missing: string) => (value === undefined ? missing : `${value}%`);
  return `${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, "<auto>")}`;
}

export const scalePrinter: Printer<Scale> = {
  columns: [
    { ...name<Scale>(), format: "" },
    integer("Desired", "Pods wanted.", (s) => s.spec?.replicas ?? 0),
    integer("Available", "Pods as counted last.", (s) => s.status?.replicas ?? 0),
    age(),
  ],
};

export const leasePrinter: Printer<Lease> = {
  columns: [name(), text("Holder", "Who holds it.", (l) => l.spec?.holderIdentity ?? ""), age()],
};

export const priorityClassPrinter: Printer<PriorityClass> = {
  columns: [
    name(),
    integer("Value", "The priority; higher goes first.", (c) => c.value ?? 0),
    flag("Global-Default", "Whether Pods without a class get this one.", (c) => c.globalDefault ?? false),
    age(),
    text("PreemptionPolicy", "Whether it may push other Pods away.", (c) => c.preemptionPolicy ?? "PreemptLowerPriority"),
  ],
};

export const runtimeClassPrinter: Printer<RuntimeClass> = {
  columns: [name(), text("Handler", "The runtime's configuration for it.", (c) => c.handler), age()],
};

export const apiServicePrinter: Printer<APIService> = {
  columns: [
    name(),
    text("Service", "Who serves this group version; Local is this API server.", (a) => {
      const service = a.spec?.service;
      return service === undefined ? "Local" : `${service.namespace ?? ""}/${service.name ?? ""}`;
    }),
    text("Available", "Whether it is served.", (a) => {
      const available = a.status?.conditions?.find((c) => c.type === "Available");
      if (available === undefined) return "Unknown";
      return available.status === "True" ? "True" : `${available.status} (${available.reason ?? ""})`;
    }),
    age(),
  ],
};

export const webhookConfigurationPrinter: Printer<MutatingWebhookConfiguration | ValidatingWebhookConfiguration> = {
  columns: [name(), integer("Webhooks", "Number of webhooks in it.", (c) => c.webhooks?.length ?? 0), age()],
};

const paramKind = (kind: { readonly apiVersion?: string; readonly kind?: string } | undefined) =>
  kind === undefined ? unset : `${kind.apiVersion ?? ""}/${kind.kind ?? ""}`;

export const validatingAdmissionPolicyPrinter: Printer<ValidatingAdmissionPolicy> = {
  columns: [
    name(),
    integer("Validations", "Number of rules.", (p) => p.spec?.validations?.length ?? 0),
    text("ParamKind", "The kind that parameterizes it.", (p) => paramKind(p.spec?.paramKind)),
    age(),
  ],
};

export const mutatingAdmissionPolicyPrinter: Printer<MutatingAdmissionPolicy> = {
  columns: [
    name(),
    integer("Mutations", "Number of changes it makes.", (p) => p.spec?.mutations?.length ?? 0),
    text("ParamKind", "The kind that parameterizes it.", (p) => paramKind(p.spec?.paramKind)),
    age(),
  ],
};

export const admissionPolicyBindingPrinter: Printer<ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding> = {
  columns: [
    name(),
    text("PolicyName", "The policy that is put to use.", (b) => b.spec?.policyName ?? ""),
    text("ParamRef", "The parameters it gets.", (b) => {
      const reference = b.spec?.paramRef;
      if (reference === undefined) return unset;
      return reference.namespace ? `${reference.namespace}/${reference.name ?? "*"}` : (reference.name ?? "*");
    }),
    age(),
  ],
};

export const flowSchemaPrinter: Printer<FlowSchema> = {
  columns: [
    name(),
    text("PriorityLevel", "The level its requests are queued at.", (f) => f.spec?.priorityLevelConfiguration.name ?? ""),
    integer("MatchingPrecedence", "Which schema is tried first; lower goes first.", (f) => f.spec?.matchingPrecedence ?? 1000),
    text("DistinguisherMethod", "What tells its flows apart.", (f) => f.spec?.distinguisherMethod?.type ?? none),
    age(),
    text("MissingPL", "Whether the priority level is missing.", (f) => {
      return f.status?.conditions?.find((c) => c.type === "Dangling")?.status ?? "?";
    }),
  ],
};

export const priorityLevelConfigurationPrinter: Printer<PriorityLevelConfiguration> = {
  columns: [
    name(),
    text("Type", "Limited or exempt.", (p) => p.spec?.type ?? ""),
    // Those of an exempt level are not shown.
    text("NominalConcurrencyShares", "Its share of the requests in flight.", (p) =>
      String(p.spec?.limited?.nominalConcurrencyShares ?? none),
    ),
    text("Queues", "Number of queues.", (p) => String(p.spec?.limited?.limitResponse?.queuing?.queues ?? none)),
    text("HandSize", "Queues a flow may choose from.", (p) => String(p.spec?.limited?.limitResponse?.queuing?.handSize ?? none)),
    text("QueueLengthLimit", "Requests that may wait in a queue.", (p) => {
      return String(p.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? none);
    }),
    age(),
  ],
};

export const deviceClassPrinter: Printer<DeviceClass> = { columns: [name(), age()] };
export const resourceClaimTemplatePrinter: Printer<ResourceClaimTemplate> = { columns: [name(), age()] };

export const resourceClaimPrinter: Printer<ResourceV1ResourceClaim> = {
  columns: [
    name(),
    text("State", "Whether devices were found for it, and whether Pods use them.", (c) => {
      const states = [
        ...(c.metadata?.deletionTimestamp ? ["deleted"] : []),
        ...(c.status?.allocation ? ["allocated"] : []),
        ...((c.status?.reservedFor ?? []).length > 0 ? ["reserved"] : []),
      ];
      const settled = c.status?.allocation !== undefined || c.metadata?.deletionTimestamp !== undefined;
      return (settled ? states : ["pending"]).join(",");
    }),
    age(),
  ],
};

export const resourceSlicePrinter: Printer<ResourceSlice> = {
  columns: [
    name(),
    text("Node", "The node whose devices are listed.", (s) => s.spec.nodeName ?? unset),
    text("Driver", "The driver of the devices.", (s) => s.spec.driver),
    text("Pool", "The pool the devices belong to.", (s) => s.spec.pool.name),
    age(),
  ],
};
