import type { HostName } from "../../protocol/address";
import type { RuntimeEvent } from "../../runtime/world";

/** Follows who leads in a live cluster: etcd, and the holders of the control plane's Leases. */
export class Leaders {
  private readonly terms = new Map<HostName, number>();
  private readonly holders = new Map<string, HostName>();

  see(host: HostName, event: RuntimeEvent): void {
    if (event.type === "hostDown") {
      this.terms.delete(host);
      for (const [lease, holder] of this.holders) if (holder === host) this.holders.delete(lease);
    }
    if (event.type !== "fact") return;
    const { fact } = event;
    if (fact.kind === "raft.leader") this.terms.set(host, fact.term as number);
    else if (fact.kind === "raft.role" && fact.role !== "leader") this.terms.delete(host);
    else if (fact.kind === "leader.elected") this.holders.set(String(fact.lease), host);
    else if (fact.kind === "leader.lost" && this.holders.get(String(fact.lease)) === host) this.holders.delete(String(fact.lease));
  }

  leads(host: HostName): boolean {
    const term = this.terms.get(host);
    return (term !== undefined && term === Math.max(...this.terms.values())) || [...this.holders.values()].includes(host);
  }
}
