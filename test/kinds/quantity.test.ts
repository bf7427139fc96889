import fc from "fast-check";
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityOf,
  quantityOfMilli,
  quantityValue,
  readQuantity,
  subtractQuantity,
} from "../../protocol/kinds/quantity";

describe("quantities (API reference: Quantity)", () => {
  test.each([
    ["0", "0"],
    ["0Mi", "0"],
    ["0.5", "500m"],
    ["100m", "100m"],
    ["1500m", "1500m"],
    ["1000m", "1"],
    ["1000", "1k"],
    ["100000", "100k"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["1.5Ki", "1536"],
    ["1000Ki", "1000Ki"],
    ["1e3", "1e3"],
    ["12e5", "1200e3"],
    ["5E", "5E"],
    [".5", "500m"],
    ["-1.5", "-1500m"],
    ["0.0000000001", "1n"],
    ["100u", "100u"],
    ["9223372036854775808", "9223372036854775807"],
  ])("%s is printed as %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  test("a plain JSON number is a quantity", () => {
    expect(canonicalQuantity(2)).toBe("2");
    expect(canonicalQuantity(0.25)).toBe("250m");
  });

  test.each(["", "abc", "1x", "1mi", "1 Gi", "--1", "1.2.3", "1Ki5", "."])("%j is refused", (text) => {
    expect(readQuantity(text).ok).toBe(false);
  });

  test("the canonical form means the same amount and is a fixed point", () => {
    const text = fc
      .tuple(
        fc.integer({ min: 0, max: 10 ** 9 }),
        fc.integer({ min: 0, max: 999 }),
        fc.constantFrom("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3"),
      )
      .map(([whole, fraction, suffix]) => `${whole}.${fraction}${suffix}`);
    fc.assert(
      fc.property(text, (quantity) => {
        const parsed = parseQuantity(quantity);
        const canonical = formatQuantity(parsed);
        expect(canonicalQuantity(canonical)).toBe(canonical);
        const again = parseQuantity(canonical).nanos;
        expect(again - parsed.nanos >= 0n && again - parsed.nanos < 1_000_000_000n).toBe(true);
      }),
      { seed: 1 },
    );
  });

  test("the shortcut for common forms agrees with the exact arithmetic", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 6 }), fc.constantFrom("", "m", "Ki", "Mi", "Gi"), (amount, suffix) => {
        const { nanos } = parseQuantity(`${amount}${suffix}`);
        expect(quantityValue(`${amount}${suffix}`)).toBe(Number((nanos + 999_999_999n) / 1_000_000_000n));
        expect(quantityMilliValue(`${amount}${suffix}`)).toBe(Number((nanos + 999_999n) / 1_000_000n));
      }),
      { seed: 1 },
    );
  });

  test("sums and differences keep the family of the first, compare by amount", () => {
    expect(formatQuantity(addQuantity(parseQuantity("1Gi"), parseQuantity("512Mi")))).toBe("1536Mi");
    expect(formatQuantity(subtractQuantity(parseQuantity("2"), parseQuantity("500m")))).toBe("1500m");
    expect(compareQuantity(parseQuantity("1Ki"), parseQuantity("1k"))).toBe(1);
    expect(compareQuantity(parseQuantity("0.5"), parseQuantity("500m"))).toBe(0);
    expect(formatQuantity(quantityOf(2 ** 30, "BinarySI"))).toBe("1Gi");
    expect(formatQuantity(quantityOfMilli(1500))).toBe("1500m");
  });
});
