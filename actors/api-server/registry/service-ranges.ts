import type { ServiceCIDR } from "../../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../../protocol/kinds/object";
import type { ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { keyOfObject, resourceNamed } from "../storage/keys";
import { addressAt, type Cidr, cidrOf, contains, sizeOf } from "./cidr";

/** The ranges from which Services get their addresses: the cluster's own, and what people add as ServiceCIDRs. */

const cidrs = resourceNamed("networking.k8s.io", "v1", "servicecidrs");
export const defaultServiceCidr = "kubernetes";

/** Those that new addresses may come from, the cluster's own first; ranges of other address families are nobody's here. */
export function serviceRanges(state: ServerState): readonly Cidr[] {
  const cache = cacheOf(state.feed, cidrs);
  const all = cache.list(cidrs.prefix).map(({ object }) => object as Stored<ServiceCIDR>);
  const own = cache.get(keyOfObject(cidrs, "", defaultServiceCidr)) === undefined ? [state.config.serviceCidr] : [];
  const usable = all.filter((each) => !isBeingDeleted(each) && (each.metadata.name === defaultServiceCidr || isReady(each)));
  const first = usable.filter(({ metadata }) => metadata.name === defaultServiceCidr);
  const others = usable.filter(({ metadata }) => metadata.name !== defaultServiceCidr);
  return [...own, ...[...first, ...others].flatMap(({ spec }) => spec?.cidrs ?? [])].filter((text) => !text.includes(":")).map(cidrOf);
}

function isReady({ status }: Stored<ServiceCIDR>): boolean {
  return (status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

/** Whether a Service may hold the address: the network's own address and the last one belong to nobody. */
export function isAllocatable(ranges: readonly Cidr[], ip: string): boolean {
  return ranges.some((cidr) => contains(cidr, ip) && ip !== addressAt(cidr, 0) && ip !== addressAt(cidr, sizeOf(cidr) - 1));
}

/** How many of the first of a range are left to those who choose for themselves. Source: "Service ClusterIP allocation", band size. */
export function staticBand(size: number, least: number, step: number, most: number): number {
  if (size < least) return 0;
  return Math.min(Math.max(least, Math.floor(size / step)), most);
}

const drawsMax = 16;
/** Ranges up to this size are gone through as a whole. */
const smallMax = 512;

/** Free addresses of a range in the order in which to try them: by chance above the band for choices, then the rest. */
export function drawAddresses(cidr: Cidr, isTaken: (ip: string) => boolean, randomInt: (bound: number) => number): readonly string[] {
  const size = sizeOf(cidr);
  const band = Math.min(staticBand(size, 16, 16, 256), Math.max(1, size - 2));
  const upper = size - 1 - band;
  const free = (index: number) => !isTaken(addressAt(cidr, index));
  if (size > smallMax) {
    const drawn = Array.from({ length: drawsMax }, () => band + randomInt(upper)).filter(free);
    if (drawn.length > 0) return drawn.map((index) => addressAt(cidr, index));
  }
  const found: string[] = [];
  const take = (from: number, count: number) => {
    const start = count > 0 ? randomInt(count) : 0;
    for (let i = 0; i < count && found.length < drawsMax; i++) {
      const index = from + ((start + i) % count);
      if (index > 0 && index < size - 1 && free(index)) found.push(addressAt(cidr, index));
    }
  };
  take(band, upper);
  take(0, band);
  return found;
}

/** Free node ports in the order in which to try them: by chance above the band for choices, then the rest. */
export function drawPorts(
  first: number,
  last: number,
  isTaken: (port: number) => boolean,
  randomInt: (bound: number) => number,
): readonly number[] {
  const size = last - first + 1;
  const band = staticBand(size, 16, 32, 128);
  const drawn = Array.from({ length: 4 * drawsMax }, () => first + (size > band ? band + randomInt(size - band) : randomInt(size)));
  const free = [...new Set(drawn)].filter((port) => !isTaken(port));
  if (free.length >= drawsMax) return free;
  const rest: number[] = [];
  for (let i = 0; i < size && rest.length < 4 * drawsMax; i++) {
    const port = first + ((band + i) % size);
    if (!isTaken(port) && !free.includes(port)) rest.push(port);
  }
  return [...free, ...rest];
}
