import type { ValidatingWebhook } from "../../../protocol/kinds/generated";

/** What is shown to admission webhooks, by the names of a kubeconfig's users: hosts, "*.shop.svc", "*" for all others; "" is its current context's. */
export type WebhookCredentials = readonly { readonly name: string; readonly headers: readonly (readonly [string, string])[] }[];

/** The headers for a webhook: those of its host and port, of what its name ends with, of everybody. Source: kube-apiserver's authentication resolver. */
export function headersFor(
  known: WebhookCredentials,
  { url, service }: ValidatingWebhook["clientConfig"],
): readonly (readonly [string, string])[] {
  const host = service ? `${service.name}.${service.namespace}.svc:${service.port ?? 443}` : hostOf(url ?? "");
  const withoutPort = host.endsWith(":443") ? namesOf(host.slice(0, -4)) : [];
  for (const name of [...namesOf(host), ...withoutPort, "*", ""]) {
    const found = known.find((each) => each.name === name);
    if (found) return found.headers;
  }
  return [];
}

function namesOf(host: string): readonly string[] {
  const steps = host.split(".");
  return [host, ...steps.slice(1).map((_, index) => `*.${steps.slice(index + 1).join(".")}`)];
}

/** With the port, as it is looked up first; https' own is not written in a URL. */
function hostOf(url: string): string {
  if (!URL.canParse(url)) return "";
  const { hostname, port } = new URL(url);
  return port === "" ? hostname : `${hostname}:${port}`;
}
