import { Address4, Address6 } from "ip-address";

/** The syntax of addresses and networks. */

export function isIPv4(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && Address4.isValid(text);
}

export function isIPv6(text: string | undefined): boolean {
  return text?.includes(":") === true && !text.includes("/") && !text.includes("%") && Address6.isValid(text);
}

/** A network in CIDR notation, "10.0.0.0/8". */
export function isNetwork(text: string | undefined): boolean {
  const [address, bits, ...more] = (text ?? "").split("/");
  if (bits === undefined || more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return isIPv4(address) ? Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128;
}

/** Whether a network lies in another one and is smaller; both must be networks in CIDR notation. */
export function isStrictSubset(inner: string, outer: string): boolean {
  if (inner.includes(":") !== outer.includes(":")) return false;
  const [small, large] = inner.includes(":") ? [new Address6(inner), new Address6(outer)] : [new Address4(inner), new Address4(outer)];
  return small.subnetMask > large.subnetMask && small.isInSubnet(large as never);
}

/** Networks to which nothing from outside is sent, and what is said of an address in them; read once, for every endpoint is held against them at each write. */
const specialNetworks = [
  { of4: new Address4("0.0.0.0/32"), of6: new Address6("::/128"), wrong: "may not be unspecified (0.0.0.0 or ::)" },
  {
    of4: new Address4("127.0.0.0/8"),
    of6: new Address6("::1/128"),
    wrong: "may not be in the loopback range (127.0.0.0/8, ::1/128)",
  },
  {
    of4: new Address4("169.254.0.0/16"),
    of6: new Address6("fe80::/10"),
    wrong: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
  },
  {
    of4: new Address4("224.0.0.0/24"),
    of6: new Address6("ff02::/16"),
    wrong: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  },
];

/** What speaks against an address that traffic from outside is to be sent to; it must be an address. */
export function wrongWithSpecialAddress(address: string): readonly string[] {
  const isIn = address.includes(":") ? in6(new Address6(address)) : in4(new Address4(address));
  return specialNetworks.filter(isIn).map(({ wrong }) => wrong);
}

type SpecialNetwork = (typeof specialNetworks)[number];
const in4 = (address: Address4) => (network: SpecialNetwork) => address.isInSubnet(network.of4);
const in6 = (address: Address6) => (network: SpecialNetwork) => address.isInSubnet(network.of6);

/** What is wrong with an address, in the words of a real server. */
export function wrongWithAddress(text: string | undefined): readonly string[] {
  return isIPv4(text) || isIPv6(text) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
}

/** What is wrong with a network. */
export function wrongWithNetwork(text: string | undefined): readonly string[] {
  return isNetwork(text) ? [] : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
}
