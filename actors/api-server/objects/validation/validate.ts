import type { JsonObject } from "../../../../protocol/kinds/object";
import { isReview, type Kind } from "../../../../protocol/kinds/registry";
import type { CelWatch } from "../../cel/figures";
import { customErrors } from "../../custom-resources/objects";
import { checkDefinition, checkDefinitionUpdate } from "../../custom-resources/validation/definition";
import { checkBindingUpdate, checkClusterRole, checkClusterRoleBinding, checkRole, checkRoleBinding } from "./access";
import * as admission from "./admission";
import { checkCertificateSigningRequest, checkCertificateSigningRequestUpdate } from "./certificates";
import * as cluster from "./cluster";
import * as core from "./core";
import * as devices from "./devices";
import * as endpoints from "./endpoints";
import * as extensions from "./extensions";
import { type FieldError, Findings } from "./field-error";
import * as flowControl from "./flow-control";
import * as jobs from "./jobs";
import { checkMetadata, checkMetadataUpdate } from "./metadata";
import * as networking from "./networking";
import * as volumes from "./persistent-volumes";
import { checkPodResize } from "./pod-resize";
import { checkPodTemplate } from "./pod-spec";
import * as pods from "./pods";
import * as policies from "./policies";
import * as quotas from "./quotas";
import { withoutKept } from "./ratchets";
import { checkSchema } from "./schema";
import * as services from "./services";
import * as statuses from "./statuses";
import * as storage from "./storage";
import * as workloads from "./workloads";

/**
 * Whether an object may be stored. Objects must have been decoded (so every field has its type), completed with defaults and prepared by the
 * strategy. The outcome is the list of what is wrong, empty when nothing is; invalidStatus() makes the answer of it.
 */

// biome-ignore lint/suspicious/noExplicitAny: each rule takes the type of its kind; decoding has made sure that the object is of it
type Rule = (object: any, findings: Findings) => void;
// biome-ignore lint/suspicious/noExplicitAny: as above
type UpdateRule = (stored: any, updated: any, findings: Findings) => void;
// biome-ignore lint/suspicious/noExplicitAny: as above
type PartRule = (stored: any, updated: any, subresource: string, findings: Findings) => void;

interface Rules {
  /** What always holds. */
  readonly check?: Rule;
  /** What holds on creation alone. */
  readonly create?: Rule;
  /** What an update of the main resource may change. */
  readonly update?: UpdateRule;
  /** What an update of the main resource or of its status or approval may change. */
  readonly part?: PartRule;
  /** What an update of the status may say. */
  readonly status?: UpdateRule;
}

const ofNew =
  (check: Rule): UpdateRule =>
  (_stored, updated, findings) =>
    check(updated, findings);
const balanced: UpdateRule = (_stored, updated, findings) =>
  services.checkLoadBalancer(updated.status?.loadBalancer, "status.loadBalancer", findings);

const rules: ReadonlyMap<string, Rules> = new Map<string, Rules>([
  ["/Pod", { check: pods.checkPod, create: pods.checkPodCreate, update: pods.checkPodUpdate, status: statuses.checkPodStatus }],
  ["/PodTemplate", { check: (object, findings) => checkPodTemplate(object.template, "template", findings) }],
  ["/ReplicationController", { check: workloads.checkReplicationController }],
  ["/Service", { check: services.checkService, update: services.checkServiceUpdate, status: balanced }],
  ["/Endpoints", { check: endpoints.checkEndpoints }],
  ["/ConfigMap", { check: core.checkConfigMap, update: core.checkImmutableData }],
  ["/Secret", { check: core.checkSecret, update: core.checkSecretUpdate }],
  ["/Namespace", { check: core.checkNamespace, status: statuses.checkNamespaceStatus }],
  ["/Node", { check: core.checkNode, update: core.checkNodeUpdate, status: core.checkNodeStatus }],
  [
    "/ResourceQuota",
    { check: quotas.checkResourceQuota, update: quotas.checkResourceQuotaUpdate, status: ofNew(quotas.checkResourceQuotaStatus) },
  ],
  ["/LimitRange", { check: quotas.checkLimitRange }],
  ["/PersistentVolume", { check: volumes.checkPersistentVolume, update: volumes.checkPersistentVolumeUpdate }],
  [
    "/PersistentVolumeClaim",
    {
      check: volumes.checkPersistentVolumeClaim,
      update: volumes.checkPersistentVolumeClaimUpdate,
      status: ofNew(volumes.checkClaimStatus),
    },
  ],
  ["/Event", { check: core.checkEvent }],
  ["/Binding", { check: core.checkBinding }],
  ["apps/Deployment", { check: workloads.checkDeployment, update: workloads.checkSelectorUpdate }],
  ["apps/ReplicaSet", { check: workloads.checkReplicaSet, update: workloads.checkSelectorUpdate }],
  ["apps/DaemonSet", { check: workloads.checkDaemonSet, update: workloads.checkSelectorUpdate }],
  ["apps/StatefulSet", { check: workloads.checkStatefulSet, update: workloads.checkStatefulSetUpdate }],
  ["apps/ControllerRevision", { check: workloads.checkControllerRevision, update: workloads.checkControllerRevisionUpdate }],
  ["batch/Job", { check: jobs.checkJob, update: jobs.checkJobUpdate, status: statuses.checkJobStatus }],
  ["batch/CronJob", { check: jobs.checkCronJob, create: jobs.checkCronJobCreate, update: jobs.checkCronJobUpdate }],
  ["discovery.k8s.io/EndpointSlice", { check: endpoints.checkEndpointSlice, update: endpoints.checkEndpointSliceUpdate }],
  ["networking.k8s.io/Ingress", { check: networking.checkIngress, create: networking.checkIngressCreate, status: balanced }],
  ["networking.k8s.io/IngressClass", { check: networking.checkIngressClass, update: networking.checkIngressClassUpdate }],
  ["networking.k8s.io/NetworkPolicy", { check: networking.checkNetworkPolicy }],
  ["policy/PodDisruptionBudget", { check: policies.checkPodDisruptionBudget }],
  ["autoscaling/HorizontalPodAutoscaler", { check: policies.checkAutoscaler }],
  ["coordination.k8s.io/Lease", { check: policies.checkLease }],
  ["scheduling.k8s.io/PriorityClass", { check: policies.checkPriorityClass, update: policies.checkPriorityClassUpdate }],
  ["storage.k8s.io/StorageClass", { check: storage.checkStorageClass, update: storage.checkStorageClassUpdate }],
  ["node.k8s.io/RuntimeClass", { check: policies.checkRuntimeClass, update: policies.checkRuntimeClassUpdate }],
  ["/ServiceAccount", { check: cluster.checkServiceAccount }],
  ["events.k8s.io/Event", { create: cluster.checkEventsEvent, update: cluster.checkEventsEventUpdate }],
  ["networking.k8s.io/IPAddress", { check: cluster.checkIpAddress, update: extensions.checkSpecUpdate }],
  ["networking.k8s.io/ServiceCIDR", { check: cluster.checkServiceCidr, update: extensions.checkSpecUpdate }],
  ["storage.k8s.io/CSIDriver", { check: storage.checkCsiDriver, update: storage.checkCsiDriverUpdate }],
  ["storage.k8s.io/VolumeAttachment", { check: storage.checkVolumeAttachment, update: extensions.checkSpecUpdate }],
  ["flowcontrol.apiserver.k8s.io/FlowSchema", { check: flowControl.checkFlowSchema }],
  ["flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration", { check: flowControl.checkPriorityLevel }],
  ["storage.k8s.io/VolumeAttributesClass", { check: storage.checkVolumeAttributesClass, update: storage.checkVolumeAttributesClassUpdate }],
  ["storage.k8s.io/CSINode", { check: storage.checkCsiNode, update: storage.checkCsiNodeUpdate }],
  ["storage.k8s.io/CSIStorageCapacity", { check: storage.checkCapacity, update: storage.checkCapacityUpdate }],
  ["resource.k8s.io/DeviceClass", { check: devices.checkDeviceClass }],
  ["resource.k8s.io/ResourceClaim", { check: devices.checkResourceClaim, update: extensions.checkSpecUpdate }],
  ["resource.k8s.io/ResourceClaimTemplate", { check: devices.checkResourceClaimTemplate, update: extensions.checkSpecUpdate }],
  ["certificates.k8s.io/CertificateSigningRequest", { check: checkCertificateSigningRequest, part: checkCertificateSigningRequestUpdate }],
  ["admissionregistration.k8s.io/ValidatingWebhookConfiguration", { check: admission.checkWebhooks }],
  ["admissionregistration.k8s.io/MutatingWebhookConfiguration", { check: admission.checkWebhooks }],
  ["admissionregistration.k8s.io/ValidatingAdmissionPolicy", { check: admission.checkValidatingPolicy }],
  ["admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding", { check: admission.checkValidatingPolicyBinding }],
  ["admissionregistration.k8s.io/MutatingAdmissionPolicy", { check: admission.checkMutatingPolicy }],
  ["admissionregistration.k8s.io/MutatingAdmissionPolicyBinding", { check: admission.checkMutatingPolicyBinding }],
  ["apiextensions.k8s.io/CustomResourceDefinition", { create: checkDefinition, update: checkDefinitionUpdate }],
  ["apiregistration.k8s.io/APIService", { check: extensions.checkApiService }],
  ["rbac.authorization.k8s.io/Role", { check: checkRole }],
  ["rbac.authorization.k8s.io/ClusterRole", { check: checkClusterRole }],
  ["rbac.authorization.k8s.io/RoleBinding", { check: checkRoleBinding, update: checkBindingUpdate }],
  ["rbac.authorization.k8s.io/ClusterRoleBinding", { check: checkClusterRoleBinding, update: checkBindingUpdate }],
]);

/** What forbids storing a new object. */
export function validateCreate(kind: Kind, object: JsonObject, watch?: CelWatch): readonly FieldError[] {
  const findings = new Findings();
  // A review is answered and forgotten: it needs no name.
  if (!isReview(kind)) checkMetadata(kind, object, findings);
  if (kind.custom) return [...findings.errors(), ...customErrors(kind.custom, object, undefined, watch)];
  const { check, create } = rules.get(`${kind.group}/${kind.kind}`) ?? {};
  check?.(object, findings);
  create?.(object, findings);
  return withSchemaErrors(kind, object, findings);
}

/** What forbids replacing `stored` with `updated`. Of an update of /status the status alone is judged. */
export function validateUpdate(
  kind: Kind,
  stored: JsonObject,
  updated: JsonObject,
  subresource = "",
  watch?: CelWatch,
): readonly FieldError[] {
  const findings = new Findings();
  checkMetadataUpdate(stored, updated, findings);
  checkMetadata(kind, updated, findings);
  if (kind.custom) return [...findings.errors(), ...customErrors(kind.custom, updated, stored, watch)];
  const { check, update, part, status } = rules.get(`${kind.group}/${kind.kind}`) ?? {};
  if (part) part(stored, updated, subresource, findings);
  else if (subresource === "status" || subresource === "approval") {
    status?.(stored, updated, findings);
    statuses.countsOf(`${kind.group}/${kind.kind}`)?.(stored, updated, findings);
    return findings.errors();
  }
  check?.(updated, findings);
  if (subresource === "ephemeralcontainers") pods.checkEphemeralContainersUpdate(stored, updated, findings);
  else if (subresource === "resize") checkPodResize(stored, updated, findings);
  else if (subresource === "") update?.(stored, updated, findings);
  const errors = withSchemaErrors(kind, updated, findings);
  return errors.length === 0 ? errors : withoutKept(`${kind.group}/${kind.kind}`, errors, () => errorsOfStored(kind, stored, check));
}

/** What would be said today of an object as it lies in etcd. */
function errorsOfStored(kind: Kind, stored: JsonObject, check: Rule | undefined): readonly FieldError[] {
  const findings = new Findings();
  check?.(stored, findings);
  return withSchemaErrors(kind, stored, findings);
}

/** Adds what the schema demands, where no rule of the kind has spoken about the same field. */
function withSchemaErrors(kind: Kind, object: JsonObject, findings: Findings): readonly FieldError[] {
  const demanded = new Findings();
  checkSchema(kind, object, demanded);
  const more = demanded.errors();
  if (more.length === 0) return findings.errors();
  const spoken = new Set(findings.errors().map(({ field }) => field));
  // Some rules speak of the list where the schema speaks of its element.
  const isSpoken = (field: string) => spoken.has(field) || spoken.has(field.replace(/\[\d+\]$/, ""));
  return [...findings.errors(), ...more.filter(({ field }) => !isSpoken(field) && !isInside(field, spoken))];
}

/** Whether an error is already given for something further down, such as `spec.template.spec.containers` for `spec.template`. */
function isInside(field: string, spoken: ReadonlySet<string>): boolean {
  for (const other of spoken) if (other.startsWith(`${field}.`) || other.startsWith(`${field}[`)) return true;
  return false;
}
