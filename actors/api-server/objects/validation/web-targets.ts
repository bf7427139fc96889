import { wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";

/** Where webhooks and aggregated servers are to be found. */

export function checkServiceReference(
  service: { readonly name?: string; readonly namespace?: string; readonly path?: string; readonly port?: number },
  at: string,
  findings: Findings,
): void {
  if (!service.name) findings.required(`${at}.name`, "service name is required");
  if (!service.namespace) findings.required(`${at}.namespace`, "service namespace is required");
  if (service.port !== undefined && (service.port < 1 || service.port > 65535))
    findings.invalid(`${at}.port`, service.port, "port is not valid: must be between 1 and 65535, inclusive");
  const { path = "" } = service;
  if (path === "" || path === "/") return;
  if (!path.startsWith("/")) return findings.invalid(`${at}.path`, path, "must start with a '/'");
  for (const [index, segment] of path.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (segment === "") return findings.invalid(`${at}.path`, path, `segment[${index}] may not be empty`);
    for (const wrong of wrongWithDns1123Subdomain(segment)) findings.invalid(`${at}.path`, path, `segment[${index}]: ${wrong}`);
  }
}

/** Expected of the URLs of webhooks: https://host/path and nothing else. */
export function checkWebhookUrl(text: string, at: string, findings: Findings): void {
  const form = "; desired format: https://host[/path]";
  if (!URL.canParse(text)) return findings.required(at, `url must be a valid URL${form}`);
  const url = new URL(text);
  if (url.protocol !== "https:") findings.invalid(at, url.protocol.replace(/:$/, ""), `'https' is the only allowed URL scheme${form}`);
  if (url.host === "") findings.invalid(at, url.host, `host must be specified${form}`);
  if (url.username !== "") findings.invalid(at, url.username, "user information is not permitted in the URL");
  if (url.hash !== "") findings.invalid(at, url.hash.slice(1), "fragments are not permitted in the URL");
  if (url.search !== "") findings.invalid(at, url.search.slice(1), "query parameters are not permitted in the URL");
}
