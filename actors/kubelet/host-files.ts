import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";

/**
 * The files that say how a pod finds others, where its specification makes them other than usual: /etc/hosts with its hostAliases and, where it has a subdomain, its full name, /etc/resolv.conf by its
 * dnsPolicy and dnsConfig. A node has no DNS servers of its own that policy Default could name. Sources: "Adding entries to Pod /etc/hosts with
 * HostAliases", "DNS for Services and Pods".
 */
export function hostFiles({ metadata, spec }: Stored<Pod>, podIp: string): readonly (readonly [path: string, content: string])[] {
  const { hostAliases = [], dnsConfig, dnsPolicy, hostname = metadata.name, subdomain } = spec ?? {};
  const files: [string, string][] = [];
  if (hostAliases.length > 0 || subdomain) {
    const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`).join("");
    const full = subdomain ? `${hostname}.${subdomain}.${metadata.namespace}.svc.cluster.local\t` : "";
    const own = `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n${podIp}\t${full}${hostname}\n`;
    files.push(["/etc/hosts", hostAliases.length > 0 ? `${own}\n# Entries added by HostAliases.\n${aliases}` : own]);
  }
  const isOwn = dnsPolicy === "None" || dnsPolicy === "Default";
  if (!isOwn && !dnsConfig) return files;
  const zone = "svc.cluster.local";
  const nameservers = new Set([...(isOwn ? [] : ["10.96.0.10"]), ...(dnsConfig?.nameservers ?? [])]);
  const searches = new Set([...(isOwn ? [] : [`${metadata.namespace}.${zone}`, zone, "cluster.local"]), ...(dnsConfig?.searches ?? [])]);
  const options = new Map<string, string | undefined>(isOwn ? [] : [["ndots", "5"]]);
  for (const { name, value } of dnsConfig?.options ?? []) if (name) options.set(name, value);
  const lines = [
    ...(searches.size > 0 ? [`search ${[...searches].join(" ")}`] : []),
    ...[...nameservers].map((server) => `nameserver ${server}`),
    ...(options.size > 0 ? [`options ${[...options].map(([name, value]) => (value ? `${name}:${value}` : name)).join(" ")}`] : []),
  ];
  files.push(["/etc/resolv.conf", lines.map((line) => `${line}\n`).join("")]);
  return files;
}
