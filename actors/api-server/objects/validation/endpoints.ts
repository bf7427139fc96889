import type { EndpointSlice, Endpoints } from "../../../../protocol/kinds/generated";
import {
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithLabelValue,
  wrongWithPortNumber,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import { isIPv6, wrongWithAddress, wrongWithSpecialAddress } from "./addresses";
import type { Findings } from "./field-error";
import { checkLabels } from "./metadata";

/** Endpoints and EndpointSlices. */

export function checkEndpoints({ subsets }: Endpoints, findings: Findings): void {
  subsets?.forEach((subset, index) => {
    const at = `subsets[${index}]`;
    if ((subset.addresses ?? []).length === 0 && (subset.notReadyAddresses ?? []).length === 0)
      findings.required(at, "must specify `addresses` or `notReadyAddresses`");
    for (const list of ["addresses", "notReadyAddresses"] as const)
      subset[list]?.forEach((address, place) => {
        const here = `${at}.${list}[${place}]`;
        const wrong = wrongWithAddress(address.ip);
        findings.invalidFor(`${here}.ip`, address.ip ?? "", wrong);
        if (address.hostname) findings.invalidFor(`${here}.hostname`, address.hostname, wrongWithDns1123Label(address.hostname));
        if (address.nodeName !== undefined)
          findings.invalidFor(`${here}.nodeName`, address.nodeName, wrongWithDns1123Subdomain(address.nodeName));
        if (wrong.length > 0) findings.invalid(`${here}.ip`, address.ip ?? "", "must be a valid IP address");
        else findings.invalidFor(`${here}.ip`, address.ip, wrongWithSpecialAddress(address.ip));
      });
    subset.ports?.forEach((port, place) => {
      const here = `${at}.ports[${place}]`;
      if ((subset.ports ?? []).length > 1 && !port.name) findings.required(`${here}.name`);
      else if (port.name) findings.invalidFor(`${here}.name`, port.name, wrongWithDns1123Label(port.name));
      findings.invalidFor(`${here}.port`, port.port ?? 0, wrongWithPortNumber(port.port ?? 0));
      checkProtocol(port.protocol, `${here}.protocol`, findings);
      if (port.appProtocol !== undefined)
        findings.invalidFor(`${here}.appProtocol`, port.appProtocol, wrongWithQualifiedName(port.appProtocol));
    });
  });
}

function checkProtocol(protocol: string | undefined, at: string, findings: Findings): void {
  if (!protocol) findings.required(at);
  else if (!["SCTP", "TCP", "UDP"].includes(protocol)) findings.notSupported(at, protocol, ["SCTP", "TCP", "UDP"]);
}

const portsMax = 20_000;
const hintsMax = 8;

export function checkEndpointSlice(slice: EndpointSlice, findings: Findings): void {
  const type = slice.addressType;
  if (!type) findings.required("addressType");
  else if (!["FQDN", "IPv4", "IPv6"].includes(type)) findings.notSupported("addressType", type, ["FQDN", "IPv4", "IPv6"]);
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > 1000) return findings.tooMany("endpoints", endpoints.length, 1000);
  endpoints.forEach((endpoint, index) => {
    const at = `endpoints[${index}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) findings.required(`${at}.addresses`, "must contain at least 1 address");
    else if (addresses.length > 100) findings.tooMany(`${at}.addresses`, addresses.length, 100);
    else
      addresses.forEach((address, place) => {
        checkEndpointAddress(type, address, `${at}.addresses[${place}]`, findings);
      });
    if (endpoint.nodeName !== undefined)
      findings.invalidFor(`${at}.nodeName`, endpoint.nodeName, wrongWithDns1123Subdomain(endpoint.nodeName));
    checkLabels(endpoint.deprecatedTopology, `${at}.deprecatedTopology`, findings);
    if (endpoint.hostname !== undefined) findings.invalidFor(`${at}.hostname`, endpoint.hostname, wrongWithDns1123Label(endpoint.hostname));
    for (const [list, kind] of [
      ["forZones", "zone"],
      ["forNodes", "node"],
    ] as const) {
      const hints = endpoint.hints?.[list] ?? [];
      if (hints.length > hintsMax) findings.tooMany(`${at}.hints.${list}`, hints.length, hintsMax);
      hints.forEach(({ name = "" }, place) => {
        if (hints.findIndex((other) => (other.name ?? "") === name) < place) findings.duplicate(`${at}.hints.${list}[${place}].name`, name);
        else if (kind === "zone") findings.invalidFor(`${at}.hints.${list}[${place}].name`, name, wrongWithLabelValue(name));
        else findings.invalidFor(`${at}.hints.${list}[${place}].name`, name, wrongWithDns1123Subdomain(name));
      });
    }
  });
  const ports = slice.ports ?? [];
  if (ports.length > portsMax) return findings.tooMany("ports", ports.length, portsMax);
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const at = `ports[${index}]`;
    const name = port.name ?? "";
    if (name !== "") findings.invalidFor(`${at}.name`, name, wrongWithDns1123Label(name));
    if (names.has(name)) findings.duplicate(`${at}.name`, name);
    names.add(name);
    checkProtocol(port.protocol, `${at}.protocol`, findings);
    if (port.port !== undefined) findings.invalidFor(`${at}.port`, port.port, wrongWithPortNumber(port.port));
    if (port.appProtocol !== undefined)
      findings.invalidFor(`${at}.appProtocol`, port.appProtocol, wrongWithQualifiedName(port.appProtocol));
  });
}

function checkEndpointAddress(type: string, address: string, at: string, findings: Findings): void {
  if (type === "FQDN") return findings.invalidFor(at, address, wrongWithDns1123Subdomain(address));
  if (type !== "IPv4" && type !== "IPv6") return;
  const wrong = wrongWithAddress(address);
  if (wrong.length > 0) return findings.invalidFor(at, address, wrong);
  if (isIPv6(address) !== (type === "IPv6")) findings.invalid(at, address, `must be an ${type} address`);
  // A real server refuses 127.0.0.0/8. Here nothing dials a pod's address, and that is how a Service leads to a server of the user's own on this machine.
  if (!address.startsWith("127.")) findings.invalidFor(at, address, wrongWithSpecialAddress(address));
}

export function checkEndpointSliceUpdate(stored: EndpointSlice, updated: EndpointSlice, findings: Findings): void {
  if (stored.addressType !== updated.addressType) findings.invalid("addressType", updated.addressType, "field is immutable");
}
