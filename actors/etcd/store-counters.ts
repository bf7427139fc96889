import type { Counter, Registry } from "../metrics/registry";
import type { Command, Outcome } from "./commands";

/** What the store of a member did, since the member started, under etcd's names. Compared with a real etcd 3.4 and with etcd's server/storage/mvcc/metrics.go and server/lease/metrics.go. */
export class StoreCounters {
  private readonly puts: Counter;
  private readonly deletes: Counter;
  private readonly ranges: Counter;
  private readonly transactions: Counter;
  private readonly granted: Counter;
  private readonly revoked: Counter;

  constructor(registry: Registry) {
    this.puts = registry.counter("etcd_mvcc_put_total", "Puts that this member has applied.");
    this.deletes = registry.counter("etcd_mvcc_delete_total", "Deletions that this member has applied.");
    this.ranges = registry.counter("etcd_mvcc_range_total", "Ranges that this member has read.");
    this.transactions = registry.counter("etcd_mvcc_txn_total", "Transactions of more than one operation that this member has applied.");
    this.granted = registry.counter("etcd_debugging_lease_granted_total", "Leases that were granted.");
    this.revoked = registry.counter("etcd_debugging_lease_revoked_total", "Leases that were revoked.");
    for (const family of [this.puts, this.deletes, this.ranges, this.transactions, this.granted, this.revoked]) family.at();
  }

  /** A command was carried out, or refused; it may have been one that only reads. */
  applied(command: Command, outcome: Outcome): void {
    if (outcome.kind === "etcd.error") return;
    if (command.kind === "etcd.put") this.puts.add();
    else if (command.kind === "etcd.delete") this.deletes.add();
    else if (command.kind === "etcd.lease.grant") this.granted.add();
    else if (command.kind === "etcd.lease.revoke") this.revoked.add();
    else if (outcome.kind === "etcd.txn.response") {
      for (const { kind } of outcome.responses) {
        if (kind === "etcd.put.response") this.puts.add();
        else if (kind === "etcd.delete.response") this.deletes.add();
        else if (kind === "etcd.range.response") this.ranges.add();
      }
      if (outcome.responses.length > 1) this.transactions.add();
    }
  }

  read(): void {
    this.ranges.add();
  }
}
