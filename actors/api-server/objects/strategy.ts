import type { PodSpec } from "../../../protocol/kinds/generated";
import { type JsonObject, timestamp } from "../../../protocol/kinds/object";
import { apiVersionOf, definition, type Kind } from "../../../protocol/kinds/registry";
import { locallyAvailable } from "../aggregation/local";
import type { User } from "../authentication/user";
import { requestForApproval, requestForCreate, requestForStatus } from "./certificate-requests";
import { isObject } from "./decode";
import { mirrorServiceAccount } from "./defaults/pods";
import { listAt, objectAt, put } from "./defaults/rule";
import { semanticallyEqual } from "./equality";
import { qualityOfService } from "./quality-of-service";
import { serviceForUpdate } from "./service-update";

/**
 * What a write may touch: per kind, what is set by the server on creation, and what an update keeps of the stored object. Spec and status are
 * written apart: the main resource never changes the status, /status nothing but it. Runs after defaulting and before validation.
 */

/** What the server knows and a client may not choose. */
export interface Birth {
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Who makes it; absent for the server's own objects. */
  readonly user?: User;
}

/** Kinds whose metadata.generation counts the changes of what was asked for. */
const generational: ReadonlySet<string> = new Set([
  "Pod",
  "ReplicationController",
  "Deployment.apps",
  "ReplicaSet.apps",
  "StatefulSet.apps",
  "DaemonSet.apps",
  "Job.batch",
  "CronJob.batch",
  "PodDisruptionBudget.policy",
  "Ingress.networking.k8s.io",
  "IngressClass.networking.k8s.io",
  "NetworkPolicy.networking.k8s.io",
  "EndpointSlice.discovery.k8s.io",
  "PriorityClass.scheduling.k8s.io",
  "FlowSchema.flowcontrol.apiserver.k8s.io",
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "MutatingAdmissionPolicy.admissionregistration.k8s.io",
  "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "CustomResourceDefinition.apiextensions.k8s.io",
  "ResourceSlice.resource.k8s.io",
]);

const certificateRequest = "CertificateSigningRequest.certificates.k8s.io";

const nameOf = (kind: Kind) => (kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`);

/**
 * The object as it is stored at first: named by uid and time, without status (a Node brings its own), generation 1. The name must have been
 * generated already. `object` is decoded and completed with defaults.
 */
export function prepareForCreate(kind: Kind, object: JsonObject, birth: Birth): JsonObject {
  const { deletionTimestamp, deletionGracePeriodSeconds, selfLink, generation, ...given } = objectAt(object, "metadata");
  const metadata = {
    ...given,
    uid: birth.uid,
    creationTimestamp: timestamp(birth.nowMs),
    ...(kind.custom || generational.has(nameOf(kind)) ? { generation: 1 } : {}),
  };
  const named = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
  if (kind.custom) return customForCreate(kind, named);
  const fresh = kind.hasStatus && nameOf(kind) !== "Node" ? { ...named, status: emptyStatus(kind) } : named;
  switch (nameOf(kind)) {
    case "Pod":
      return podForCreate(fresh);
    case "Namespace":
      return { ...fresh, spec: { ...objectAt(fresh, "spec"), finalizers: namespaceFinalizers(fresh) }, status: { phase: "Active" } };
    case "PersistentVolume":
    case "PersistentVolumeClaim":
      return { ...fresh, status: { phase: "Pending" } };
    case "Job.batch":
      return jobForCreate(fresh, birth.uid);
    case "APIService.apiregistration.k8s.io":
      if (objectAt(fresh, "spec").service !== undefined) return fresh;
      return { ...fresh, status: { conditions: [{ lastTransitionTime: timestamp(birth.nowMs), ...locallyAvailable }] } };
    case certificateRequest:
      return birth.user ? requestForCreate(fresh, birth.user) : fresh;
    case "CustomResourceDefinition.apiextensions.k8s.io":
      return { ...fresh, status: { acceptedNames: { kind: "", plural: "" }, conditions: [], storedVersions: storageVersionsOf(fresh) } };
    default:
      return fresh;
  }
}

/** Where the status is a subresource, nobody brings one along. */
function customForCreate(kind: Kind, object: JsonObject): JsonObject {
  const { status, ...rest } = object;
  return kind.hasStatus ? rest : object;
}

/** A status as Kubernetes' types print it when nothing is known yet: the numbers that are always shown are 0. */
function emptyStatus(kind: Kind): JsonObject {
  const reference = definition(kind.definition)?.properties?.status?.$ref;
  const schema = reference === undefined ? undefined : definition(reference);
  const status: Record<string, unknown> = {};
  for (const field of schema?.required ?? []) {
    const type = schema?.properties?.[field]?.type;
    if (type === "integer") status[field] = 0;
    else if (type === "boolean") status[field] = false;
    else if (type === "string") status[field] = "";
  }
  if (schema?.properties?.loadBalancer) status.loadBalancer = {};
  return status;
}

function namespaceFinalizers(namespace: JsonObject): readonly unknown[] {
  const { finalizers } = objectAt(namespace, "spec");
  const given: readonly unknown[] = Array.isArray(finalizers) ? finalizers : [];
  return given.includes("kubernetes") ? given : [...given, "kubernetes"];
}

function podForCreate(pod: JsonObject): JsonObject {
  const spec = mirrorServiceAccount(objectAt(pod, "spec"));
  const status = { phase: "Pending", qosClass: qualityOfService(spec as unknown as PodSpec) };
  if (listAt(spec, "schedulingGates").length === 0) return { ...pod, spec, status };
  const gated = {
    type: "PodScheduled",
    status: "False",
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
    observedGeneration: 1,
  };
  return { ...pod, spec, status: { ...status, conditions: [gated] } };
}

/** A Job that does not bring its own selector gets one that no other Job has, and its Pods the labels for it; without own labels it has those too. */
function jobForCreate(job: JsonObject, uid: string): JsonObject {
  const spec = objectAt(job, "spec");
  if (spec.manualSelector === true) return job;
  const { name } = objectAt(job, "metadata");
  const template = objectAt(spec, "template");
  const metadata = objectAt(template, "metadata");
  const labels = {
    ...objectAt(metadata, "labels"),
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const selector = spec.selector ?? { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  const own = objectAt(job, "metadata");
  const labelled = Object.keys(objectAt(own, "labels")).length > 0 ? own : { ...own, labels };
  return { ...job, metadata: labelled, spec: { ...spec, selector, template: { ...template, metadata: { ...metadata, labels } } } };
}

/**
 * The object as an update would store it. `subresource` is "" for the main resource, else "status", "finalize", "approval",
 * "ephemeralcontainers" or "resize". Metadata that only the server sets is taken over where the client left it out (a different value is for
 * validation to refuse); generation counts up when what was asked for changed. `nowMs` stamps what the server notes of it.
 */
export function prepareForUpdate(kind: Kind, stored: JsonObject, updated: JsonObject, subresource = "", nowMs = 0): JsonObject {
  const merged = subresource === "" ? mainUpdate(kind, stored, updated) : subresourceUpdate(kind, stored, updated, subresource, nowMs);
  const before = objectAt(stored, "metadata");
  const { selfLink, generation: _, ...given } = objectAt(merged, "metadata");
  const metadata: Record<string, unknown> = { ...given };
  for (const field of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"])
    if (metadata[field] === undefined && before[field] !== undefined) metadata[field] = before[field];
  // A status update may bring annotations along; it asks for nothing.
  const generation = subresource === "status" ? before.generation : nextGeneration(kind, stored, merged);
  if (generation !== undefined) metadata.generation = generation;
  return { ...merged, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
}

function mainUpdate(kind: Kind, stored: JsonObject, updated: JsonObject): JsonObject {
  const kept = kind.hasStatus ? withStatus(updated, stored.status) : updated;
  switch (nameOf(kind)) {
    case "Pod":
      return put(kept, { spec: mirrorServiceAccount(objectAt(kept, "spec")) });
    case "Service":
      return serviceForUpdate(stored, kept);
    case "Namespace":
      return put(kept, { spec: put(objectAt(kept, "spec"), { finalizers: objectAt(stored, "spec").finalizers }) });
    case "Job.batch":
      return jobForUpdate(stored, kept);
    case "CustomResourceDefinition.apiextensions.k8s.io":
      return definitionForUpdate(kept);
    default:
      return kept;
  }
}

function storageVersionsOf(definition: JsonObject): readonly unknown[] {
  return listAt(objectAt(definition, "spec"), "versions")
    .filter(({ storage }) => storage === true)
    .map(({ name }) => name ?? "");
}

/** From the moment on that another version is the storage version, there may be objects stored in it. */
function definitionForUpdate(definition: JsonObject): JsonObject {
  const status = objectAt(definition, "status");
  const before: readonly unknown[] = Array.isArray(status.storedVersions) ? status.storedVersions : [];
  const added = storageVersionsOf(definition).filter((version) => !before.includes(version));
  return added.length === 0 ? definition : { ...definition, status: { ...status, storedVersions: [...before, ...added] } };
}

function withStatus(object: JsonObject, status: unknown): JsonObject {
  if (status !== undefined) return put(object, { status });
  if (object.status === undefined) return object;
  const { status: _, ...rest } = object;
  return rest;
}

/** A Job applied again without its generated selector and labels keeps them. */
function jobForUpdate(stored: JsonObject, updated: JsonObject): JsonObject {
  const spec = objectAt(updated, "spec");
  const before = objectAt(stored, "spec");
  if (before.manualSelector === true || spec.manualSelector === true) return updated;
  const template = objectAt(spec, "template");
  const metadata = objectAt(template, "metadata");
  const labels: Record<string, unknown> = { ...objectAt(metadata, "labels") };
  const generated = objectAt(objectAt(objectAt(before, "template"), "metadata"), "labels");
  for (const name of ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"])
    if (labels[name] === undefined && generated[name] !== undefined) labels[name] = generated[name];
  return put(updated, {
    spec: { ...spec, selector: spec.selector ?? before.selector, template: { ...template, metadata: { ...metadata, labels } } },
  });
}

function subresourceUpdate(kind: Kind, stored: JsonObject, updated: JsonObject, subresource: string, nowMs: number): JsonObject {
  switch (subresource) {
    case "status":
      if (nameOf(kind) === certificateRequest)
        return { ...stored, status: requestForStatus(stored, updated, nowMs), metadata: metadataWithStatus(kind, stored, updated) };
      return { ...withStatus(stored, updated.status), metadata: metadataWithStatus(kind, stored, updated) };
    case "finalize":
      return { ...stored, spec: updated.spec, metadata: updated.metadata };
    case "approval":
      return { ...stored, status: requestForApproval(stored, updated, nowMs), metadata: metadataWithStatus(kind, stored, updated) };
    case "ephemeralcontainers": {
      const spec = { ...objectAt(stored, "spec"), ephemeralContainers: objectAt(updated, "spec").ephemeralContainers };
      return { ...stored, spec, metadata: metadataWith(stored, updated) };
    }
    case "resize":
      return { ...stored, spec: resized(objectAt(stored, "spec"), objectAt(updated, "spec")), metadata: metadataWith(stored, updated) };
    default:
      throw new Error(`no update goes to ${kind.plural}/${subresource}`);
  }
}

/** Kinds whose status is written without anything of the metadata; custom resources are so too. */
const statusAlone: ReadonlySet<string> = new Set([
  "CustomResourceDefinition.apiextensions.k8s.io",
  "APIService.apiregistration.k8s.io",
  "FlowSchema.flowcontrol.apiserver.k8s.io",
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
  "ResourceClaim.resource.k8s.io",
  "ServiceCIDR.networking.k8s.io",
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
  "VolumeAttachment.storage.k8s.io",
]);

/** A status update of most kinds may change labels, annotations, finalizers and owners too; a Deployment keeps its labels, a Pod its owners. */
function metadataWithStatus(kind: Kind, stored: JsonObject, updated: JsonObject): JsonObject {
  if (kind.custom || statusAlone.has(nameOf(kind))) return metadataWith(stored, updated);
  const fields = ["annotations", "finalizers"];
  if (nameOf(kind) !== "Deployment.apps") fields.push("labels");
  if (nameOf(kind) !== "Pod") fields.push("ownerReferences");
  return metadataWith(stored, updated, fields);
}

/** The stored metadata with what every update brings, and with these fields of the new one. */
function metadataWith(stored: JsonObject, updated: JsonObject, fields: readonly string[] = []): JsonObject {
  const given = objectAt(updated, "metadata");
  const metadata: Record<string, unknown> = { ...objectAt(stored, "metadata") };
  for (const field of ["managedFields", "resourceVersion", "uid", ...fields]) {
    if (given[field] !== undefined) metadata[field] = given[field];
    else delete metadata[field];
  }
  return metadata;
}

function resized(stored: JsonObject, updated: JsonObject): JsonObject {
  const spec: Record<string, unknown> = { ...stored };
  for (const list of ["containers", "initContainers"]) {
    if (!Array.isArray(stored[list])) continue;
    const wanted = new Map(listAt(updated, list).map((container) => [container.name, container]));
    spec[list] = listAt(stored, list).map((container) => {
      const sizes = wanted.get(container.name);
      return sizes
        ? put(container, { resources: sizes.resources, ...(sizes.resizePolicy ? { resizePolicy: sizes.resizePolicy } : {}) })
        : container;
    });
  }
  if (isObject(updated.resources)) spec.resources = updated.resources;
  return spec;
}

function nextGeneration(kind: Kind, stored: JsonObject, merged: JsonObject): number | undefined {
  const before = objectAt(stored, "metadata").generation;
  const name = nameOf(kind);
  if (!kind.custom && !generational.has(name)) return typeof before === "number" ? before : undefined;
  const current = typeof before === "number" ? before : 0;
  // A status that is no subresource counts as a part of what is wanted.
  const statusCounts = kind.custom !== undefined && !kind.hasStatus && !semanticallyEqual(stored.status, merged.status);
  return statusCounts || wantsOther(name, stored, merged) ? current + 1 : current;
}

/** Whether anything changed that a controller would act upon: all but metadata and status; for Deployments the annotations as well. */
function wantsOther(name: string, stored: JsonObject, merged: JsonObject): boolean {
  for (const field of new Set([...Object.keys(stored), ...Object.keys(merged)])) {
    if (field === "metadata" || field === "status" || field === "apiVersion" || field === "kind") continue;
    if (!semanticallyEqual(stored[field], merged[field])) return true;
  }
  const metadataField = name === "Deployment.apps" ? "annotations" : name === "EndpointSlice.discovery.k8s.io" ? "labels" : undefined;
  return (
    metadataField !== undefined &&
    !semanticallyEqual(objectAt(stored, "metadata")[metadataField], objectAt(merged, "metadata")[metadataField])
  );
}
