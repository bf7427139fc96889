import type { CustomResourceDefinitionStatus } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import type { Definition } from "./definition";
import { Conditions } from "./naming";

/** How a definition goes: it is marked, its objects are deleted, and when none is left the mark that held it is taken off. */

export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

/** The definition with what its deletion adds to it at first: the finalizer, and the condition that says what comes. */
export function markedForCleanup(object: Stored<ApiObject>, nowMs: number): Stored<ApiObject> {
  const definition = object as unknown as Definition;
  const { finalizers = [] } = definition.metadata;
  const status = withTerminating(
    definition,
    nowMs,
    "True",
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  );
  const kept = finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer];
  return { ...definition, metadata: { ...definition.metadata, finalizers: kept }, status } as unknown as Stored<ApiObject>;
}

/** Whether it is being deleted and waits for its objects to go. */
export function awaitsCleanup({ metadata }: Definition): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(cleanupFinalizer);
}

/** The definition while its objects are being deleted. */
export function cleaning(definition: Definition, nowMs: number): Definition {
  const status = withTerminating(definition, nowMs, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress");
  return { ...definition, status };
}

/** The definition once none of its objects is left. */
export function cleaned(definition: Definition, nowMs: number): Definition {
  const status = withTerminating(definition, nowMs, "False", "InstanceDeletionCompleted", "removed all instances");
  const finalizers = (definition.metadata.finalizers ?? []).filter((name) => name !== cleanupFinalizer);
  return { ...definition, metadata: { ...definition.metadata, finalizers }, status };
}

function withTerminating(
  { status }: Definition,
  nowMs: number,
  value: "True" | "False",
  reason: string,
  message: string,
): CustomResourceDefinitionStatus {
  const conditions = new Conditions(status?.conditions ?? [], nowMs);
  conditions.enter("Terminating", value, reason, message);
  return { ...status, conditions: conditions.all };
}
