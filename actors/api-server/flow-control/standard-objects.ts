import type {
  FlowcontrolV1Subject,
  FlowSchema,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";

/** The flow control objects that every cluster has. Source: the Kubernetes documentation, "API Priority and Fairness", and `kubectl get` on 1.36. */

const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
/** On the standard objects: while it is "true" the servers keep the object as they know it; whoever sets it to "false" has the object to themselves. */
export const autoUpdateAnnotation = "apf.kubernetes.io/autoupdate-spec";

type Level = PriorityLevelConfiguration & { readonly metadata: { readonly name: string } };
type Schema = FlowSchema & { readonly metadata: { readonly name: string } };

function level(name: string, spec: PriorityLevelConfigurationSpec): Level {
  return { apiVersion, kind: "PriorityLevelConfiguration", metadata: { name, annotations: { [autoUpdateAnnotation]: "true" } }, spec };
}

function queueing(name: string, nominalConcurrencyShares: number, lendablePercent: number, queues: number, handSize: number): Level {
  const limitResponse = { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 50 } };
  return level(name, { type: "Limited", limited: { nominalConcurrencyShares, lendablePercent, limitResponse } });
}

/** Those two always exist, as they stand here. */
export const mandatoryLevels: readonly Level[] = [
  level("exempt", { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
  level("catch-all", {
    type: "Limited",
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: "Reject" } },
  }),
];

export const suggestedLevels: readonly Level[] = [
  queueing("system", 30, 33, 64, 6),
  queueing("node-high", 40, 25, 64, 6),
  queueing("leader-election", 10, 0, 16, 4),
  queueing("workload-high", 40, 50, 128, 6),
  queueing("workload-low", 100, 90, 128, 6),
  queueing("global-default", 20, 50, 128, 6),
];

const group = (name: string): FlowcontrolV1Subject => ({ kind: "Group", group: { name } });
const user = (name: string): FlowcontrolV1Subject => ({ kind: "User", user: { name } });
const account = (name: string): FlowcontrolV1Subject => ({ kind: "ServiceAccount", serviceAccount: { name, namespace: "kube-system" } });

const anyResource: ResourcePolicyRule = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] };
const anyPath = { verbs: ["*"], nonResourceURLs: ["*"] };
const inNamespaces = (
  verbs: readonly string[],
  apiGroup: string,
  resources: readonly string[],
  clusterScope = false,
): ResourcePolicyRule => ({
  verbs,
  apiGroups: [apiGroup],
  resources,
  ...(clusterScope ? { clusterScope } : {}),
  namespaces: ["*"],
});
const renewing = ["get", "create", "update"];

type Method = "ByUser" | "ByNamespace" | undefined;
type Rules = NonNullable<NonNullable<FlowSchema["spec"]>["rules"]>[number];

function schema(name: string, levelName: string, matchingPrecedence: number, method: Method, rules: Rules): Schema {
  const distinguisherMethod = method && { distinguisherMethod: { type: method } };
  return {
    apiVersion,
    kind: "FlowSchema",
    metadata: { name, annotations: { [autoUpdateAnnotation]: "true" } },
    spec: { priorityLevelConfiguration: { name: levelName }, matchingPrecedence, ...distinguisherMethod, rules: [rules] },
  };
}

const everything = (...subjects: readonly FlowcontrolV1Subject[]): Rules => ({
  subjects,
  resourceRules: [anyResource],
  nonResourceRules: [anyPath],
});
const everybody = [group("system:unauthenticated"), group("system:authenticated")];

export const mandatorySchemas: readonly Schema[] = [
  schema("exempt", "exempt", 1, undefined, everything(group("system:masters"))),
  schema("catch-all", "catch-all", 10_000, "ByUser", everything(...everybody)),
];

export const suggestedSchemas: readonly Schema[] = [
  schema("system-nodes", "system", 500, "ByUser", everything(group("system:nodes"))),
  schema("system-node-high", "node-high", 400, "ByUser", {
    subjects: [group("system:nodes")],
    resourceRules: [inNamespaces(["*"], "", ["nodes", "nodes/status"], true), inNamespaces(["*"], "coordination.k8s.io", ["leases"])],
  }),
  schema("probes", "exempt", 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  schema("system-leader-election", "leader-election", 100, "ByUser", {
    subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler"), account("*")],
    resourceRules: [inNamespaces(renewing, "coordination.k8s.io", ["leases"])],
  }),
  schema("workload-leader-election", "leader-election", 200, "ByUser", {
    subjects: [account("*")],
    resourceRules: [inNamespaces(renewing, "", ["endpoints", "configmaps"]), inNamespaces(renewing, "coordination.k8s.io", ["leases"])],
  }),
  schema("endpoint-controller", "workload-high", 150, "ByUser", {
    subjects: [user("system:kube-controller-manager"), account("endpoint-controller"), account("endpointslicemirroring-controller")],
    resourceRules: [inNamespaces(renewing, "", ["endpoints"])],
  }),
  schema("kube-controller-manager", "workload-high", 800, "ByNamespace", everything(user("system:kube-controller-manager"))),
  schema("kube-scheduler", "workload-high", 800, "ByNamespace", everything(user("system:kube-scheduler"))),
  schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", everything(account("*"))),
  schema("service-accounts", "workload-low", 9000, "ByUser", everything(group("system:serviceaccounts"))),
  schema("global-default", "global-default", 9900, "ByUser", everything(...everybody)),
];

/** All of them, the levels first: a schema points at a level. */
export const standardFlowObjects: readonly ApiObject[] = [
  ...mandatoryLevels,
  ...suggestedLevels,
  ...mandatorySchemas,
  ...suggestedSchemas,
] as unknown as readonly ApiObject[];
