import type { Cidr } from "./cidr";

/**
 * The next free address of a node's network, or undefined when all are taken. The network's own address, its gateway (the first) and the broadcast
 * address are left out. The search goes on after the last address given, so that one that became free is used again as late as possible:
 * whoever still believes in the old pod does not reach a new one. Source: the CNI host-local plug-in.
 */
export function nextPodAddress({ network, bits }: Cidr, taken: ReadonlySet<number>, last: number | undefined): number | undefined {
  const first = network + 2;
  const end = network + 2 ** (32 - bits) - 1;
  const size = end - first;
  if (size <= 0) return undefined;
  const start = last === undefined || last < first || last >= end ? 0 : last - first + 1;
  for (let step = 0; step < size; step += 1) {
    const address = first + ((start + step) % size);
    if (!taken.has(address)) return address;
  }
  return undefined;
}
