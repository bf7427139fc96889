import type { EndpointSlice, Service, ServicePort } from "../../protocol/kinds/generated";
import { keyOf } from "../../protocol/kinds/object";

/** Where a forwarded connection may end. */
export interface ProxyEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly node: string;
}

/** One address and port that a node forwards, with the endpoints it may choose from. */
export interface Portal {
  /** "10.96.0.10:80/TCP", or "*:30080/TCP" for a NodePort on any address of the node. */
  readonly address: string;
  /** "namespace/name" of the Service. */
  readonly service: string;
  readonly endpoints: readonly ProxyEndpoint[];
  /** Without endpoints of its own: "refuse" where the Service has none at all, "drop" where the traffic policy forbids those it has. */
  readonly whenEmpty: "refuse" | "drop";
  /** How long a client stays with its endpoint; 0 without session affinity. */
  readonly affinityMs: number;
}

/** The node for which a table is made. */
export interface ProxyNode {
  readonly name: string;
  readonly zone: string;
}

interface Candidate extends ProxyEndpoint {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
}

const defaultAffinitySeconds = 10_800;

export function portalAddress(ip: string, port: number, protocol: string): string {
  return `${ip}:${port}/${protocol}`;
}

/**
 * What a node forwards for one Service; nothing for headless and ExternalName Services. Source: "Virtual IPs and Service Proxies".
 * `slices` are the Service's own EndpointSlices.
 */
export function portalsOf(service: Service, slices: readonly EndpointSlice[], node: ProxyNode): readonly Portal[] {
  const spec = service.spec ?? {};
  if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  const affinityMs =
    spec.sessionAffinity === "ClientIP" ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) * 1000 : 0;
  return (spec.ports ?? []).flatMap((port) => {
    const all = candidatesOf(port, slices);
    const cluster = usable(byTopology(all, node), all);
    const local = usable(
      all.filter((candidate) => candidate.node === node.name),
      [],
    );
    const none = all.some((candidate) => candidate.ready || candidate.serving) ? "drop" : "refuse";
    const portal = (ip: string, number: number, policy: string | undefined): Portal => ({
      address: portalAddress(ip, number, port.protocol ?? "TCP"),
      service: keyOf(service),
      endpoints: policy === "Local" ? local : cluster,
      whenEmpty: policy === "Local" ? none : "refuse",
      affinityMs,
    });
    const externalIps = [
      ...(spec.externalIPs ?? []),
      ...(service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== "Proxy" ? [ip] : [])),
    ];
    const nodePort = spec.type === "NodePort" || spec.type === "LoadBalancer" ? port.nodePort : undefined;
    return [
      ...(spec.clusterIPs ?? [spec.clusterIP!]).map((ip) => portal(ip, port.port, spec.internalTrafficPolicy)),
      ...externalIps.map((ip) => portal(ip, port.port, spec.externalTrafficPolicy)),
      ...(nodePort ? [portal("*", nodePort, spec.externalTrafficPolicy)] : []),
    ];
  });
}

function candidatesOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<string>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? "") !== (port.name ?? "") || slicePort.port === undefined) continue;
      if ((slicePort.protocol ?? "TCP") !== (port.protocol ?? "TCP")) continue;
      for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
        const ip = addresses[0];
        const address = `${ip}:${slicePort.port}`;
        // While an endpoint moves between slices it may stand in two.
        if (ip === undefined || seen.has(address)) continue;
        seen.add(address);
        const ready = conditions?.ready ?? true;
        found.push({
          ip,
          port: slicePort.port,
          node: nodeName ?? "",
          ready,
          serving: conditions?.serving ?? ready,
          terminating: conditions?.terminating ?? false,
          forZones: (hints?.forZones ?? []).map(({ name }) => name),
          forNodes: (hints?.forNodes ?? []).map(({ name }) => name),
        });
      }
    }
  }
  return found;
}

/** The ready ones; where there are none, those that still serve while they terminate, so that the last connections of a rollout find somebody. */
function usable(preferred: readonly Candidate[], others: readonly Candidate[]): readonly ProxyEndpoint[] {
  const choose = (candidates: readonly Candidate[]) => {
    const ready = candidates.filter((candidate) => candidate.ready);
    return ready.length > 0 ? ready : candidates.filter((candidate) => candidate.serving && candidate.terminating);
  };
  const first = choose(preferred);
  const chosen = first.length > 0 ? first : choose(others);
  return chosen.map(({ ip, port, node }) => ({ ip, port, node }));
}

/** Follows hints only when every ready endpoint has them and one is meant for here: half a picture would overload a few. */
function byTopology(candidates: readonly Candidate[], node: ProxyNode): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  if (ready.length === 0) return candidates;
  if (ready.every((candidate) => candidate.forNodes.length > 0)) {
    const here = ready.filter((candidate) => candidate.forNodes.includes(node.name));
    if (here.length > 0) return here;
  }
  if (node.zone !== "" && ready.every((candidate) => candidate.forZones.length > 0)) {
    const here = ready.filter((candidate) => candidate.forZones.includes(node.zone));
    if (here.length > 0) return here;
  }
  return candidates;
}
