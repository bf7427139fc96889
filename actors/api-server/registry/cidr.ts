/** An IPv4 network, "10.96.0.0/12". */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

/** Throws an Error on what is no IPv4 network: it comes from configuration, which is checked before anything starts. */
export function cidrOf(text: string): Cidr {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(text);
  const address = match && numberOf(match[1]!);
  const bits = Number(match?.[2]);
  if (!match || address === undefined || address === null || bits > 30)
    throw new Error(`${JSON.stringify(text)} is not an IPv4 network: expected "10.96.0.0/12"`);
  return { base: address - (address % 2 ** (32 - bits)), bits };
}

/** "10.96.0.0/12" */
export function cidrText(cidr: Cidr): string {
  return `${addressAt(cidr, 0)}/${cidr.bits}`;
}

/** How many addresses it has. */
export function sizeOf({ bits }: Cidr): number {
  return 2 ** (32 - bits);
}

/** The address at an index from 0. */
export function addressAt({ base }: Cidr, index: number): string {
  const address = base + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

export function contains({ base, bits }: Cidr, ip: string): boolean {
  const address = numberOf(ip);
  return address !== undefined && address >= base && address < base + 2 ** (32 - bits);
}

function numberOf(ip: string): number | undefined {
  const parts = ip.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((number, part) => number * 256 + part, 0);
}
