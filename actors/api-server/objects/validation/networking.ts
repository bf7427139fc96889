import type {
  Ingress,
  IngressBackend,
  IngressClass,
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithPortName, wrongWithPortNumber } from "../../../../protocol/kinds/names";
import { isNetwork, isStrictSubset } from "./addresses";
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
      if (/^\d{1,3}(\.\d{1,3}){3}$/.test(rule.host)) findings.invalid(`${at}.host`, rule.host, "must be a DNS name, not an IP address");
      else findings.invalidFor(`${at}.host`, rule.host, wrongWithDns1123Subdomain(rule.host.replace(/^\*\./, "")));
    }
    if (rule.http && (rule.http.paths ?? []).length === 0) findings.required(`${at}.http.paths`);
    rule.http?.paths?.forEach((path, place) => {
      const here = `${at}.http.paths[${place}]`;
      if (!path.pathType) findings.required(`${here}.pathType`, "pathType must be specified");
      else if (path.pathType === "ImplementationSpecific") {
        if (path.path && !path.path.startsWith("/")) findings.invalid(`${here}.path`, path.path, "must be an absolute path");
      } else if (!path.path?.startsWith("/")) findings.invalid(`${here}.path`, path.path ?? "", "must be an absolute path");
      else
        for (const part of ["//", "/./", "/../", "%2f", "%2F"])
          if (path.path.includes(part)) findings.invalid(`${here}.path`, path.path, `must not contain '${part}'`);
      checkBackend(path.backend ?? {}, `${here}.backend`, findings);
    });
  });
  spec?.tls?.forEach((tls, index) => {
    tls.hosts?.forEach((host, place) => {
      findings.invalidFor(`spec.tls[${index}].hosts[${place}]`, host, wrongWithDns1123Subdomain(host.replace(/^\*\./, "")));
    });
  });
  if (spec?.ingressClassName !== undefined)
    findings.invalidFor("spec.ingressClassName", spec.ingressClassName, wrongWithDns1123Subdomain(spec.ingressClassName));
}

function checkBackend(backend: IngressBackend, at: string, findings: Findings): void {
  if (backend.resource && backend.service) return findings.invalid(at, "", "cannot set both resource and service backends");
  if (backend.resource) {
    if (!backend.resource.kind) findings.required(`${at}.resource.kind`);
    if (!backend.resource.name) findings.required(`${at}.resource.name`);
    return;
  }
  if (!backend.service?.name) findings.required(`${at}.service.name`);
  const { name, number } = backend.service?.port ?? {};
  if (name && number) findings.invalid(at, "", "cannot set both port name & port number");
  else if (name) findings.invalidFor(`${at}.service.port.name`, name, wrongWithPortName(name));
  else if (number === undefined) findings.required(at, "port name or number is required");
  else findings.invalidFor(`${at}.service.port.number`, number, wrongWithPortNumber(number));
}

export function checkIngressClass({ spec }: IngressClass, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if (!spec.controller) findings.required("spec.controller");
  else if (!spec.controller.includes("/"))
    findings.invalid("spec.controller", spec.controller, 'must be a domain-prefixed path (such as "acme.io/foo")');
  if (spec.parameters?.scope === "Namespace" && !spec.parameters.namespace)
    findings.required("spec.parameters.namespace", "`parameters.scope` is set to 'Namespace'");
  if (spec.parameters?.scope === "Cluster" && spec.parameters.namespace !== undefined)
    findings.forbidden("spec.parameters.namespace", "`parameters.scope` is set to 'Cluster'");
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
  if ((spec?.policyTypes ?? []).length > 2)
    findings.invalid("spec.policyTypes", spec?.policyTypes, "may not specify more than two policyTypes");
}

function checkPorts(ports: readonly NetworkPolicyPort[] | undefined, rule: string, findings: Findings): void {
  ports?.forEach(({ port, endPort }, index) => {
    const at = `${rule}.ports[${index}]`;
    if (typeof port === "number") {
      findings.invalidFor(`${at}.port`, port, wrongWithPortNumber(port));
      if (endPort !== undefined) {
        if (endPort < port) findings.invalid(`${at}.endPort`, endPort, "must be greater than or equal to `port`");
        findings.invalidFor(`${at}.endPort`, endPort, wrongWithPortNumber(endPort));
      }
      return;
    }
    if (typeof port === "string") findings.invalidFor(`${at}.port`, port, wrongWithPortName(port));
    if (endPort !== undefined)
      findings.invalid(`${at}.endPort`, endPort, "may not be specified when `port` is not specified or non-numeric");
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
