import type { Routes } from "../network/routes";
import type { Portal, ProxyEndpoint } from "./forwarding-table";
import { portalAddress } from "./forwarding-table";

/** What a node does with a connection that starts on it or reaches it. */
export type Forward =
  /** To a pod, on whichever node; through a Service its address has been rewritten. */
  | { readonly type: "pod"; readonly node: string; readonly ip: string; readonly port: number; readonly service: string }
  /** To another node's own address: its proxy decides. */
  | { readonly type: "node"; readonly node: string }
  | { readonly type: "refuse"; readonly detail: string }
  /** The packets vanish; whoever waits runs into its time-out. */
  | { readonly type: "drop"; readonly detail: string }
  | { readonly type: "unreachable"; readonly detail: string };

/** Which endpoint a client is to stay with, and until when. Times are monotonic milliseconds. */
export interface Affinity {
  readonly endpoint: ProxyEndpoint;
  readonly untilMs: number;
}

export interface Connection {
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly port: number;
  readonly protocol: string;
}

interface Tables {
  readonly node: string;
  readonly portals: ReadonlyMap<string, Portal>;
  /** Addresses of Services, so that a port they do not have is refused and not sent to the void. */
  readonly serviceIps: ReadonlySet<string>;
  readonly routes: Routes;
  readonly affinities: ReadonlyMap<string, Affinity>;
}

/** The key under which a client's endpoint for a portal is kept. */
export function affinityKey(portal: Portal, sourceIp: string): string {
  return `${portal.address} ${sourceIp}`;
}

/** Decides where a connection goes; `chosen` is what to remember where the Service has session affinity. `draw` is in [0, 1). */
export function forward(
  { sourceIp, destinationIp, port, protocol }: Connection,
  tables: Tables,
  nowMs: number,
  draw: () => number,
): { readonly forward: Forward; readonly chosen?: { readonly key: string; readonly affinity: Affinity } } {
  const route = tables.routes.find(destinationIp);
  const ownAddress = route?.is === "node" && route.node === tables.node;
  const portal =
    tables.portals.get(portalAddress(destinationIp, port, protocol)) ??
    (ownAddress ? tables.portals.get(portalAddress("*", port, protocol)) : undefined);
  if (portal) return throughPortal(portal, sourceIp, tables, nowMs, draw);
  if (tables.serviceIps.has(destinationIp))
    return { forward: { type: "refuse", detail: `${destinationIp} has no port ${port}/${protocol}` } };
  if (route === undefined) return { forward: { type: "unreachable", detail: `no route to ${destinationIp}` } };
  // A node's own address may be that of a pod in the host's network, so it goes to the runtime there.
  if (route.is === "pod" || ownAddress) return { forward: { type: "pod", node: route.node, ip: destinationIp, port, service: "" } };
  return { forward: { type: "node", node: route.node } };
}

function throughPortal(portal: Portal, sourceIp: string, tables: Tables, nowMs: number, draw: () => number): ReturnType<typeof forward> {
  const { endpoints, service, affinityMs } = portal;
  if (endpoints.length === 0) {
    const detail = `${service} has no ${portal.whenEmpty === "refuse" ? "" : "local "}endpoints`;
    return { forward: { type: portal.whenEmpty, detail } };
  }
  const key = affinityKey(portal, sourceIp);
  const kept = affinityMs > 0 ? tables.affinities.get(key) : undefined;
  const known =
    kept && kept.untilMs > nowMs ? endpoints.find(({ ip, port }) => ip === kept.endpoint.ip && port === kept.endpoint.port) : undefined;
  const endpoint = known ?? endpoints[Math.floor(draw() * endpoints.length)]!;
  const node = endpoint.node || (tables.routes.find(endpoint.ip)?.node ?? "");
  if (node === "") return { forward: { type: "unreachable", detail: `no route to ${endpoint.ip}` } };
  return {
    forward: { type: "pod", node, ip: endpoint.ip, port: endpoint.port, service },
    ...(affinityMs > 0 ? { chosen: { key, affinity: { endpoint, untilMs: nowMs + affinityMs } } } : {}),
  };
}
