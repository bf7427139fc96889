import { hanging } from "../../cli/terminal";

describe("text in a column", () => {
  it("is broken between words and stays right of where it began", () => {
    expect(hanging("the quick brown fox jumps over the lazy dog", 4, String, 25)).toBe(
      "the quick brown fox\n    jumps over the lazy\n    dog",
    );
  });

  it("is left as it is where there is room, or no terminal", () => {
    expect(hanging("a b c", 4, String, Number.POSITIVE_INFINITY)).toBe("a b c");
  });

  it("keeps words whole that are wider than the column", () => {
    expect(hanging(`a ${"x".repeat(40)} b`, 4, String, 25)).toBe(`a\n    ${"x".repeat(40)}\n    b`);
  });
});
