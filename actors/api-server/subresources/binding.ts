import type { Binding, Pod, PodCondition } from "../../../protocol/kinds/generated";
import { type ApiObject, type Stored, timestamp } from "../../../protocol/kinds/object";
import { badRequest, conflict, type Failure, invalid, isFailure, modifiedConflict, notFound } from "../../../protocol/status";
import { admitSubresource } from "../admission/dynamic/subresource";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { decodeAs } from "../objects/decode";
import { dryRunOf, parseBody } from "../registry/body";
import { recordWrite } from "../registry/facts";
import { subjectOf } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate } from "../storage/guaranteed-update";
import { keyOfObject } from "../storage/keys";

/** POST pods/NAME/binding: gives a Pod its node, once. */
export function bind(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const received = receive(call);
  if (isFailure(received)) return refuse(ctx, call, received);
  const dryRun = dryRunOf(call.request.query.dryRun);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  return admitSubresource(
    state,
    ctx,
    call,
    "CREATE",
    { group: "", version: "v1", kind: "Binding" },
    received,
    dryRun,
    (state, admitted, ctx) =>
      isFailure(admitted) ? refuse(ctx, call, admitted) : bindAdmitted(state, ctx, call, admitted.object, dryRun, admitted.warnings),
  );
}

function bindAdmitted(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  binding: Binding,
  dryRun: boolean,
  warnings: readonly string[],
): undefined {
  const { request, resource } = call;
  const unbound = wrongTarget(call, binding);
  if (unbound) return refuse(ctx, call, unbound, warnings);
  const key = keyOfObject(resource, request.namespace, request.name);
  const change = (current: Entry | undefined, nowMs: number): Decision => {
    if (!current) return { type: "refuse", status: notFound(subjectOf(call)) };
    const pod = bound(call, current.object as Stored<Pod>, binding, nowMs);
    return isFailure(pod) ? { type: "refuse", status: pod } : { type: "put", stored: encodeStored(pod) };
  };
  const plan = { key, cached: cacheOf(state.feed, resource).get(key), deadlineUs: call.deadlineUs, dryRun, change };
  return guaranteedUpdate(state, ctx, plan, (_state, outcome, ctx) => {
    switch (outcome.type) {
      case "put":
        if (!dryRun) recordWrite(ctx, call, "update", request.name, outcome.entry.revision);
        return respondObject(
          ctx,
          call,
          201,
          encodeJson({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }),
          warnings,
        );
      case "refused":
        return refuse(ctx, call, outcome.status);
      case "contended":
        return refuse(ctx, call, modifiedConflict(subjectOf(call)));
      case "failed":
      case "unknown":
        return refuse(ctx, call, storageFailure(outcome));
      case "kept":
      case "deleted":
        throw new Error("a binding always changes the Pod");
    }
  });
}

function receive({ request }: ResourceCall): Binding | Failure {
  const json = parseBody(request, "Binding");
  if (isFailure(json)) return json;
  const decoded = decodeAs("io.k8s.api.core.v1.Binding", json);
  if (!decoded.ok) return badRequest(decoded.message);
  const binding = decoded.value as unknown as Binding;
  const { metadata } = binding;
  if (metadata?.name && metadata.name !== request.name)
    return badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${request.name})`);
  return wrongTarget({ request }, binding) ?? binding;
}

function wrongTarget({ request }: Pick<ResourceCall, "request">, { target }: Binding): Failure | undefined {
  const subject = { group: "", resource: "pods/binding", kind: "Binding", name: request.name };
  if (target?.kind && target.kind !== "Node")
    return invalid(subject, [
      {
        reason: "FieldValueNotSupported",
        field: "target.kind",
        message: `Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`,
      },
    ]);
  if (!target?.name) return invalid(subject, [{ reason: "FieldValueRequired", field: "target.name", message: "Required value" }]);
  return undefined;
}

/** The Pod on its node: pure. Refused where it has one already, is being deleted, or still waits behind a scheduling gate. */
export function bound(call: ResourceCall, pod: Stored<Pod>, binding: Binding, nowMs: number): ApiObject | Failure {
  const { metadata, target } = binding;
  const subject = subjectOf(call);
  if (metadata?.uid && metadata.uid !== pod.metadata.uid)
    return conflict(subject, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`);
  if (metadata?.resourceVersion && metadata.resourceVersion !== pod.metadata.resourceVersion) return modifiedConflict(subject);
  if (pod.metadata.deletionTimestamp !== undefined)
    return conflict(subject, `pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName)
    return conflict(subject, `pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if ((pod.spec?.schedulingGates ?? []).length > 0)
    return conflict(subject, `pod ${pod.metadata.name} has non-empty .spec.schedulingGates`);
  const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const scheduled: PodCondition = { type: "PodScheduled", status: "True", lastTransitionTime: timestamp(nowMs) };
  const annotations = { ...pod.metadata.annotations, ...metadata?.annotations };
  const labels = { ...metadata?.labels, ...pod.metadata.labels };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: { ...pod.spec!, nodeName: target.name! },
    status: { ...pod.status, conditions: [...conditions, scheduled] },
  } as ApiObject;
}
