import type { DeleteOptions, Eviction, Pod, PodCondition, PodDisruptionBudget } from "../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../protocol/kinds/label-selector";
import { type ApiObject, type Stored, timestamp } from "../../../protocol/kinds/object";
import {
  badRequest,
  type Failure,
  failure,
  forbidden,
  isFailure,
  modifiedConflict,
  notFound,
  timeout,
  tooManyRequests,
} from "../../../protocol/status";
import { admitSubresource } from "../admission/dynamic/subresource";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import { decodeAs } from "../objects/decode";
import { dryRunOf, parseBody } from "../registry/body";
import { removeOne } from "../registry/delete";
import { recordWrite } from "../registry/facts";
import { subjectOf } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeJson, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { awaitConsistent } from "../storage/freshness";
import { type Decision, guaranteedUpdate, type UpdateOutcome } from "../storage/guaranteed-update";
import { keyOfObject, prefixOfList, resourceNamed } from "../storage/keys";

/**
 * POST pods/NAME/eviction: a deletion that asks the Pod's disruption budget first. The budget is counted down by compare-and-swap before
 * the Pod is deleted, so that two evictions at once cannot both use the last one allowed.
 */
export function evict(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const eviction = receive(call);
  if (isFailure(eviction)) return refuse(ctx, call, eviction);
  const dryRun = dryRunOf(call.request.query.dryRun ?? eviction.deleteOptions?.dryRun);
  if (isFailure(dryRun)) return refuse(ctx, call, dryRun);
  return admitSubresource(
    state,
    ctx,
    call,
    "CREATE",
    { group: "policy", version: "v1", kind: "Eviction" },
    eviction,
    dryRun,
    (state, admitted, ctx) =>
      isFailure(admitted) ? refuse(ctx, call, admitted) : evictAdmitted(state, ctx, call, admitted.object, dryRun),
  );
}

function evictAdmitted(state: ServerState, ctx: Ctx, call: ResourceCall, eviction: Eviction, dryRun: boolean): undefined {
  const options: DeleteOptions = { ...eviction.deleteOptions, ...(dryRun ? { dryRun: ["All"] } : {}) };
  // A budget that this server has not heard of yet protects the Pod all the same.
  return awaitConsistent(state, ctx, call.deadlineUs, (state, revision, ctx) => {
    if (revision === undefined) return refuse(ctx, call, timeout("etcd did not confirm in time which disruption budgets there are"));
    const key = keyOfObject(call.resource, call.request.namespace, call.request.name);
    const pod = cacheOf(state.feed, call.resource).get(key)?.object as Stored<Pod> | undefined;
    if (!pod) return refuse(ctx, call, notFound(subjectOf(call)));
    if (isExempt(pod)) return deletePod(state, ctx, call, pod, options);
    const budgets = budgetsOf(state, pod);
    if (budgets.length > 1)
      return refuse(
        ctx,
        call,
        failure("InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."),
      );
    const budget = budgets[0]?.object as Stored<PodDisruptionBudget> | undefined;
    if (!budget) return markPod(state, ctx, call, pod, options);
    if (mayGoUnready(pod, budget))
      return deletePod(state, ctx, call, pod, {
        ...options,
        preconditions: { ...options.preconditions, resourceVersion: pod.metadata.resourceVersion },
      });
    return countDown(state, ctx, call, pod, budgets[0]!, options);
  });
}

function receive({ request }: ResourceCall): Eviction | Failure {
  const json = parseBody(request, "Eviction");
  if (isFailure(json)) return json;
  const decoded = decodeAs("io.k8s.api.policy.v1.Eviction", json);
  if (!decoded.ok) return badRequest(decoded.message);
  const eviction = decoded.value as Eviction;
  const named = eviction.metadata?.name;
  return named && named !== request.name ? badRequest(`name in URL does not match name in Eviction object: ${named}`) : eviction;
}

/** What has ended, has not begun or is going anyway counts for no budget. */
function isExempt({ status, metadata }: Stored<Pod>): boolean {
  const phase = status?.phase;
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending" || metadata.deletionTimestamp !== undefined;
}

function budgetsOf(state: ServerState, pod: Stored<Pod>): readonly Entry[] {
  const resource = resourceNamed("policy", "v1", "poddisruptionbudgets");
  return cacheOf(state.feed, resource)
    .list(prefixOfList(resource, pod.metadata.namespace ?? ""))
    .filter(({ object }) => matchesLabelSelector((object as Stored<PodDisruptionBudget>).spec?.selector, pod.metadata.labels));
}

/** A Pod that is not ready may go without being counted: always, or while the others are enough, as the budget says. */
export function mayGoUnready({ status }: Pod, { spec, status: budget }: PodDisruptionBudget): boolean {
  if ((status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True")) return false;
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

const disruptedPodsMax = 2_000;

/** The budget with one disruption less, in which the Pod is named until the controller has seen it go; or the refusal. Pure. */
export function countedDown(budget: Stored<PodDisruptionBudget>, pod: string, nowMs: number): ApiObject | Failure {
  const { status, metadata } = budget;
  const { disruptionsAllowed = 0, disruptedPods = {}, desiredHealthy = 0, currentHealthy = 0, observedGeneration = 0 } = status ?? {};
  const violated = "Cannot evict pod as it would violate the pod's disruption budget.";
  const subject = { group: "policy", resource: "poddisruptionbudgets", name: metadata.name };
  if (observedGeneration < (metadata.generation ?? 0))
    return tooManyRequests(violated, 10, [
      { reason: "DisruptionBudget", message: `The disruption budget ${metadata.name} is still being processed by the server.` },
    ]);
  if (disruptionsAllowed < 0) return forbidden(subject, "pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > disruptedPodsMax)
    return forbidden(subject, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (disruptionsAllowed === 0) {
    const message = `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    return failure("TooManyRequests", violated, { causes: [{ reason: "DisruptionBudget", message }] });
  }
  const named = { ...disruptedPods, [pod]: timestamp(nowMs) };
  return { ...budget, status: { ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: named } } as ApiObject;
}

function countDown(state: ServerState, ctx: Ctx, call: ResourceCall, pod: Stored<Pod>, budget: Entry, options: DeleteOptions): undefined {
  const change = (current: Entry | undefined, nowMs: number): Decision => {
    // A budget that was deleted meanwhile forbids nothing.
    if (!current) return { type: "keep" };
    const counted = countedDown(current.object as Stored<PodDisruptionBudget>, pod.metadata.name, nowMs);
    return isFailure(counted) ? { type: "refuse", status: counted } : { type: "put", stored: encodeStored(counted) };
  };
  const dryRun = (options.dryRun ?? []).length > 0;
  return guaranteedUpdate(
    state,
    ctx,
    { key: budget.key, cached: budget, deadlineUs: call.deadlineUs, dryRun, change },
    (state, outcome, ctx) => {
      const status = failureOf(call, outcome);
      if (status)
        return refuse(
          ctx,
          call,
          outcome.type === "contended" ? tooManyRequests("Too many requests are evicting pods of this disruption budget", 1) : status,
        );
      return markPod(state, ctx, call, pod, options);
    },
  );
}

/** Says on the Pod why it goes, then deletes it. */
function markPod(state: ServerState, ctx: Ctx, call: ResourceCall, pod: Stored<Pod>, options: DeleteOptions): undefined {
  if ((options.dryRun ?? []).length > 0) return deletePod(state, ctx, call, pod, options);
  const key = keyOfObject(call.resource, call.request.namespace, call.request.name);
  const change = (current: Entry | undefined, nowMs: number): Decision => {
    if (!current || current.object.metadata.uid !== pod.metadata.uid) return { type: "refuse", status: notFound(subjectOf(call)) };
    const { status, ...rest } = current.object as Stored<Pod>;
    const conditions = (status?.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget");
    const mark: PodCondition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
      lastTransitionTime: timestamp(nowMs),
    };
    return { type: "put", stored: encodeStored({ ...rest, status: { ...status, conditions: [...conditions, mark] } } as ApiObject) };
  };
  const plan = { key, cached: cacheOf(state.feed, call.resource).get(key), deadlineUs: call.deadlineUs, change };
  return guaranteedUpdate(state, ctx, plan, (state, outcome, ctx) => {
    const status = failureOf(call, outcome);
    return status ? refuse(ctx, call, status) : deletePod(state, ctx, call, pod, options);
  });
}

function deletePod(state: ServerState, ctx: Ctx, call: ResourceCall, pod: Stored<Pod>, options: DeleteOptions): undefined {
  const guarded = { ...options, preconditions: { uid: pod.metadata.uid, ...options.preconditions } };
  return removeOne(state, ctx, call, call.request.name, guarded, (_state, outcome, ctx) => {
    const status = failureOf(call, outcome);
    if (status) return refuse(ctx, call, status);
    if (outcome.type === "put" || outcome.type === "deleted") recordWrite(ctx, call, "evict", call.request.name, outcome.entry.revision);
    return respondObject(ctx, call, 201, encodeJson({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }));
  });
}

function failureOf(call: ResourceCall, outcome: UpdateOutcome): Failure | undefined {
  switch (outcome.type) {
    case "refused":
      return outcome.status;
    case "contended":
      return modifiedConflict(subjectOf(call));
    case "failed":
    case "unknown":
      return storageFailure(outcome);
    case "put":
    case "deleted":
    case "kept":
      return undefined;
  }
}
