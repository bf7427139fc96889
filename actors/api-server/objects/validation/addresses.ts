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
