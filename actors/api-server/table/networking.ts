import type {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  IPAddress,
  LoadBalancerIngress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from "../../../protocol/kinds/generated";
import { age, name, type Printer, text, wide } from "./column";
import { hostPort, labelsText, none, selectorText, someOf, unknown, unset } from "./phrases";

export const servicePrinter: Printer<Service> = {
  columns: [
    name(),
    text("Type", "How the Service is exposed.", (s) => s.spec?.type ?? "ClusterIP"),
    text("Cluster-IP", "The address at which the Service is reached inside the cluster.", (s) => s.spec?.clusterIP || none),
    text("External-IP", "The addresses at which it is reached from outside.", serviceExternalAddress),
    text("Port(s)", "Ports, with the node port where there is one.", servicePorts),
    age(),
    wide(text("Selector", "Labels of the Pods behind the Service.", (s) => labelsText(s.spec?.selector))),
  ],
};

function serviceExternalAddress(service: Service): string {
  const external = service.spec?.externalIPs ?? [];
  switch (service.spec?.type ?? "ClusterIP") {
    case "ClusterIP":
    case "NodePort":
      return external.length > 0 ? external.join(",") : none;
    case "LoadBalancer": {
      const all = [...balancerAddresses(service.status?.loadBalancer?.ingress), ...external];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    case "ExternalName":
      return service.spec?.externalName ?? "";
    default:
      return unknown;
  }
}

function balancerAddresses(ingress: readonly Pick<LoadBalancerIngress, "ip" | "hostname">[] | undefined): readonly string[] {
  return [...new Set((ingress ?? []).map((i) => i.ip || i.hostname || "").filter((a) => a !== ""))].sort();
}

function servicePorts(service: Service): string {
  const ports = (service.spec?.ports ?? []).map((p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ""}/${p.protocol ?? "TCP"}`);
  return ports.length === 0 ? none : ports.join(",");
}

export const endpointsPrinter: Printer<Endpoints> = {
  columns: [
    name(),
    text("Endpoints", "Addresses and ports that are ready.", (e) => {
      const ready = (e.subsets ?? []).flatMap((subset) => {
        const addresses = (subset.addresses ?? []).map((a) => a.ip);
        const ports = subset.ports ?? [];
        return ports.length === 0 ? addresses : ports.flatMap((p) => addresses.map((ip) => hostPort(ip, p.port)));
      });
      return someOf(ready, (e.subsets ?? []).length === 0 ? none : "");
    }),
    age(),
  ],
};

export const endpointSlicePrinter: Printer<EndpointSlice> = {
  columns: [
    name(),
    text("AddressType", "The family of the addresses.", (s) => s.addressType),
    text("Ports", "Ports of every endpoint in the slice.", (s) =>
      someOf(
        (s.ports ?? []).map((p) => (p.port !== undefined ? String(p.port) : p.name || "*")),
        unset,
      ),
    ),
    text("Endpoints", "Addresses in the slice, ready or not.", (s) =>
      someOf(
        (s.endpoints ?? []).flatMap((e) => e.addresses),
        unset,
      ),
    ),
    age(),
  ],
};

export const ingressPrinter: Printer<Ingress> = {
  columns: [
    name(),
    text("Class", "The class of controller that serves it.", (i) => {
      return i.spec?.ingressClassName ?? i.metadata?.annotations?.["kubernetes.io/ingress.class"] ?? none;
    }),
    text("Hosts", "Host names its rules are about.", (i) => {
      const hosts = (i.spec?.rules ?? []).map((rule) => rule.host ?? "").filter((host) => host !== "");
      return someOf(hosts, "*");
    }),
    text("Address", "Where the load balancer listens.", (i) => balancerAddresses(i.status?.loadBalancer?.ingress).join(",")),
    text("Ports", "Ports that are open.", (i) => ((i.spec?.tls ?? []).length > 0 ? "80, 443" : "80")),
    age(),
  ],
};

export const ingressClassPrinter: Printer<IngressClass> = {
  columns: [
    name(),
    text("Controller", "The controller that serves Ingresses of this class.", (c) => c.spec?.controller ?? ""),
    text("Parameters", "The object that configures the controller.", (c) => {
      const parameters = c.spec?.parameters;
      if (parameters === undefined) return none;
      return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ""}/${parameters.name}`;
    }),
    age(),
  ],
};

export const networkPolicyPrinter: Printer<NetworkPolicy> = {
  columns: [name(), text("Pod-Selector", "Labels of the Pods it applies to.", (p) => selectorText(p.spec?.podSelector)), age()],
};

export const serviceCidrPrinter: Printer<ServiceCIDR> = {
  columns: [name(), text("CIDRs", "Ranges from which Services get their addresses.", (c) => (c.spec?.cidrs ?? []).join(",")), age()],
};

export const ipAddressPrinter: Printer<IPAddress> = {
  columns: [
    name(),
    text("ParentRef", "The object that holds the address.", (ip) => {
      const parent = ip.spec?.parentRef;
      if (parent === undefined) return none;
      const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
      return parent.namespace ? `${resource}/${parent.namespace}/${parent.name}` : `${resource}/${parent.name}`;
    }),
  ],
};
