import type { EndpointSlice, Endpoints, Service, ServiceSpec } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain, wrongWithPortNumber } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { isIPv4, isIPv6, isNetwork, wrongWithSpecialAddress } from "./addresses";
import type { Findings } from "./field-error";
import { checkLabels } from "./metadata";
import { checkPort } from "./probes";

/** Services, Endpoints and EndpointSlices. */

export function checkService({ spec }: Service, findings: Findings): void {
  if (!spec) return findings.required("spec");
  const headless = spec.clusterIP === "None";
  const external = spec.type === "ExternalName";
  if ((spec.ports ?? []).length === 0 && !headless && !external) findings.required("spec.ports");
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort"))
    findings.invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`);
  if (external) checkExternalName(spec, findings);
  checkServicePorts(spec, findings);
  checkLabels(spec.selector, "spec.selector", findings);
  checkAddresses(spec, findings);
  checkTraffic(spec, findings);
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity === "ClientIP" && timeout !== undefined && (timeout <= 0 || timeout > 86400))
    findings.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout, "must be greater than 0 and less than 86400");
  if (spec.loadBalancerClass !== undefined && spec.type !== "LoadBalancer")
    findings.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'");
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== "LoadBalancer")
    findings.forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'");
}

function checkExternalName(spec: ServiceSpec, findings: Findings): void {
  if (spec.clusterIP) findings.forbidden("spec.clusterIP", "may not be set for ExternalName services");
  const name = spec.externalName ?? "";
  if (name === "") return findings.required("spec.externalName", "externalName must be set when `type` is 'ExternalName'");
  findings.invalidFor("spec.externalName", name, wrongWithDns1123Subdomain(name.replace(/\.$/, "")));
}

function checkServicePorts(spec: ServiceSpec, findings: Findings): void {
  const several = (spec.ports ?? []).length > 1;
  const names = new Set<string>();
  const ports = new Set<string>();
  const nodePorts = new Set<string>();
  spec.ports?.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (several && !port.name) findings.required(`${at}.name`);
    if (port.name) {
      findings.invalidFor(`${at}.name`, port.name, wrongWithDns1123Label(port.name));
      if (names.has(port.name)) findings.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    findings.invalidFor(`${at}.port`, port.port ?? 0, wrongWithPortNumber(port.port ?? 0));
    if (port.targetPort !== undefined) checkPort(port.targetPort, `${at}.targetPort`, findings);
    const pair = `${port.protocol}/${port.port}`;
    if (ports.has(pair)) findings.duplicate(at, { protocol: port.protocol, port: port.port });
    ports.add(pair);
    if (!port.nodePort) return;
    const node = `${port.protocol}/${port.nodePort}`;
    if (spec.type === "ClusterIP") findings.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    else if (nodePorts.has(node)) findings.duplicate(`${at}.nodePort`, port.nodePort);
    else findings.invalidFor(`${at}.nodePort`, port.nodePort, wrongWithPortNumber(port.nodePort));
    nodePorts.add(node);
  });
}

function checkAddresses(spec: ServiceSpec, findings: Findings): void {
  const addresses = spec.clusterIPs ?? [];
  if (addresses.length > 0 && spec.clusterIP !== undefined && addresses[0] !== spec.clusterIP)
    findings.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`");
  if (addresses.length > 2) findings.invalid("spec.clusterIPs", addresses, "may only hold up to 2 values");
  addresses.forEach((address, index) => {
    if (index === 0 && (address === "None" || address === "")) return;
    if (!isIPv4(address) && !isIPv6(address))
      findings.invalid(`spec.clusterIPs[${index}]`, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  });
  spec.externalIPs?.forEach((address, index) => {
    if (!isIPv4(address) && !isIPv6(address))
      findings.invalid(`spec.externalIPs[${index}]`, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    else findings.invalidFor(`spec.externalIPs[${index}]`, address, wrongWithSpecialAddress(address));
  });
  // Real servers name this field with a capital letter.
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0 && spec.type !== "LoadBalancer")
    findings.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'");
  for (const [index, range] of ranges.entries())
    if (!isNetwork(range.trim()))
      findings.invalid(`spec.LoadBalancerSourceRanges[${index}]`, range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  const families = spec.ipFamilies ?? [];
  if (new Set(families).size < families.length) findings.duplicate("spec.ipFamilies[1]", families[1]);
  if (spec.ipFamilyPolicy === "SingleStack" && families.length > 1)
    findings.invalid("spec.ipFamilies", families, "may only hold one value when `ipFamilyPolicy` is 'SingleStack'");
}

function checkTraffic(spec: ServiceSpec, findings: Findings): void {
  const outward = spec.type === "NodePort" || spec.type === "LoadBalancer" || (spec.externalIPs ?? []).length > 0;
  if (spec.externalTrafficPolicy && !outward)
    findings.invalid("spec.externalTrafficPolicy", spec.externalTrafficPolicy, "may only be set for externally-accessible services");
  const healthCheck = spec.healthCheckNodePort ?? 0;
  if (healthCheck < 0) findings.invalid("spec.healthCheckNodePort", healthCheck, "must be between 1 and 65535, inclusive");
  if (healthCheck > 0 && !(spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local"))
    findings.invalid(
      "spec.healthCheckNodePort",
      healthCheck,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
}

const hasAddress = (spec: ServiceSpec | undefined) =>
  spec?.type === "ClusterIP" || spec?.type === "NodePort" || spec?.type === "LoadBalancer";

/** A Service keeps the address it was given for as long as it has one. */
export function checkServiceUpdate(stored: Service, updated: Service, findings: Findings): void {
  const before = stored.spec;
  const after = updated.spec;
  if (!hasAddress(before) || !hasAddress(after)) return;
  if (before?.clusterIP && after?.clusterIP !== before.clusterIP)
    findings.invalid("spec.clusterIPs[0]", after?.clusterIP ? [after.clusterIP] : null, "may not change once set");
  if (
    before?.type === "LoadBalancer" &&
    after?.type === "LoadBalancer" &&
    !semanticallyEqual(before.loadBalancerClass, after.loadBalancerClass)
  )
    findings.invalid("spec.loadBalancerClass", after.loadBalancerClass ?? null, "may not change once set");
}

export function checkEndpoints({ subsets }: Endpoints, findings: Findings): void {
  subsets?.forEach((subset, index) => {
    const at = `subsets[${index}]`;
    if ((subset.addresses ?? []).length === 0 && (subset.notReadyAddresses ?? []).length === 0)
      findings.required(at, "must specify `addresses` or `notReadyAddresses`");
    for (const list of ["addresses", "notReadyAddresses"] as const)
      subset[list]?.forEach((address, place) => {
        if (!isIPv4(address.ip) && !isIPv6(address.ip))
          findings.invalid(`${at}.${list}[${place}].ip`, address.ip ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
      });
    subset.ports?.forEach((port, place) => {
      if ((subset.ports ?? []).length > 1 && !port.name) findings.required(`${at}.ports[${place}].name`);
      findings.invalidFor(`${at}.ports[${place}].port`, port.port ?? 0, wrongWithPortNumber(port.port ?? 0));
    });
  });
}

export function checkEndpointSlice(slice: EndpointSlice, findings: Findings): void {
  const endpoints = slice.endpoints ?? [];
  if (!slice.addressType) findings.required("addressType");
  if (endpoints.length > 1000) findings.tooMany("endpoints", endpoints.length, 1000);
  endpoints.forEach((endpoint, index) => {
    const at = `endpoints[${index}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) findings.required(`${at}.addresses`, "must contain at least 1 address");
    else if (addresses.length > 100) findings.tooMany(`${at}.addresses`, addresses.length, 100);
    addresses.forEach((address, place) => {
      const here = `${at}.addresses[${place}]`;
      if (slice.addressType === "IPv4" && !isIPv4(address)) findings.invalid(here, address, "must be an IPv4 address");
      else if (slice.addressType === "IPv6" && !isIPv6(address)) findings.invalid(here, address, "must be an IPv6 address");
      else if (slice.addressType === "FQDN") findings.invalidFor(here, address, wrongWithDns1123Subdomain(address));
    });
    if (endpoint.hostname !== undefined) findings.invalidFor(`${at}.hostname`, endpoint.hostname, wrongWithDns1123Label(endpoint.hostname));
  });
  const names = new Set<string>();
  slice.ports?.forEach((port, index) => {
    const name = port.name ?? "";
    if (names.has(name)) findings.duplicate(`ports[${index}].name`, name);
    names.add(name);
    if (name !== "") findings.invalidFor(`ports[${index}].name`, name, wrongWithDns1123Label(name));
  });
}

export function checkEndpointSliceUpdate(stored: EndpointSlice, updated: EndpointSlice, findings: Findings): void {
  if (stored.addressType !== updated.addressType) findings.invalid("addressType", updated.addressType, "field is immutable");
}
