import { status } from "@grpc/grpc-js";
import type { EtcdError, EtcdResponse } from "../../../protocol/etcd";
import type { Answer } from "../../../runtime/actor";

/** Why a call fails, as gRPC says it. */
export class Refusal extends Error {
  constructor(
    readonly code: status,
    readonly details: string,
  ) {
    super(details);
  }
}

const permissionDenied = "etcdserver: permission denied";

/** gRPC's codes by the names that errors carry. */
export const codes: ReadonlyMap<EtcdError["code"], status> = new Map([
  ["InvalidArgument", status.INVALID_ARGUMENT],
  ["NotFound", status.NOT_FOUND],
  ["FailedPrecondition", status.FAILED_PRECONDITION],
  ["OutOfRange", status.OUT_OF_RANGE],
  ["Unavailable", status.UNAVAILABLE],
  ["ResourceExhausted", status.RESOURCE_EXHAUSTED],
  ["DeadlineExceeded", status.DEADLINE_EXCEEDED],
  ["AlreadyExists", status.ALREADY_EXISTS],
  ["PermissionDenied", status.PERMISSION_DENIED],
  ["Unauthenticated", status.UNAUTHENTICATED],
  ["DataLoss", status.DATA_LOSS],
]);

/** The response of the kind that was asked for. Throws a Refusal: the member's own, or one that says why there is no answer. */
export function answered<K extends EtcdResponse["kind"]>(kind: K, answer: Answer<EtcdResponse>): Extract<EtcdResponse, { kind: K }> {
  if (!answer.ok) throw noAnswer(answer.error, answer.detail);
  const { body } = answer;
  if (body.kind === "etcd.error") throw new Refusal(codes.get(body.code)!, body.message);
  if (body.kind !== kind) throw new Refusal(status.INTERNAL, `expected ${kind} of the member, got ${body.kind}`);
  return body as Extract<EtcdResponse, { kind: K }>;
}

/** What etcd says to clients when a member does not answer, or the connection to it ends. */
export function noAnswer(why: string, detail: string): Refusal {
  if (why === "timeout") return new Refusal(status.UNAVAILABLE, "etcdserver: request timed out");
  if (why === "refused") return new Refusal(status.UNIMPLEMENTED, detail);
  return new Refusal(status.UNAVAILABLE, "etcdserver: server stopped");
}

/** What a stream's end says to a client: why the member would not have it, or that the member is gone. */
export function streamEnded(why: string, detail: string): Refusal {
  if (why !== "refused") return noAnswer(why, detail);
  return new Refusal(detail === permissionDenied ? status.PERMISSION_DENIED : status.UNAVAILABLE, detail);
}

export function unimplemented(what: string): Refusal {
  return new Refusal(status.UNIMPLEMENTED, `etcdserver: ${what} is not served here`);
}

/** What a handler threw, as gRPC's status; what was not meant to be thrown is told to `onError` and to the client only as its name. */
export function statusOf(error: unknown, onError: (error: unknown) => void): { readonly code: status; readonly details: string } {
  if (error instanceof Refusal) return { code: error.code, details: error.details };
  onError(error);
  return { code: status.INTERNAL, details: "etcdserver: the gateway failed; see its log" };
}
