import { Address4, Address6 } from "ip-address";
import { parseDurationMs } from "../../../../protocol/kinds/duration";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";

/**
 * The formats that the API checks in texts of custom resources; any other format is let pass, as in Kubernetes.
 * Source: "Validation" in the documentation of CustomResourceDefinitions.
 */
export const formats: ReadonlyMap<string, (text: string) => boolean> = new Map<string, (text: string) => boolean>([
  ["bsonobjectid", (text) => /^[0-9a-fA-F]{24}$/.test(text)],
  ["uri", isUri],
  ["email", (text) => /^[^\s@<>"(),:;[\]\\]+@[^\s@<>"(),:;[\]\\]+$/.test(text) && text.length <= 320],
  ["hostname", isHostname],
  ["ipv4", (text) => isIp4(text)],
  ["ipv6", (text) => isIp6(text)],
  ["cidr", isCidr],
  [
    "mac",
    (text) => /^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}|[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})$/.test(text),
  ],
  ["uuid", isUuid("[0-9a-f]", "[0-9a-f]")],
  ["uuid3", isUuid("3", "[0-9a-f]")],
  ["uuid4", isUuid("4", "[89ab]")],
  ["uuid5", isUuid("5", "[89ab]")],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text)],
  ["hexcolor", (text) => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text)],
  ["rgbcolor", isRgb],
  ["byte", (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)],
  ["password", () => true],
  ["date", isDate],
  [
    "duration",
    (text) =>
      parseDurationMs(text) !== undefined ||
      /^\s*\d+(?:\.\d+)?\s*(?:ns|us|µs|ms|s|sec|second|m|min|minute|h|hour|hr|d|day|w|week)s?\s*$/i.test(text),
  ],
  ["datetime", isDateTime],
  ["date-time", isDateTime],
  ["k8s-short-name", (text) => wrongWithDns1123Label(text).length === 0],
  ["k8s-long-name", (text) => wrongWithDns1123Subdomain(text).length === 0],
]);

function isUri(text: string): boolean {
  return URL.canParse(text) || /^\/[^\s]*$/.test(text);
}

function isHostname(text: string): boolean {
  if (text.length > 253) return false;
  return text.split(".").every((part) => /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(part));
}

/** An IPv4 address as Go parses it: four numbers without leading zeros. */
export function isIp4(text: string): boolean {
  return (
    Address4.isValid(text) &&
    !text.includes("/") &&
    text.split(".").length === 4 &&
    text.split(".").every((part) => part === String(Number(part)))
  );
}

/** An IPv6 address without a zone. */
export function isIp6(text: string): boolean {
  return text.includes(":") && !text.includes("/") && !text.includes("%") && Address6.isValid(text);
}

/** An address with the length of its network, "10.0.0.0/8". */
export function isCidr(text: string): boolean {
  const [ip = "", bits = "", ...more] = text.split("/");
  if (more.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return false;
  return isIp4(ip) ? Number(bits) <= 32 : isIp6(ip) && Number(bits) <= 128;
}

function isUuid(version: string, variant: string): (text: string) => boolean {
  const shape = new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, "i");
  return (text) => shape.test(text);
}

function isIsbn10(text: string): boolean {
  const bare = text.replace(/[\s-]/g, "");
  if (!/^\d{9}[\dX]$/.test(bare)) return false;
  const sum = [...bare].reduce((total, digit, index) => total + (digit === "X" ? 10 : Number(digit)) * (index + 1), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const bare = text.replace(/[\s-]/g, "");
  if (!/^\d{13}$/.test(bare)) return false;
  return [...bare].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isCreditCard(text: string): boolean {
  const bare = text.replace(/[\s-]/g, "");
  if (!/^\d{13,19}$/.test(bare)) return false;
  const sum = [...bare].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

function isRgb(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match?.slice(1).every((part) => Number(part) <= 255) ?? false;
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === text;
}

/** RFC 3339. */
export function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/.exec(text);
  return match !== null && isDate(match[1]!) && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) <= 60;
}
