import { Address4, Address6 } from "ip-address";
import { isCidr, isIp4, isIp6 } from "../../custom-resources/schema/formats";
import { fn, type Overload } from "../function";
import { fail, OpaqueValue } from "../values";

/** Kubernetes' functions for IP addresses and networks. */
class Ip extends OpaqueValue {
  readonly typeName = "net.IP";
  constructor(
    readonly bits: bigint,
    readonly family: 4 | 6,
  ) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Ip && other.bits === this.bits && other.family === this.family;
  }
  get text(): string {
    return this.family === 4 ? Address4.fromBigInt(this.bits).correctForm() : Address6.fromBigInt(this.bits).correctForm();
  }
}

class Cidr extends OpaqueValue {
  readonly typeName = "net.CIDR";
  constructor(
    readonly ip: Ip,
    readonly prefix: number,
  ) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Cidr && other.ip.equals(this.ip) && other.prefix === this.prefix;
  }
  /** The address without the bits of its host. */
  get masked(): Ip {
    const host = BigInt((this.ip.family === 4 ? 32 : 128) - this.prefix);
    return new Ip((this.ip.bits >> host) << host, this.ip.family);
  }
  contains(ip: Ip): boolean {
    const host = BigInt((this.ip.family === 4 ? 32 : 128) - this.prefix);
    return ip.family === this.ip.family && ip.bits >> host === this.ip.bits >> host;
  }
}

function readIp(text: string): Ip | undefined {
  if (isIp4(text)) return new Ip(new Address4(text).bigInt(), 4);
  // An IPv4 address in the clothes of an IPv6 one has two spellings, and is refused.
  if (isIp6(text) && !/\d\.\d/.test(text)) return new Ip(new Address6(text).bigInt(), 6);
  return undefined;
}

function readCidr(text: string): Cidr | undefined {
  if (!isCidr(text)) return undefined;
  const [address = "", bits = ""] = text.split("/");
  const ip = readIp(address);
  return ip && new Cidr(ip, Number(bits));
}

const ipOf = (text: string): Ip =>
  readIp(text) ??
  fail(
    `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
  );
const cidrOf = (text: string): Cidr =>
  readCidr(text) ??
  fail(`network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): unable to parse`);

const within = (bits: bigint, family: 4 | 6, network: string): boolean => cidrOf(network).contains(new Ip(bits, family));
const isIn =
  (networks: readonly [four: string, six: string]) =>
  ({ bits, family }: Ip) =>
    within(bits, family, networks[family === 4 ? 0 : 1]);

const unspecified = isIn(["0.0.0.0/32", "::/128"]);
const loopback = isIn(["127.0.0.0/8", "::1/128"]);
const linkLocalUnicast = isIn(["169.254.0.0/16", "fe80::/10"]);
const linkLocalMulticast = isIn(["224.0.0.0/24", "ff02::/16"]);
const multicast = isIn(["224.0.0.0/4", "ff00::/8"]);
const broadcast = ({ bits, family }: Ip) => family === 4 && bits === 0xffffffffn;

const containsCidr = (outer: Cidr, inner: Cidr) => outer.prefix <= inner.prefix && outer.contains(inner.ip);

export const addresses: readonly Overload[] = [
  fn("ip(string): net.IP", ipOf),
  fn("isIP(string): bool", (text: string) => readIp(text) !== undefined),
  fn("ip.isCanonical(string): bool", (text: string) => ipOf(text).text === text),
  fn("net.IP.family(): int", ({ family }: Ip) => BigInt(family)),
  fn("net.IP.isUnspecified(): bool", unspecified),
  fn("net.IP.isLoopback(): bool", loopback),
  fn("net.IP.isLinkLocalMulticast(): bool", linkLocalMulticast),
  fn("net.IP.isLinkLocalUnicast(): bool", linkLocalUnicast),
  fn(
    "net.IP.isGlobalUnicast(): bool",
    (ip: Ip) => ![unspecified, loopback, linkLocalUnicast, multicast, broadcast].some((test) => test(ip)),
  ),
  fn("string(net.IP): string", ({ text }: Ip) => text),
  fn("cidr(string): net.CIDR", cidrOf),
  fn("isCIDR(string): bool", (text: string) => readCidr(text) !== undefined),
  fn("net.CIDR.containsIP(net.IP): bool", (cidr: Cidr, ip: Ip) => cidr.contains(ip)),
  fn("net.CIDR.containsIP(string): bool", (cidr: Cidr, text: string) => cidr.contains(ipOf(text))),
  fn("net.CIDR.containsCIDR(net.CIDR): bool", containsCidr),
  fn("net.CIDR.containsCIDR(string): bool", (cidr: Cidr, text: string) => containsCidr(cidr, cidrOf(text))),
  fn("net.CIDR.ip(): net.IP", ({ ip }: Cidr) => ip),
  fn("net.CIDR.masked(): net.CIDR", (cidr: Cidr) => new Cidr(cidr.masked, cidr.prefix)),
  fn("net.CIDR.prefixLength(): int", ({ prefix }: Cidr) => BigInt(prefix)),
  fn("string(net.CIDR): string", ({ ip, prefix }: Cidr) => `${ip.text}/${prefix}`),
];
