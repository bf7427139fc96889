import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "../../../../protocol/kinds/generated";
import {
  wrongWithDns1035Label,
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithDomainPrefixedPath,
  wrongWithPathSegment,
  wrongWithPortName,
  wrongWithPortNumber,
  wrongWithWildcardSubdomain,
} from "../../../../protocol/kinds/names";
import { isNetwork, isStrictSubset, wrongWithAddress } from "./addresses";
import type { Findings } from "./field-error";
import { checkLabelSelector } from "./selectors";

/** networking.k8s.io/v1. */

export function checkIngress({ spec }: Ingress, findings: Findings): void {
  if (!spec || ((spec.rules ?? []).length === 0 && spec.defaultBackend === undefined))
    findings.invalid("spec", spec?.rules ?? null, "either `defaultBackend` or `rules` must be specified");
  if (spec?.defaultBackend) checkBackend(spec.defaultBackend, "spec.defaultBackend", findings);
  spec?.rules?.forEach((rule, index) => {
    const at = `spec.rules[${index}]`;
    if (rule.host) {
      if (wrongWithAddress(rule.host).length === 0) findings.invalid(`${at}.host`, rule.host, "must be a DNS name, not an IP address");
      findings.invalidFor(`${at}.host`, rule.host, wrongWithHost(rule.host));
    }
    if (!rule.http) return;
    if ((rule.http.paths ?? []).length === 0) findings.required(`${at}.http.paths`);
    rule.http.paths?.forEach((path, place) => {
      checkPath(path, `${at}.http.paths[${place}]`, findings);
    });
  });
  spec?.tls?.forEach((tls, index) => {
    tls.hosts?.forEach((host, place) => {
      findings.invalidFor(`spec.tls[${index}].hosts[${place}]`, host, wrongWithHost(host));
    });
    if (tls.secretName) findings.invalidFor(`spec.tls[${index}].secretName`, tls.secretName, wrongWithDns1123Subdomain(tls.secretName));
  });
  if (spec?.ingressClassName !== undefined)
    findings.invalidFor("spec.ingressClassName", spec.ingressClassName, wrongWithDns1123Subdomain(spec.ingressClassName));
}

/** The old annotation and the new field may not say two things. */
export function checkIngressCreate({ metadata, spec }: Ingress, findings: Findings): void {
  const annotation = metadata?.annotations?.["kubernetes.io/ingress.class"];
  if (annotation !== undefined && spec?.ingressClassName !== undefined && annotation !== spec.ingressClassName)
    findings.invalid("annotations.kubernetes.io/ingress.class", annotation, "must match `ingressClassName` when both are specified");
}

function wrongWithHost(host: string): readonly string[] {
  return host.includes("*") ? wrongWithWildcardSubdomain(host) : wrongWithDns1123Subdomain(host);
}

function checkPath({ path = "", pathType, backend }: HTTPIngressPath, at: string, findings: Findings): void {
  if (!pathType) return findings.required(`${at}.pathType`, "pathType must be specified");
  const absolute = path.startsWith("/");
  switch (pathType) {
    case "Exact":
    case "Prefix":
      if (!absolute) findings.invalid(`${at}.path`, path, "must be an absolute path");
      for (const part of ["//", "/./", "/../", "%2f", "%2F"])
        if (path.includes(part)) findings.invalid(`${at}.path`, path, `must not contain '${part}'`);
      for (const end of ["/..", "/."]) if (path.endsWith(end)) findings.invalid(`${at}.path`, path, `cannot end with '${end}'`);
      break;
    case "ImplementationSpecific":
      if (path !== "" && !absolute) findings.invalid(`${at}.path`, path, "must be an absolute path");
      break;
    default:
      findings.notSupported(`${at}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]);
  }
  checkBackend(backend ?? {}, `${at}.backend`, findings);
}

function checkBackend({ resource, service }: IngressBackend, at: string, findings: Findings): void {
  if (resource && service) return findings.invalid(at, "", "cannot set both resource and service backends");
  if (resource) return checkReference(resource, `${at}.resource`, findings);
  if (!service) return findings.invalid(at, "", "resource or service backend is required");
  if (!service.name) findings.required(`${at}.service.name`);
  else findings.invalidFor(`${at}.service.name`, service.name, wrongWithDns1035Label(service.name));
  const { name, number } = service.port ?? {};
  if (name && number) findings.invalid(at, "", "cannot set both port name & port number");
  else if (name) findings.invalidFor(`${at}.service.port.name`, name, wrongWithPortName(name));
  else if (number) findings.invalidFor(`${at}.service.port.number`, number, wrongWithPortNumber(number));
  else findings.required(at, "port name or number is required");
}

interface Reference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

function checkReference({ apiGroup, kind, name }: Reference, at: string, findings: Findings): void {
  if (apiGroup !== undefined) findings.invalidFor(`${at}.apiGroup`, apiGroup, wrongWithDns1123Subdomain(apiGroup));
  for (const [field, value] of [
    ["kind", kind],
    ["name", name],
  ] as const)
    if (!value) findings.required(`${at}.${field}`);
    else findings.invalidFor(`${at}.${field}`, value, wrongWithPathSegment(value));
}

export function checkIngressClass({ spec }: IngressClass, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if (!spec.controller) findings.required("spec.controller");
  else {
    if (spec.controller.length > 250) findings.tooLong("spec.controller", 250);
    findings.invalidFor("spec.controller", spec.controller, wrongWithDomainPrefixedPath(spec.controller));
  }
  const { parameters } = spec;
  if (!parameters) return;
  const at = "spec.parameters";
  checkReference(parameters, at, findings);
  if (parameters.scope === "Namespace" && parameters.namespace === undefined)
    findings.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
  if (parameters.scope === "Namespace" && parameters.namespace !== undefined)
    findings.invalidFor(`${at}.namespace`, parameters.namespace, wrongWithDns1123Label(parameters.namespace));
  if (parameters.scope === "Cluster" && parameters.namespace !== undefined)
    findings.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
}

export function checkIngressClassUpdate(stored: IngressClass, updated: IngressClass, findings: Findings): void {
  if (stored.spec?.controller !== updated.spec?.controller)
    findings.invalid("spec.controller", updated.spec?.controller ?? null, "field is immutable");
}

export function checkNetworkPolicy({ spec }: NetworkPolicy, findings: Findings): void {
  checkLabelSelector(spec?.podSelector, "spec.podSelector", findings);
  spec?.ingress?.forEach((rule, index) => {
    checkPorts(rule.ports, `spec.ingress[${index}]`, findings);
    checkPeers(rule.from, `spec.ingress[${index}].from`, findings);
  });
  spec?.egress?.forEach((rule, index) => {
    checkPorts(rule.ports, `spec.egress[${index}]`, findings);
    checkPeers(rule.to, `spec.egress[${index}].to`, findings);
  });
  const types = spec?.policyTypes ?? [];
  if (types.length > 2) return findings.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
  types.forEach((type, index) => {
    if (type !== "Ingress" && type !== "Egress") findings.notSupported(`spec.policyTypes[${index}]`, type, ["Ingress", "Egress"]);
  });
}

function checkPorts(ports: readonly NetworkPolicyPort[] | undefined, rule: string, findings: Findings): void {
  ports?.forEach(({ protocol, port, endPort }, index) => {
    const at = `${rule}.ports[${index}]`;
    if (protocol !== undefined && !["TCP", "UDP", "SCTP"].includes(protocol))
      findings.notSupported(`${at}.protocol`, protocol, ["TCP", "UDP", "SCTP"]);
    if (typeof port === "number") {
      findings.invalidFor(`${at}.port`, port, wrongWithPortNumber(port));
      if (endPort !== undefined) {
        if (endPort < port) findings.invalid(`${at}.endPort`, endPort, "must be greater than or equal to `port`");
        findings.invalidFor(`${at}.endPort`, endPort, wrongWithPortNumber(endPort));
      }
      return;
    }
    if (endPort !== undefined)
      findings.invalid(
        `${at}.endPort`,
        endPort,
        `may not be specified when \`port\` is ${port === undefined ? "not specified" : "non-numeric"}`,
      );
    if (typeof port === "string") findings.invalidFor(`${at}.port`, port, wrongWithPortName(port));
  });
}

function checkPeers(peers: readonly NetworkPolicyPeer[] | undefined, at: string, findings: Findings): void {
  peers?.forEach((peer, index) => {
    const here = `${at}[${index}]`;
    const selectors: readonly (readonly [string, LabelSelector | undefined])[] = [
      ["podSelector", peer.podSelector],
      ["namespaceSelector", peer.namespaceSelector],
    ];
    for (const [field, selector] of selectors) checkLabelSelector(selector, `${here}.${field}`, findings);
    const selecting = peer.podSelector !== undefined || peer.namespaceSelector !== undefined;
    if (!peer.ipBlock) {
      if (!selecting) findings.required(here, "must specify a peer");
      return;
    }
    if (selecting) findings.forbidden(here, "may not specify both ipBlock and another peer");
    const networks: readonly (readonly [string, string])[] = [
      [`${here}.ipBlock.cidr`, peer.ipBlock.cidr ?? ""],
      ...(peer.ipBlock.except ?? []).map((network, place) => [`${here}.ipBlock.except[${place}]`, network] as const),
    ];
    for (const [field, network] of networks)
      if (network === "") findings.required(field);
      else if (!isNetwork(network)) findings.invalid(field, network, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
      else if (field !== networks[0]![0] && isNetwork(peer.ipBlock.cidr) && !isStrictSubset(network, peer.ipBlock.cidr))
        findings.invalid(field, network, "must be a strict subset of `cidr`");
  });
}
