import type { PodSpec } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { isIPv4, isIPv6, wrongWithAddress } from "./addresses";
import type { Findings } from "./field-error";

/** How a Pod resolves names. */

const searchesMax = 32;
const searchCharactersMax = 2048;
const underscored = "[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?";
const underscoredSubdomain = new RegExp(`^${underscored}(\\.${underscored})*$`);

export function checkDns(spec: PodSpec, at: string, findings: Findings): void {
  const { dnsConfig: config, dnsPolicy } = spec;
  const here = `${at}.dnsConfig`;
  if (dnsPolicy === "None" && config === undefined) return findings.required(here, "must provide `dnsConfig` when `dnsPolicy` is None");
  const nameservers = config?.nameservers ?? [];
  if (dnsPolicy === "None" && nameservers.length === 0)
    return findings.required(`${here}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  if (nameservers.length > 3) findings.invalid(`${here}.nameservers`, nameservers, "must not have more than 3 nameservers");
  nameservers.forEach((address, index) => {
    findings.invalidFor(`${here}.nameservers[${index}]`, address, wrongWithAddress(address));
  });
  const searches = config?.searches ?? [];
  if (searches.length > searchesMax) findings.invalid(`${here}.searches`, searches, `must not have more than ${searchesMax} search paths`);
  if (searches.join(" ").length > searchCharactersMax)
    findings.invalid(
      `${here}.searches`,
      searches,
      `must not have more than ${searchCharactersMax} characters (including spaces) in the search list`,
    );
  searches.forEach((search, index) => {
    const name = search.replace(/\.$/, "");
    if (search !== "." && !(underscoredSubdomain.test(name) && name.length <= 253))
      findings.invalidFor(`${here}.searches[${index}]`, name, wrongWithDns1123Subdomain(name));
  });
  config?.options?.forEach((option, index) => {
    if (!option.name) findings.required(`${here}.options[${index}]`, "must not be empty");
  });
}

export function checkHostAliases(spec: PodSpec, at: string, findings: Findings): void {
  spec.hostAliases?.forEach((alias, index) => {
    const here = `${at}.hostAliases[${index}]`;
    if (!alias.ip) findings.required(`${here}.ip`);
    else if (!isIPv4(alias.ip) && !isIPv6(alias.ip)) findings.invalidFor(`${here}.ip`, alias.ip, wrongWithAddress(alias.ip));
    alias.hostnames?.forEach((name, place) => {
      findings.invalidFor(`${here}.hostnames[${place}]`, name, wrongWithDns1123Subdomain(name));
    });
  });
}
