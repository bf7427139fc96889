import type { EtcdRequest, TxnOperation } from "../../../protocol/etcd";
import type { Counter, Histogram } from "../../metrics/registry";
import { keyText, resourceOfKey } from "./keys";

/** How requests to etcd are counted: under the operation that Kubernetes' storage calls them, and the resource whose key they are about. */
export class EtcdFigures {
  constructor(
    private readonly durations: Histogram,
    private readonly requests: Counter,
    private readonly errors: Counter,
  ) {}

  /** A request was answered, or nobody answered it. */
  observe(request: EtcdRequest, tookUs: number, answered: boolean): void {
    const operation = operationOf(request);
    if (operation === undefined) return;
    const key = keyOf(request);
    const kind = key && resourceOfKey(keyText(key))?.kind;
    const labels = [operation, kind?.group ?? "", kind?.plural ?? ""];
    this.durations.observe(labels, tookUs / 1e6);
    this.requests.add(labels);
    if (!answered) this.errors.add(labels);
  }
}

/** undefined for what Kubernetes does not count: leases, compaction, status. */
function operationOf(request: EtcdRequest): string | undefined {
  switch (request.kind) {
    case "etcd.range":
      return request.rangeEnd.length === 0 ? "get" : "list";
    case "etcd.txn": {
      const [write] = request.success.filter(isWrite);
      if (write?.kind === "etcd.delete") return "delete";
      if (write === undefined) return undefined;
      return request.compare.some(({ target, number }) => (target === "mod" || target === "version") && number === 0) ? "create" : "update";
    }
    default:
      return undefined;
  }
}

const isWrite = ({ kind }: TxnOperation) => kind === "etcd.put" || kind === "etcd.delete";

function keyOf(request: EtcdRequest): Uint8Array | undefined {
  if (request.kind === "etcd.range") return request.key;
  if (request.kind !== "etcd.txn") return undefined;
  const [write] = request.success.filter(isWrite);
  return write && "key" in write ? write.key : undefined;
}
