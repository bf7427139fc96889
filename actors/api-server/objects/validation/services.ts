import type { IngressLoadBalancerStatus, LoadBalancerStatus, Service, ServiceSpec } from "../../../../protocol/kinds/generated";
import {
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithPortNumber,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import { isIPv6, wrongWithAddress, wrongWithNetwork, wrongWithSpecialAddress } from "./addresses";
import type { Findings } from "./field-error";
import { checkLabels } from "./metadata";
import { checkPort } from "./probes";

/** Services. */

export function checkService({ spec, metadata }: Service, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkTopologyAnnotations(metadata?.annotations, findings);
  const headless = isHeadless(spec);
  const external = spec.type === "ExternalName";
  if ((spec.ports ?? []).length === 0 && !headless && !external) findings.required("spec.ports");
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort"))
    findings.invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`);
  if (external) checkExternalName(spec, findings);
  checkServicePorts(spec, findings);
  checkLabels(spec.selector, "spec.selector", findings);
  checkAffinityOfSessions(spec, findings);
  if (!external) checkClusterAddresses(spec, findings);
  checkOutsideAddresses(spec, metadata?.annotations, findings);
  checkTraffic(spec, findings);
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== "LoadBalancer")
    findings.forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'");
  if (spec.loadBalancerClass === undefined) return;
  if (spec.type !== "LoadBalancer") findings.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'");
  else findings.invalidFor("spec.loadBalancerClass", spec.loadBalancerClass, wrongWithQualifiedName(spec.loadBalancerClass));
}

const isHeadless = (spec: ServiceSpec | undefined) => spec?.clusterIP === "None";

function checkTopologyAnnotations(annotations: Readonly<Record<string, string>> | undefined, findings: Findings): void {
  const hints = annotations?.["service.kubernetes.io/topology-aware-hints"];
  const mode = annotations?.["service.kubernetes.io/topology-mode"];
  if (hints !== undefined && mode !== undefined && hints !== mode)
    findings.invalid(
      "metadata.annotations[service.kubernetes.io/topology-mode]",
      mode,
      "must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified",
    );
}

function checkExternalName(spec: ServiceSpec, findings: Findings): void {
  if (spec.clusterIP || (spec.clusterIPs ?? []).length > 0)
    findings.forbidden("spec.clusterIPs", "may not be set for ExternalName services");
  if ((spec.ipFamilies ?? []).length > 0) findings.forbidden("spec.ipFamilies", "may not be set for ExternalName services");
  if (spec.ipFamilyPolicy !== undefined) findings.forbidden("spec.ipFamilyPolicy", "may not be set for ExternalName services");
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") findings.required("spec.externalName");
  else findings.invalidFor("spec.externalName", name, wrongWithDns1123Subdomain(name));
}

function checkAffinityOfSessions(spec: ServiceSpec, findings: Findings): void {
  const at = "spec.sessionAffinityConfig";
  if (spec.sessionAffinity === "None" && spec.sessionAffinityConfig !== undefined)
    findings.forbidden(at, "must not be set when session affinity is None");
  if (spec.sessionAffinity !== "ClientIP") return;
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinityConfig === undefined) findings.required(at, "when session affinity type is ClientIP");
  else if (spec.sessionAffinityConfig.clientIP === undefined) findings.required(`${at}.clientIP`, "when session affinity type is ClientIP");
  else if (timeout === undefined) findings.required(`${at}.clientIP.timeoutSeconds`, "when session affinity type is ClientIP");
  else if (timeout <= 0 || timeout > 86400)
    findings.invalid(`${at}.clientIP.timeoutSeconds`, timeout, "must be greater than 0 and less than 86400");
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
    if (port.appProtocol !== undefined)
      findings.invalidFor(`${at}.appProtocol`, port.appProtocol, wrongWithQualifiedName(port.appProtocol));
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

function checkClusterAddresses(spec: ServiceSpec, findings: Findings): void {
  const addresses = spec.clusterIPs ?? [];
  const families = spec.ipFamilies ?? [];
  if (spec.clusterIP && addresses.length > 0 && addresses[0] !== spec.clusterIP)
    findings.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`");
  if (!spec.clusterIP && addresses.length > 0)
    findings.invalid("spec.clusterIPs", addresses, "must be empty when `clusterIP` is not specified");
  families.forEach((family, index) => {
    if (family !== "IPv4" && family !== "IPv6") findings.notSupported(`spec.ipFamilies[${index}]`, family, ["IPv4", "IPv6"]);
    if (families.indexOf(family) < index) findings.duplicate(`spec.ipFamilies[${index}]`, family);
  });
  let readable = true;
  addresses.forEach((address, index) => {
    if (index === 0 && address === "None") {
      if (addresses.length > 1) findings.invalid("spec.clusterIPs", addresses, "'None' must be the first and only value");
      readable &&= addresses.length === 1;
      return;
    }
    const wrong = wrongWithAddress(address);
    findings.invalidFor(`spec.clusterIPs[${index}]`, address, wrong);
    readable &&= wrong.length === 0;
  });
  if (addresses.length > 2) findings.invalid("spec.clusterIPs", addresses, "may only hold up to 2 values");
  if (!readable || isHeadless(spec)) return;
  if (addresses.length > 1 && new Set(addresses.map(isIPv6)).size < addresses.length)
    findings.invalid("spec.clusterIPs", addresses, "may specify no more than one IP for each IP family");
  addresses.forEach((address, index) => {
    const family = families[index];
    if (family !== undefined && (family === "IPv6") !== isIPv6(address))
      findings.invalid(`spec.clusterIPs[${index}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  });
}

const annotationOfRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";

function checkOutsideAddresses(spec: ServiceSpec, annotations: Readonly<Record<string, string>> | undefined, findings: Findings): void {
  spec.externalIPs?.forEach((address, index) => {
    const wrong = wrongWithAddress(address);
    findings.invalidFor(`spec.externalIPs[${index}]`, address, wrong.length > 0 ? wrong : wrongWithSpecialAddress(address));
  });
  // Real servers name this field with a capital letter.
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotated = annotations?.[annotationOfRanges];
  const at = ranges.length > 0 ? "spec.LoadBalancerSourceRanges" : `metadata.annotations[${annotationOfRanges}]`;
  if ((ranges.length > 0 || annotated !== undefined) && spec.type !== "LoadBalancer")
    findings.forbidden(at, "may only be used when `type` is 'LoadBalancer'");
  for (const [index, range] of ranges.entries()) findings.invalidFor(`${at}[${index}]`, range.trim(), wrongWithNetwork(range.trim()));
  if (ranges.length > 0 || !annotated?.trim()) return;
  for (const range of annotated.split(",")) findings.invalidFor(at, range.trim(), wrongWithNetwork(range.trim()));
}

const distributions: readonly string[] = ["PreferClose", "PreferSameNode", "PreferSameZone"];

function checkTraffic(spec: ServiceSpec, findings: Findings): void {
  const outward = spec.type === "NodePort" || spec.type === "LoadBalancer" || (spec.externalIPs ?? []).length > 0;
  if (spec.externalTrafficPolicy && !outward)
    findings.invalid("spec.externalTrafficPolicy", spec.externalTrafficPolicy, "may only be set for externally-accessible services");
  const distribution = spec.trafficDistribution;
  if (distribution !== undefined && !distributions.includes(distribution))
    findings.notSupported("spec.trafficDistribution", distribution, distributions);
  const healthCheck = spec.healthCheckNodePort ?? 0;
  if (healthCheck < 0) findings.invalid("spec.healthCheckNodePort", healthCheck, "must be between 1 and 65535, inclusive");
  if (healthCheck > 0 && !(spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local"))
    findings.invalid(
      "spec.healthCheckNodePort",
      healthCheck,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
}

/** A Service keeps the addresses it was given for as long as it has any; a second one may come and go. */
export function checkServiceUpdate(stored: Service, updated: Service, findings: Findings): void {
  const before = stored.spec;
  const after = updated.spec;
  if (!before || !after) return;
  if (before.type !== "ExternalName" && after.type !== "ExternalName") {
    if (!(isHeadless(before) && isHeadless(after))) checkKept(before, after, "clusterIPs", "clusterIP", findings);
    if (!isHeadless(before) && !isHeadless(after)) checkKept(before, after, "ipFamilies", "ipFamily", findings);
  }
  if (before.type === "LoadBalancer" && after.type === "LoadBalancer" && before.loadBalancerClass !== after.loadBalancerClass)
    findings.invalid("spec.loadBalancerClass", after.loadBalancerClass ?? null, "may not change once set");
  const checks = (spec: ServiceSpec) => spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
  if (checks(before) && checks(after) && before.healthCheckNodePort && before.healthCheckNodePort !== after.healthCheckNodePort)
    findings.forbidden("spec.healthCheckNodePort", "field is immutable");
}

function checkKept(before: ServiceSpec, after: ServiceSpec, list: "clusterIPs" | "ipFamilies", one: string, findings: Findings): void {
  const listOf = (spec: ServiceSpec) => spec[list] ?? (list === "clusterIPs" && spec.clusterIP ? [spec.clusterIP] : []);
  const old: readonly string[] = listOf(before);
  const now: readonly string[] = listOf(after);
  const at = `spec.${list}`;
  // Families that are left out are those that were there.
  if (old.length > 0 && now.length === 0 && list === "clusterIPs")
    return findings.invalid(`${at}[0]`, after[list] ?? null, `primary ${one} can not be unset`);
  if (now.length === 0) return;
  if (old.length === now.length)
    old.forEach((value, index) => {
      if (value !== now[index]) findings.invalid(`${at}[${list === "clusterIPs" ? index : 0}]`, now, "may not change once set");
    });
  else if (old.length > 0 && old[0] !== now[0]) findings.invalid(`${at}[0]`, now, "may not change once set");
  if (old.length > now.length && now.length === 1 && after.ipFamilyPolicy !== "SingleStack")
    findings.invalid(
      "spec.ipFamilyPolicy",
      after.ipFamilyPolicy ?? null,
      `must be set to 'SingleStack' when releasing the secondary ${one}`,
    );
}

/** What a load balancer says of itself: addresses or names, never a name that is an address. */
export function checkLoadBalancer(
  status: LoadBalancerStatus | IngressLoadBalancerStatus | undefined,
  at: string,
  findings: Findings,
): void {
  status?.ingress?.forEach((ingress, index) => {
    const here = `${at}.ingress[${index}]`;
    if (ingress.ip) findings.invalidFor(`${here}.ip`, ingress.ip, wrongWithAddress(ingress.ip));
    const mode = "ipMode" in ingress ? ingress.ipMode : undefined;
    if (mode !== undefined && !ingress.ip) findings.forbidden(`${here}.ipMode`, "may not be specified when `ip` is not set");
    else if (mode !== undefined && mode !== "VIP" && mode !== "Proxy") findings.notSupported(`${here}.ipMode`, mode, ["Proxy", "VIP"]);
    if (!ingress.hostname) return;
    findings.invalidFor(`${here}.hostname`, ingress.hostname, wrongWithDns1123Subdomain(ingress.hostname));
    if (wrongWithAddress(ingress.hostname).length === 0)
      findings.invalid(`${here}.hostname`, ingress.hostname, "must be a DNS name, not an IP address");
  });
}
