import type { Node } from "../../protocol/kinds/generated";
import { type Cidr, cidrContains, networkOf, parseCidr, parseIPv4 } from "./cidr";

/** Where an address is: a pod of that node, or the node itself. */
export type Route = { readonly is: "pod"; readonly node: string } | { readonly is: "node"; readonly node: string };

/** Routes to pods by the nodes' podCIDRs, and to the nodes by their addresses. */
export class Routes {
  /** By the prefix's length, since nearly always all have the same. */
  readonly #networks = new Map<number, Map<number, string>>();
  readonly #hosts = new Map<number, string>();
  readonly #known = new Map<string, { readonly cidrs: readonly Cidr[]; readonly addresses: readonly number[] }>();

  set(node: Node): void {
    const name = node.metadata?.name ?? "";
    this.delete(name);
    const texts = node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
    const cidrs = texts.map(parseCidr).filter((cidr) => cidr !== undefined);
    const addresses = (node.status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP" || type === "ExternalIP")
      .map(({ address }) => parseIPv4(address))
      .filter((address) => address !== undefined);
    this.#known.set(name, { cidrs, addresses });
    for (const { bits, network } of cidrs) {
      const networks = this.#networks.get(bits) ?? new Map<number, string>();
      this.#networks.set(bits, networks.set(network, name));
    }
    for (const address of addresses) this.#hosts.set(address, name);
  }

  delete(name: string): void {
    const known = this.#known.get(name);
    this.#known.delete(name);
    for (const { bits, network } of known?.cidrs ?? [])
      if (this.#networks.get(bits)?.get(network) === name) this.#networks.get(bits)!.delete(network);
    for (const address of known?.addresses ?? []) if (this.#hosts.get(address) === name) this.#hosts.delete(address);
  }

  /** The route to an address, or undefined where there is none. */
  find(ip: string): Route | undefined {
    const address = parseIPv4(ip);
    if (address === undefined) return undefined;
    const host = this.#hosts.get(address);
    if (host !== undefined) return { is: "node", node: host };
    for (const [bits, networks] of this.#networks) {
      const node = networks.get(networkOf(address, bits));
      if (node !== undefined) return { is: "pod", node };
    }
    return undefined;
  }
}

/** Whether an address belongs to one of these pod networks. */
export function isLocalPod(podCidrs: readonly Cidr[], ip: string): boolean {
  const address = parseIPv4(ip);
  return address !== undefined && podCidrs.some((cidr) => cidrContains(cidr, address));
}
