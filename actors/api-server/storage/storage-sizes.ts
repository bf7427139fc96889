import type { EtcdResponse } from "../../../protocol/etcd";
import type { Context } from "../../../runtime/actor";
import type { Gauge, Registry } from "../../metrics/registry";
import type { HasEtcd } from "./etcd-client";

/** How large etcd is, as it says when somebody looks at a server's figures. Compared with apiserver/pkg/storage/etcd3/metrics. */
export class StorageSizes {
  private readonly sizes: Gauge;

  constructor(registry: Registry) {
    this.sizes = registry.gauge("apiserver_storage_size_bytes", "Bytes that etcd's database has on the disk of the member that is asked.", [
      "storage_cluster_id",
    ]);
  }

  learned(bytes: number): void {
    this.sizes.set([clusterId], bytes);
  }

  /** What is not known is not shown. */
  unknown(): void {
    this.sizes.forget([clusterId]);
  }
}

/** There is one etcd for all resources. */
const clusterId = "etcd-0";
/** Whoever asks for figures does not wait longer for this one. */
const patienceMs = 2_000;

interface HasSizes extends HasEtcd {
  readonly metrics: { readonly storage: StorageSizes };
}

/** Asks the member that is preferred how large it is, and goes on whatever comes of that. */
export function learnStorageSize<S extends HasSizes>(state: S, ctx: Context<S>, then: (state: S, ctx: Context<S>) => undefined): undefined {
  const { preferred, readTimeoutMs } = state.etcd;
  return void ctx.ask<EtcdResponse>(
    preferred,
    { kind: "etcd.status" },
    { deadlineMs: Math.min(readTimeoutMs, patienceMs) },
    (state, answer, ctx) => {
      const { storage } = state.metrics;
      // Whoever does not answer here is left to those who need it to notice.
      if (answer.ok && answer.body.kind === "etcd.status.response") storage.learned(Math.max(answer.body.diskBytes, answer.body.sizeBytes));
      else storage.unknown();
      return then(state, ctx);
    },
  );
}
