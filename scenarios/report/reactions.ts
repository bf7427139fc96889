import type { HostName } from "../../protocol/address";
import type { EndpointSlice, Node } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";

/** The cluster noticed that something was wrong with a host, and acted on it. */
export interface Reaction {
  readonly atUs: number;
  readonly host: HostName;
  readonly what: string;
}

const keptMax = 5000;

/**
 * Gathers what a cluster does about hosts that are lost to it: another leader, a Node that is NotReady, an endpoint that is taken out. The time from
 * a fault to the first of these is the time that it took to detect it.
 */
export class Reactions {
  readonly all: Reaction[] = [];
  /** Who leads: by "etcd" or the Lease's name. */
  private readonly leaders = new Map<string, HostName>();

  see(event: HistoryEvent): void {
    if (event.type === "fact") {
      const { fact, host } = event;
      if (fact.kind === "raft.leader") this.leads("etcd", host, event.atUs, `${event.actor} leads etcd`);
      if (fact.kind === "leader.elected") this.leads(String(fact.lease), host, event.atUs, `${event.actor} holds ${String(fact.lease)}`);
    } else if (event.type === "object") {
      const kind = (event.after ?? event.before)?.kind;
      if (kind === "Node") this.seeNode(event);
      else if (kind === "EndpointSlice") this.seeEndpoints(event);
    }
  }

  private leads(what: string, host: HostName, atUs: number, text: string): void {
    const before = this.leaders.get(what);
    this.leaders.set(what, host);
    if (before !== undefined && before !== host) this.add(atUs, before, text);
  }

  private seeNode({ atUs, id, before, after }: Extract<HistoryEvent, { readonly type: "object" }>): void {
    if (isReadyNode(before) && !isReadyNode(after))
      this.add(atUs, id.slice("Node ".length), after ? `${id} is NotReady` : `${id} is deleted`);
  }

  private seeEndpoints({ atUs, before, after }: Extract<HistoryEvent, { readonly type: "object" }>): void {
    const slice = (after ?? before)!;
    const service = `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
    const still = new Set(readyAddresses(after).map(({ address }) => address));
    for (const { address, node } of readyAddresses(before))
      if (node !== undefined && !still.has(address)) this.add(atUs, node, `${service} does without its pod on ${node}`);
  }

  private add(atUs: number, host: HostName, what: string): void {
    if (this.all.length < keptMax) this.all.push({ atUs, host, what });
  }
}

function readyAddresses(slice: Stored | undefined): readonly { readonly address: string; readonly node: string | undefined }[] {
  return ((slice as Stored<EndpointSlice> | undefined)?.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ addresses, nodeName }) => ({ address: addresses[0] ?? "", node: nodeName }));
}

export function isReadyNode(object: Stored | undefined): boolean {
  return (
    (object as Stored<Node> | undefined)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false
  );
}
