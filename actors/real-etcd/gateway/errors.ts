import { type ServiceError, status } from "@grpc/grpc-js";
import type { EtcdError } from "../../../protocol/etcd";
import { codes } from "../../etcd/gateway/refusal";

const names: ReadonlyMap<status, EtcdError["code"]> = new Map([...codes].map(([name, code]) => [code, name]));

/** With these etcd (or gRPC on the way) says that nothing was done. */
const certain: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
]);

/** What grpc-js says of a call that never left. */
const neverSent = /^No connection established/;

/** gRPC's error as etcd's actors say it. Codes that etcd does not use become Unavailable: another member may answer. */
export function etcdErrorOf({ code, details }: Pick<ServiceError, "code" | "details">): EtcdError {
  const unknown = !certain.has(code) && !neverSent.test(details);
  return { kind: "etcd.error", code: names.get(code) ?? "Unavailable", message: details, unknown };
}

/** Whatever a promise was rejected with. */
export function serviceErrorOf(error: unknown): Pick<ServiceError, "code" | "details"> {
  const { code, details, message } = error as Partial<ServiceError>;
  if (typeof code === "number" && typeof details === "string") return { code, details: plain(details) };
  return { code: status.INTERNAL, details: message ?? String(error) };
}

/** grpc-js wraps the system's own words in its own and puts the time behind them, or all it did while it waited. */
function plain(details: string): string {
  return details
    .replace(
      /^(No connection established)\. Last error: (?:Error: )?(.*?)(?: \(\d{4}-\d\d-\d\dT[^)]*\))?(?:\. Resolution note:.*)?$/,
      "$1: $2",
    )
    .replace(/^(Deadline exceeded) after ([\d.]+s),.*$/, "$1 after $2");
}
