import type { EtcdResponse } from "../../protocol/etcd";
import type { ComponentStatus, Lease } from "../../protocol/kinds/generated";
import type { ApiObject } from "../../protocol/kinds/object";
import type { Kind } from "../../protocol/kinds/registry";
import { isFailure, notFound } from "../../protocol/status";
import { type Call, type ResourceCall, refuse, respondObject } from "./call";
import { renderingOf } from "./registry/read";
import { renderList, renderObject } from "./registry/render";
import type { Ctx, ServerState } from "./state";
import { Entry, encodeStored } from "./storage/entry";
import { cacheOf } from "./storage/feed";
import { keyOfObject, resourceNamed, type StoredResource } from "./storage/keys";

/**
 * The deprecated ComponentStatuses: each member of etcd is asked whether it answers; the scheduler and the controller manager answer nobody here,
 * and count as healthy while one of them renews its Lease.
 */
const deprecated = "v1 ComponentStatus is deprecated in v1.19+";
const etcdTimeoutMs = 2_000;
const leases = resourceNamed("coordination.k8s.io", "v1", "leases");

export function serveComponentStatuses(state: ServerState, ctx: Ctx, asked: Call, kind: Kind): undefined {
  // Nothing of this lies in etcd.
  const resource: StoredResource = { name: "componentstatuses", kind, prefix: "" };
  const call: ResourceCall = { ...asked, kind, resource };
  const { verb, name } = call.request;
  const rendering = renderingOf(call, verb === "list" ? "list" : "object");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  return askEtcd(state, ctx, (state, ctx, answers) => {
    const nowMs = ctx.wallUs() / 1000;
    const etcd = answers.map((why, index) => statusOf(`etcd-${index}`, why));
    const all = [leaderStatus(state, "controller-manager", nowMs), ...etcd, leaderStatus(state, "scheduler", nowMs)];
    const entries = all.map((each) => new Entry(each.metadata.name ?? "", 0, encodeStored(each)));
    const found = entries.find(({ key }) => key === name);
    if (verb !== "list" && !found) return refuse(ctx, call, notFound({ group: "", resource: "componentstatuses", name }));
    const bytes = found && verb !== "list" ? renderObject(rendering, found, nowMs) : renderList(rendering, entries, {}, nowMs);
    // What is worked out anew each time has no version.
    const unversioned = Buffer.from(bytes).toString("utf8").replaceAll('"resourceVersion":"0",', "");
    return respondObject(ctx, call, 200, Buffer.from(unversioned), [deprecated]);
  });
}

/** Why each member does not answer, in order; "" for those that do. */
function askEtcd(state: ServerState, ctx: Ctx, then: (state: ServerState, ctx: Ctx, answers: readonly string[]) => undefined): undefined {
  const { members } = state.etcd;
  const answers: string[] = members.map(() => "");
  let left = members.length;
  members.forEach((member, index) => {
    ctx.ask<EtcdResponse>(member, { kind: "etcd.status" }, { deadlineMs: etcdTimeoutMs }, (state, answer, ctx) => {
      if (!answer.ok) answers[index] = answer.error === "timeout" ? "context deadline exceeded" : answer.detail || answer.error;
      else if (answer.body.kind === "etcd.error") answers[index] = answer.body.message;
      left -= 1;
      return left === 0 ? then(state, ctx, answers) : undefined;
    });
  });
}

function leaderStatus({ feed }: ServerState, name: string, nowMs: number): ApiObject {
  const lease = `kube-${name}`;
  const { spec } = (cacheOf(feed, leases).get(keyOfObject(leases, "kube-system", lease))?.object ?? {}) as Lease;
  if (!spec?.holderIdentity) return statusOf(name, `nobody holds the Lease kube-system/${lease}`);
  const endMs = Date.parse(spec.renewTime ?? "") + (spec.leaseDurationSeconds ?? 0) * 1000;
  return statusOf(name, endMs >= nowMs ? "" : `the Lease kube-system/${lease} has not been renewed since ${spec.renewTime}`);
}

/** `why` it is not healthy; "" where it is. */
function statusOf(name: string, why: string): ApiObject {
  const condition = why === "" ? { status: "True", message: "ok" } : { status: "False", message: why };
  const status: ComponentStatus = { conditions: [{ type: "Healthy", ...condition }] };
  return { apiVersion: "v1", kind: "ComponentStatus", metadata: { name }, ...status } as ApiObject;
}
