import type { EventsV1Event, IPAddress, ServiceAccount, ServiceCIDR } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { isIPv4, isIPv6, isNetwork } from "./addresses";
import type { Findings } from "./field-error";

/** Smaller kinds of the cluster: accounts, addresses, the events of the newer group. */

export function checkServiceAccount(account: ServiceAccount, findings: Findings): void {
  account.imagePullSecrets?.forEach(({ name }, index) => {
    if (name) findings.invalidFor(`imagePullSecrets[${index}].name`, name, wrongWithDns1123Subdomain(name));
  });
}

export function checkIpAddress(address: IPAddress, findings: Findings): void {
  const name = address.metadata?.name ?? "";
  if (!isIPv4(name) && !isIPv6(name))
    findings.invalid("metadata.name", name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  const parent = address.spec?.parentRef;
  if (!parent) return findings.required("spec.parentRef");
  if (!parent.resource) findings.required("spec.parentRef.resource");
  if (!parent.name) findings.required("spec.parentRef.name");
}

export function checkServiceCidr({ spec }: ServiceCIDR, findings: Findings): void {
  const networks = spec?.cidrs ?? [];
  if (networks.length === 0) findings.required("spec.cidrs", "at least one CIDR required");
  if (networks.length > 2) findings.invalid("spec", spec, "may only hold up to 2 values");
  networks.forEach((network, index) => {
    if (!isNetwork(network))
      findings.invalid(`spec.cidrs[${index}]`, network, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  });
}

export function checkEventsEvent(event: EventsV1Event, findings: Findings): void {
  if (event.eventTime === undefined) findings.required("eventTime");
  if (!event.reportingController) findings.required("reportingController");
  else findings.invalidFor("reportingController", event.reportingController, wrongWithQualifiedName(event.reportingController));
  for (const [field, most] of [
    ["reportingInstance", 128],
    ["action", 128],
    ["reason", 128],
    ["note", 1024],
  ] as const) {
    const text = event[field] ?? "";
    if (text === "" && field !== "note") findings.required(field);
    if (Buffer.byteLength(text) > most) findings.invalid(field, "", `can have at most ${most} characters`);
  }
  if (event.type !== "Normal" && event.type !== "Warning")
    findings.invalid("type", event.type ?? "", `has invalid value: ${event.type ?? ""}`);
}

/** What an Event tells happened: only that it happens again may still come to it. */
const told = ["regarding", "related", "reason", "note", "type", "action", "reportingController", "reportingInstance", "eventTime"] as const;

export function checkEventsEventUpdate(stored: EventsV1Event, updated: EventsV1Event, findings: Findings): void {
  for (const field of told)
    if (!semanticallyEqual(stored[field], updated[field])) findings.invalid(field, updated[field] ?? null, "field is immutable");
}
