/**
 * Resource quantities: "100m" of a CPU, "1.5Gi" of memory. Exact to a thousand-millionth (rounded up beyond, as Kubernetes does), capped
 * at 2^63 - 1, printed in the one canonical form that an API server answers with ("1024Mi" comes back as "1Gi", "0.5" as "500m").
 * Source: the API reference's page on Quantity.
 */

export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

export interface Quantity {
  /** The amount in units of 10^-9. */
  readonly nanos: bigint;
  /** The family of suffixes in which it is printed. */
  readonly format: QuantityFormat;
}

export type QuantityResult = { readonly ok: true; readonly quantity: Quantity } | { readonly ok: false; readonly reason: string };

const unit = 1_000_000_000n;
const most = (2n ** 63n - 1n) * unit;
const shape = /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]*)([+-]?\d*)$/;
const wrongShape = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongSuffix = "unable to parse quantity's suffix";

const binaryPowers: ReadonlyMap<string, number> = new Map([
  ["Ki", 10],
  ["Mi", 20],
  ["Gi", 30],
  ["Ti", 40],
  ["Pi", 50],
  ["Ei", 60],
]);
const decimalPowers: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const decimalSuffixes: ReadonlyMap<number, string> = new Map([...decimalPowers].map(([suffix, power]) => [power, suffix]));
const binarySuffixes: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const refuse = (reason: string): QuantityResult => ({ ok: false, reason });

/** numerator / denominator, away from zero when it does not come out even. */
function divideAwayFromZero(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  if (numerator % denominator === 0n) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/** Reads a quantity as it stands in JSON or YAML (numbers are welcome, as in `cpu: 2`), or says why it cannot. */
export function readQuantity(text: string | number): QuantityResult {
  const match = shape.exec(typeof text === "number" ? String(text) : text.trim());
  if (!match) return refuse(wrongShape);
  const [, sign, whole = "", fraction = "", letters = "", tail = ""] = match;
  if (whole === "" && fraction === "") return refuse(wrongShape);

  let format: QuantityFormat = "DecimalSI";
  let powerOfTen = -fraction.length;
  let powerOfTwo = 0;
  const binary = binaryPowers.get(letters);
  const decimal = decimalPowers.get(letters);
  if ((letters === "e" || letters === "E") && /\d/.test(tail)) {
    format = "DecimalExponent";
    powerOfTen += Math.max(-1000, Math.min(1000, Number(tail)));
  } else if (tail !== "") return refuse(letters === "" ? wrongShape : wrongSuffix);
  else if (binary !== undefined) {
    format = "BinarySI";
    powerOfTwo = binary;
  } else if (decimal !== undefined) powerOfTen += decimal;
  else return refuse(wrongSuffix);

  const digits = BigInt(whole + fraction) * (1n << BigInt(powerOfTwo));
  const shift = powerOfTen + 9;
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : divideAwayFromZero(digits, 10n ** BigInt(-shift));
  const capped = size > most ? most : size;
  return { ok: true, quantity: { nanos: sign === "-" ? -capped : capped, format } };
}

/** The quantity of a text that has been validated; throws a RangeError on any other. */
export function parseQuantity(text: string | number): Quantity {
  const result = readQuantity(text);
  if (!result.ok) throw new RangeError(`${JSON.stringify(text)}: ${result.reason}`);
  return result.quantity;
}

/** How an API server prints the quantity. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  if (format === "BinarySI" && (nanos >= 1024n * unit || nanos <= -1024n * unit)) return formatBinary(divideAwayFromZero(nanos, unit));
  let mantissa = nanos;
  let power = -9;
  while (mantissa % 1000n === 0n && power < 18) {
    mantissa /= 1000n;
    power += 3;
  }
  if (format === "DecimalExponent") return power === 0 ? `${mantissa}` : `${mantissa}e${power}`;
  return `${mantissa}${decimalSuffixes.get(power)}`;
}

function formatBinary(amount: bigint): string {
  let mantissa = amount;
  let step = 0;
  while (mantissa % 1024n === 0n && step < binarySuffixes.length - 1) {
    mantissa /= 1024n;
    step += 1;
  }
  return `${mantissa}${binarySuffixes[step]}`;
}

/** The canonical form of a text, "1024Mi" to "1Gi"; undefined when it is no quantity. */
export function canonicalQuantity(text: string | number): string | undefined {
  const result = readQuantity(text);
  return result.ok ? formatQuantity(result.quantity) : undefined;
}

export function addQuantity(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

export function subtractQuantity(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** Negative, zero or positive, as a is less than, equal to or greater than b. */
export function compareQuantity(a: Quantity, b: Quantity): number {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

const plainNumber = /^(\d{1,12})(m|Ki|Mi|Gi)?$/;
const plainFactors: ReadonlyMap<string | undefined, number> = new Map<string | undefined, number>([
  [undefined, 1],
  ["Ki", 2 ** 10],
  ["Mi", 2 ** 20],
  ["Gi", 2 ** 30],
]);

/** The amount in whole units, rounded up: bytes of memory, counts. Exact up to 2^53. */
export function quantityValue(text: string | number): number {
  const plain = typeof text === "string" ? plainNumber.exec(text) : null;
  const factor = plain && plainFactors.get(plain[2]);
  if (plain && factor) return Number(plain[1]) * factor;
  return Number(divideAwayFromZero(parseQuantity(text).nanos, unit));
}

/** The amount in thousandths, rounded up: millicores of CPU. Exact up to 2^53. */
export function quantityMilliValue(text: string | number): number {
  const plain = typeof text === "string" ? plainNumber.exec(text) : null;
  if (plain && plain[2] === "m") return Number(plain[1]);
  if (plain && plain[2] === undefined) return Number(plain[1]) * 1000;
  return Number(divideAwayFromZero(parseQuantity(text).nanos, 1_000_000n));
}

/** A quantity of whole units (bytes, counts) in the given family. */
export function quantityOf(units: number, format: QuantityFormat = "DecimalSI"): Quantity {
  return { nanos: BigInt(Math.ceil(units)) * unit, format };
}

/** A quantity of thousandths, as for CPU. */
export function quantityOfMilli(thousandths: number): Quantity {
  return { nanos: BigInt(Math.ceil(thousandths)) * 1_000_000n, format: "DecimalSI" };
}
