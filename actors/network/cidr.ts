/** IPv4 addresses as numbers from 0 to 2^32 - 1, and the networks they are in. Pod and node networks here are IPv4. */

export interface Cidr {
  readonly network: number;
  /** Of the prefix: 24 in "10.244.1.0/24". */
  readonly bits: number;
}

/** The number of "10.244.1.7", or undefined for what is no IPv4 address. */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let number = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    number = number * 256 + Number(part);
  }
  return number;
}

export function formatIPv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** The network part of an address. */
export function networkOf(address: number, bits: number): number {
  return bits === 0 ? 0 : (address & (0xffffffff << (32 - bits))) >>> 0;
}

/** Reads "10.244.1.0/24"; undefined for what is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip = "", prefix = ""] = text.split("/");
  const address = parseIPv4(ip);
  if (address === undefined || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) return undefined;
  const bits = Number(prefix);
  return { network: networkOf(address, bits), bits };
}

export function cidrContains(cidr: Cidr, address: number): boolean {
  return networkOf(address, cidr.bits) === cidr.network;
}
