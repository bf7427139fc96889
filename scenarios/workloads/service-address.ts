import { type ApiClient, endpointSlices, services } from "../../actors/client";
import type { EndpointSlice, Service } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Context } from "../../runtime/actor";

/** Where a client of a Service sends its requests: what the Service's name means at that moment. */
export interface ServiceAddress {
  readonly ip: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/** What a look-up found: one address that stays, or, of a headless Service, those of its ready pods, to be looked up again when they have aged. */
export interface ServiceAddresses {
  readonly all: readonly ServiceAddress[];
  readonly headless: boolean;
}

/** How long clients keep the addresses of a headless Service's pods: the TTL of CoreDNS' records. */
export const headlessTtlMs = 5_000;

/** Looks a Service up through the API, as a name is looked up in DNS; `port` 0 means its first. Answers undefined where it has no address, or nobody answers. */
export function lookUp<S>(
  client: ApiClient<S>,
  ctx: Context<S>,
  { namespace, service, port }: { readonly namespace: string; readonly service: string; readonly port: number },
  then: (state: S, found: ServiceAddresses | undefined, ctx: Context<S>) => undefined,
): void {
  client.get(ctx, services, { namespace, name: service }, (state, result, later) => {
    if (!result.ok) return then(state, undefined, later);
    const { spec } = result.object;
    if (spec?.clusterIP !== "None") return then(state, addressOf(result.object, port), later);
    const query = { labelSelector: `kubernetes.io/service-name=${service}` };
    client.list(later, endpointSlices, namespace, query, (again, list, last) =>
      then(again, list.ok ? { all: podAddresses(result.object, list.object.items, port), headless: true } : undefined, last),
    );
    return undefined;
  });
}

function addressOf({ spec }: Stored<Service>, port: number): ServiceAddresses | undefined {
  const wanted = spec?.ports?.find((one) => port === 0 || one.port === port);
  const number = port === 0 ? wanted?.port : port;
  if (!spec?.clusterIP || number === undefined) return undefined;
  return { all: [{ ip: spec.clusterIP, port: number, protocol: protocolOf(wanted?.protocol) }], headless: false };
}

/** The pods' own addresses, with the port on which they serve the Service's. */
function podAddresses({ spec }: Stored<Service>, slices: readonly Stored<EndpointSlice>[], port: number): readonly ServiceAddress[] {
  const wanted = spec?.ports?.find((one) => port === 0 || one.port === port);
  return slices.flatMap(({ endpoints = [], ports = [] }) => {
    const served = ports.find(({ name }) => (name ?? "") === (wanted?.name ?? ""))?.port ?? wanted?.port ?? port;
    return endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses.map((ip) => ({ ip, port: served, protocol: protocolOf(wanted?.protocol) })));
  });
}

const protocolOf = (name: string | undefined) => (name === "UDP" ? "UDP" : "TCP");
