import type { Lease, Node } from "../../protocol/kinds/generated";
import { microTimestamp, ownerReference, type Stored } from "../../protocol/kinds/object";
import { isAlreadyExists, isConflict, isNotFound } from "../../protocol/status";
import { leases, nodes, type Result } from "../client";
import { type NodeFindings, newNode, nodeStatus, sameConditions, sameNodeStatus } from "./node-status";
import { type Ctx, nowMsOf, type State, wallMsOf } from "./state";

const registerRetryMs = 1_000;
/** An API server that is starting turns nodes away for some seconds; a node that is refused more often than this deserves a warning. */
const refusalsWhileStarting = 10;
const leaseNamespace = "kube-node-lease";

/** Makes this node known; what is already there of that name is taken over. Tries until it works. */
export function registerNode(state: State, ctx: Ctx): void {
  const node = newNode(state.config, findings(state), wallMsOf(ctx));
  state.client.create(ctx, nodes, "", node, (s, result, later) => {
    if (!result.ok && result.status.reason !== "AlreadyExists") {
      s.node.refusals += 1;
      const level = s.node.refusals > refusalsWhileStarting ? "warn" : "info";
      later.log(level, "the node could not be registered", { why: result.status.message });
      later.setTimer("register", registerRetryMs * (1 + later.random("register")));
      return undefined;
    }
    s.node.registered = true;
    if (!result.ok) reconcileLabels(s, node, later);
    heartbeat(s, later);
    s.recorder.event(later, nodeReference(s), "Normal", "Starting", "Starting kubelet.");
    return undefined;
  });
}

export const nodeReference = ({ config }: State) => ({ kind: "Node", apiVersion: "v1", name: config.node, uid: config.node });

/** A node that was there before gets the labels that this kubelet sets; those that others set stay. */
function reconcileLabels(state: State, { metadata }: Node, ctx: Ctx): void {
  const patch = { metadata: { labels: metadata?.labels } };
  state.client.patch(ctx, nodes, { namespace: "", name: state.config.node }, "strategic", patch, () => undefined);
}

/** Renews the lease and looks whether the status is to be reported; every ten seconds by default. */
export function heartbeat(state: State, ctx: Ctx): void {
  const { statusUpdateMs, leaseDurationSeconds } = state.times;
  // A little spread, so that the nodes of a cluster that came up together do not all write at once for ever.
  const everyMs = Math.min(statusUpdateMs, leaseDurationSeconds * 250) * (1 + 0.04 * ctx.random("heartbeat"));
  ctx.setTimer("heartbeat", everyMs);
  if (!state.node.registered) return;
  renewLease(state, ctx);
  reportStatus(state, ctx);
}

/** Something about the node changed that decides whether it is ready: it is reported at once. */
export function noteNodeChange(state: State, ctx: Ctx): void {
  state.node.changed = true;
  if (state.node.registered) reportStatus(state, ctx);
}

function findings({ runtimeUp, podCidr, images, pressure }: State): NodeFindings {
  return {
    runtimeUp,
    hasPodNetwork: podCidr !== "",
    pressed: pressure.pressed,
    images: [...images].map(([image, sizeBytes]) => ({ image, sizeBytes })),
  };
}

/** Reports the status when it has changed, when the API says otherwise (the node controller may have given this node up), or when five minutes have passed. */
function reportStatus(state: State, ctx: Ctx): void {
  const { node, config, times } = state;
  if (node.reporting) return;
  const seen = state.ownNode.store.get(config.node)?.status;
  const before = seen ?? node.reported;
  const status = nodeStatus(config, findings(state), before, wallMsOf(ctx));
  const nowMs = nowMsOf(ctx);
  const believed = seen === undefined || sameConditions(seen, status);
  if (node.reported && believed && sameNodeStatus(node.reported, status) && nowMs - node.reportedMs < times.statusReportMs) return;
  node.reporting = true;
  state.client.patch(ctx, nodes, { namespace: "", name: config.node, subresource: "status" }, "strategic", { status }, (s, result) => {
    s.node.reporting = false;
    if (result.ok) {
      s.node.reported = status;
      s.node.reportedMs = nowMs;
    } else s.node.changed = true;
    return undefined;
  });
}

function renewLease(state: State, ctx: Ctx): void {
  const { node, config } = state;
  if (node.renewing) return;
  node.renewing = true;
  const spec = {
    holderIdentity: config.node,
    leaseDurationSeconds: state.times.leaseDurationSeconds,
    renewTime: microTimestamp(wallMsOf(ctx)),
  };
  if (node.lease) state.client.update(ctx, leases, { ...node.lease, spec: { ...node.lease.spec, ...spec } }, onLeaseWritten);
  else createOrRead(state, spec, ctx);
}

function createOrRead(state: State, spec: Lease["spec"], ctx: Ctx): void {
  const { node } = state.config;
  const owner = state.ownNode.store.get(node);
  const metadata = { name: node, namespace: leaseNamespace, ...(owner ? { ownerReferences: [ownerReference(owner)] } : {}) };
  state.client.create(ctx, leases, leaseNamespace, { metadata, spec }, (s, result, later) => {
    if (!result.ok && isAlreadyExists(result.status)) {
      s.client.get(later, leases, { namespace: leaseNamespace, name: node }, (again, read, evenLater) => {
        again.node.renewing = false;
        if (!read.ok) return undefined;
        again.node.lease = read.object;
        renewLease(again, evenLater);
        return undefined;
      });
      return undefined;
    }
    return onLeaseWritten(s, result, later);
  });
}

function onLeaseWritten(state: State, result: Result<Stored<Lease>>, ctx: Ctx): undefined {
  state.node.renewing = false;
  if (result.ok) {
    state.node.lease = result.object;
    return undefined;
  }
  // Another write came between, or this one's outcome is unknown: the next try reads first.
  state.node.lease = undefined;
  if (isConflict(result.status) || isNotFound(result.status)) renewLease(state, ctx);
  return undefined;
}
