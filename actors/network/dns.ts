import type { EndpointSlice, Service } from "../../protocol/kinds/generated";

/** What a name means in the cluster. */
export type DnsAnswer =
  | { readonly found: true; readonly name: string; readonly addresses: readonly string[]; readonly service: string }
  /** ExternalName: ask again, outside. */
  | { readonly found: true; readonly name: string; readonly cname: string }
  /** Of a Service's port, "_http._tcp.web": the port's number at each name that serves it. */
  | { readonly found: true; readonly name: string; readonly ports: readonly { readonly port: number; readonly target: string }[] }
  | { readonly found: false };

/** Services by "namespace/name". */
export interface ServicesByKey {
  get(key: string): Service | undefined;
}

const domain = "cluster.local";
const notFound: DnsAnswer = { found: false };

/** The full name that a pod of the namespace means by a name with few dots: its search path. Source: "DNS for Services and Pods". */
export function searchPath(namespace: string): readonly string[] {
  return [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
}

/**
 * Answers A and SRV queries for Services: "web" asked for in the namespace, "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", and a headless
 * Service's "pod-0.db.shop.svc.cluster.local". Source: the Kubernetes DNS-based service discovery specification 1.1.0.
 */
export function resolveName(
  name: string,
  fromNamespace: string,
  services: ServicesByKey,
  slicesOf: (serviceKey: string) => readonly EndpointSlice[],
): DnsAnswer {
  const plain = name.endsWith(".") ? name.slice(0, -1) : name;
  const candidates = name.endsWith(".") ? [plain] : [...searchPath(fromNamespace).map((suffix) => `${plain}.${suffix}`), plain];
  for (const candidate of candidates) {
    const answer = resolveFullName(candidate, services, slicesOf);
    if (answer.found) return answer;
  }
  return notFound;
}

function resolveFullName(name: string, services: ServicesByKey, slicesOf: (serviceKey: string) => readonly EndpointSlice[]): DnsAnswer {
  const suffix = `.svc.${domain}`;
  if (!name.endsWith(suffix)) return notFound;
  const labels = name.slice(0, -suffix.length).split(".");
  if (labels.length === 4 && labels[0]!.startsWith("_")) return portOf(name, labels, services, slicesOf);
  const [namespace, service, hostname] = [labels.at(-1), labels.at(-2), labels.length === 3 ? labels[0] : undefined];
  if (labels.length < 2 || labels.length > 3) return notFound;
  const key = `${namespace}/${service}`;
  const spec = services.get(key)?.spec;
  if (spec === undefined) return notFound;
  if (spec.type === "ExternalName") return hostname === undefined ? { found: true, name, cname: spec.externalName ?? "" } : notFound;
  if (spec.clusterIP && spec.clusterIP !== "None")
    return hostname === undefined ? { found: true, name, addresses: [spec.clusterIP], service: key } : notFound;
  const addresses = slicesOf(key)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => (endpoint.conditions?.ready ?? true) && (hostname === undefined || endpoint.hostname === hostname))
    .flatMap((endpoint) => endpoint.addresses);
  return addresses.length === 0 ? notFound : { found: true, name, addresses, service: key };
}

/** The SRV record of a named port: at the Service's own name, or at each ready pod of a headless one. */
function portOf(
  name: string,
  [port = "", protocol = "", service = "", namespace = ""]: readonly string[],
  services: ServicesByKey,
  slicesOf: (serviceKey: string) => readonly EndpointSlice[],
): DnsAnswer {
  const key = `${namespace}/${service}`;
  const spec = services.get(key)?.spec;
  const wanted = spec?.ports?.find((one) => `_${one.name}` === port && `_${(one.protocol ?? "TCP").toLowerCase()}` === protocol);
  if (!spec || !wanted) return notFound;
  const own = `${service}.${namespace}.svc.${domain}`;
  if (spec.clusterIP !== "None") return { found: true, name, ports: [{ port: wanted.port, target: own }] };
  const ports = slicesOf(key).flatMap((slice) => {
    const served = slice.ports?.find((one) => (one.name ?? "") === wanted.name)?.port ?? wanted.port;
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready ?? true)
      .map(({ hostname, addresses }) => ({ port: served, target: `${hostname ?? addresses[0]?.replaceAll(".", "-")}.${own}` }));
  });
  return ports.length === 0 ? notFound : { found: true, name, ports };
}
