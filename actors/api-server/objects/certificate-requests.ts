import { type JsonObject, timestamp } from "../../../protocol/kinds/object";
import type { User } from "../authentication/user";
import { listAt, objectAt } from "./defaults/rule";

/**
 * What a write may touch of a CertificateSigningRequest: who asks is set by the server, the decision is made on /approval and the
 * certificate given on /status. Source: the API reference of certificates.k8s.io/v1.
 */

/** The request as it is stored at first: in the name of whoever made it, undecided. */
export function requestForCreate(request: JsonObject, user: User): JsonObject {
  const { username: _, uid: _uid, groups: _groups, extra: _extra, ...spec } = objectAt(request, "spec");
  const identity = {
    username: user.name,
    ...(user.uid === "" ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
  return { ...request, spec: { ...spec, ...identity }, status: {} };
}

type Condition = JsonObject;

/** /approval: the conditions and nothing else, each with the times that the client left out. */
export function requestForApproval(stored: JsonObject, updated: JsonObject, nowMs: number): JsonObject {
  const before = objectAt(stored, "status");
  return withConditions({ ...before }, listAt(before, "conditions"), listAt(objectAt(updated, "status"), "conditions"), nowMs);
}

/** /status: certificate and conditions; those that decide stay as they are unless one comes or goes, which validation refuses. */
export function requestForStatus(stored: JsonObject, updated: JsonObject, nowMs: number): JsonObject {
  const before = listAt(objectAt(stored, "status"), "conditions");
  let conditions = listAt(objectAt(updated, "status"), "conditions");
  for (const decisive of ["Approved", "Denied"]) {
    const kept = before.filter(({ type }) => type === decisive);
    if (conditions.filter(({ type }) => type === decisive).length !== kept.length) continue;
    let next = 0;
    conditions = conditions.map((condition) => (condition.type === decisive ? kept[next++]! : condition));
  }
  return withConditions(objectAt(updated, "status"), before, conditions, nowMs);
}

function withConditions(status: JsonObject, before: readonly Condition[], conditions: readonly Condition[], nowMs: number): JsonObject {
  const now = timestamp(nowMs);
  const timed = conditions.map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
    };
  });
  const { conditions: _, ...rest } = status;
  return timed.length > 0 ? { ...rest, conditions: timed } : rest;
}
