import type { EtcdRequest, TxnOperation } from "../../../protocol/etcd";
import type { Counter, Distribution, Histogram, Tally } from "../../metrics/registry";
import { keyText, resourceOfKey, type StoredResource } from "./keys";

/** How requests to etcd are counted: under the operation that Kubernetes' storage calls them, and the resource whose key they are about. */
export class EtcdFigures {
  /** By operation and resource: labels are put together once. */
  private readonly known = new Map<string, Map<StoredResource | undefined, Tallies>>();

  constructor(
    private readonly durations: Histogram,
    private readonly requests: Counter,
    private readonly errors: Counter,
  ) {}

  /** A request was answered, or nobody answered it. */
  observe(request: EtcdRequest, tookUs: number, answered: boolean): void {
    const write = request.kind === "etcd.txn" ? request.success.find(isWrite) : undefined;
    const operation = operationOf(request, write);
    if (operation === undefined) return;
    const key = request.kind === "etcd.range" ? request.key : write?.key;
    const { labels, durations, requests } = this.talliesOf(operation, key && resourceOfKey(keyText(key)));
    durations.observe(tookUs / 1e6);
    requests.add();
    if (!answered) this.errors.add(labels);
  }

  private talliesOf(operation: string, resource: StoredResource | undefined): Tallies {
    let ofOperation = this.known.get(operation);
    if (ofOperation === undefined) this.known.set(operation, (ofOperation = new Map()));
    let tallies = ofOperation.get(resource);
    if (tallies === undefined) {
      const labels = [operation, resource?.kind.group ?? "", resource?.kind.plural ?? ""];
      ofOperation.set(resource, (tallies = { labels, durations: this.durations.at(labels), requests: this.requests.at(labels) }));
    }
    return tallies;
  }
}

interface Tallies {
  readonly labels: readonly string[];
  readonly durations: Distribution;
  readonly requests: Tally;
}

/** undefined for what Kubernetes does not count: leases, compaction, status. */
function operationOf(request: EtcdRequest, write: Write | undefined): string | undefined {
  switch (request.kind) {
    case "etcd.range":
      return request.rangeEnd.length === 0 ? "get" : "list";
    case "etcd.txn": {
      if (write?.kind === "etcd.delete") return "delete";
      if (write === undefined) return undefined;
      return request.compare.some(({ target, number }) => (target === "mod" || target === "version") && number === 0) ? "create" : "update";
    }
    default:
      return undefined;
  }
}

type Write = Extract<TxnOperation, { readonly kind: "etcd.put" | "etcd.delete" }>;

const isWrite = (operation: TxnOperation): operation is Write => operation.kind === "etcd.put" || operation.kind === "etcd.delete";
