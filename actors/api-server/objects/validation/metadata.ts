import type { ObjectMeta } from "../../../../protocol/kinds/generated";
import {
  nothingWrong,
  wrongWithDns1035Label,
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithLabelValue,
  wrongWithPathSegment,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Kind } from "../../../../protocol/kinds/registry";
import { objectAt } from "../defaults/rule";
import { semanticallyEqual } from "../equality";
import type { Findings } from "./field-error";

/** Metadata: names by kind, labels, annotations, owners, finalizers, and what may never change. */

type NameCheck = (name: string) => readonly string[];

const nameChecks: ReadonlyMap<string, NameCheck> = new Map<string, NameCheck>([
  ["/Namespace", wrongWithDns1123Label],
  // Services make DNS names and environment variables, so they begin with a letter.
  ["/Service", wrongWithDns1035Label],
  ["rbac.authorization.k8s.io/Role", wrongWithPathSegment],
  ["rbac.authorization.k8s.io/ClusterRole", wrongWithPathSegment],
  ["rbac.authorization.k8s.io/RoleBinding", wrongWithPathSegment],
  ["rbac.authorization.k8s.io/ClusterRoleBinding", wrongWithPathSegment],
  ["batch/CronJob", (name) => (name.length > 52 ? ["must be no more than 52 characters"] : wrongWithDns1123Subdomain(name))],
  ["networking.k8s.io/IPAddress", () => nothingWrong],
]);

/** Checks the metadata of any object that is written. */
export function checkMetadata(kind: Kind, object: JsonObject, findings: Findings): void {
  const metadata = objectAt(object, "metadata") as ObjectMeta;
  const wrongWithName = nameChecks.get(`${kind.group}/${kind.kind}`) ?? wrongWithDns1123Subdomain;
  if (metadata.generateName) {
    // The suffix that will follow is made of letters and digits, so a dash at the end is welcome here.
    const stem = metadata.generateName.replace(/-$/, "a");
    findings.invalidFor("metadata.generateName", metadata.generateName, wrongWithName(stem));
  }
  if (metadata.name) findings.invalidFor("metadata.name", metadata.name, wrongWithName(metadata.name));
  else if (!metadata.generateName) findings.required("metadata.name", "name or generateName is required");
  if (kind.namespaced) {
    if (!metadata.namespace) findings.required("metadata.namespace");
    else findings.invalidFor("metadata.namespace", metadata.namespace, wrongWithDns1123Label(metadata.namespace));
  } else if (metadata.namespace) findings.forbidden("metadata.namespace", "not allowed on this type");
  if (metadata.generation !== undefined && metadata.generation < 0)
    findings.invalid("metadata.generation", metadata.generation, "must be greater than or equal to 0");
  checkLabels(metadata.labels, "metadata.labels", findings);
  checkAnnotations(metadata.annotations, "metadata.annotations", findings);
  checkOwners(metadata, findings);
  checkFinalizers(metadata, findings);
}

/** The metadata of a template: labels and annotations. */
export function checkTemplateMetadata(metadata: ObjectMeta | undefined, at: string, findings: Findings): void {
  checkLabels(metadata?.labels, `${at}.labels`, findings);
  checkAnnotations(metadata?.annotations, `${at}.annotations`, findings);
}

/** Labels: qualified names to values of at most 63 characters. */
export function checkLabels(labels: Readonly<Record<string, string>> | undefined, at: string, findings: Findings): void {
  for (const key in labels) {
    findings.invalidFor(at, key, wrongWithQualifiedName(key));
    findings.invalidFor(at, labels[key], wrongWithLabelValue(labels[key]!));
  }
}

const annotationBytesMax = 256 * 1024;

/** Annotations: qualified names in any case of their letters, 256 KiB in all. */
export function checkAnnotations(annotations: Readonly<Record<string, string>> | undefined, at: string, findings: Findings): void {
  let size = 0;
  for (const key in annotations) {
    findings.invalidFor(at, key, wrongWithQualifiedName(key.toLowerCase()));
    size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key]!);
  }
  if (size > annotationBytesMax) findings.tooLong(at, annotationBytesMax);
}

function checkOwners(metadata: ObjectMeta, findings: Findings): void {
  let controller: string | undefined;
  metadata.ownerReferences?.forEach((owner, index) => {
    const at = `metadata.ownerReferences[${index}]`;
    if (!owner.apiVersion || owner.apiVersion.split("/").length > 2)
      findings.invalid(`${at}.apiVersion`, owner.apiVersion ?? "", "version must not be empty");
    if (!owner.kind) findings.invalid(`${at}.kind`, "", "must not be empty");
    if (!owner.name) findings.invalid(`${at}.name`, "", "must not be empty");
    if (!owner.uid) findings.invalid(`${at}.uid`, "", "must not be empty");
    if (owner.apiVersion === "v1" && owner.kind === "Event") findings.invalid(at, owner.kind, "is disallowed from being an owner");
    if (owner.controller !== true) return;
    if (controller !== undefined)
      findings.invalid(
        "metadata.ownerReferences",
        metadata.ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.kind}/${owner.name}`,
      );
    else controller = `${owner.kind}/${owner.name}`;
  });
}

const wellKnownFinalizers: ReadonlySet<string> = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

function checkFinalizers({ finalizers }: ObjectMeta, findings: Findings): void {
  for (const finalizer of finalizers ?? []) checkFinalizerName(finalizer, "metadata.finalizers", findings);
  if (finalizers?.includes("orphan") && finalizers.includes("foregroundDeletion"))
    findings.invalid("metadata.finalizers", finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
}

/** One of Kubernetes' own, or a name in somebody's domain. */
export function checkFinalizerName(finalizer: string, at: string, findings: Findings): void {
  findings.invalidFor(at, finalizer, wrongWithQualifiedName(finalizer));
  if (!finalizer.includes("/") && !wellKnownFinalizers.has(finalizer))
    findings.invalid(at, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
}

const immutable = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const;

/** What an update may not change of the metadata; both objects are as stored and as it would be stored. */
export function checkMetadataUpdate(stored: JsonObject, updated: JsonObject, findings: Findings): void {
  const before = objectAt(stored, "metadata") as ObjectMeta;
  const after = objectAt(updated, "metadata") as ObjectMeta;
  for (const field of immutable)
    if (!semanticallyEqual(before[field], after[field])) findings.invalid(`metadata.${field}`, after[field] ?? null, "field is immutable");
  if (before.deletionTimestamp === undefined) return;
  const had = new Set(before.finalizers);
  const added = (after.finalizers ?? []).filter((finalizer) => !had.has(finalizer));
  if (added.length > 0)
    findings.forbidden(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(", ")}}`,
    );
}
