import fc from "fast-check";
import { reduce } from "../../scenarios/shrink/reduce";

/** Reduces by a test of what fails; answers with what is left and how many tries it took. */
function reduced(parts: readonly number[], fails: (candidate: readonly number[]) => boolean) {
  const reduction = reduce(parts);
  let step = reduction.next();
  while (!step.done) step = reduction.next(fails(step.value));
  return step.value;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("delta debugging", () => {
  it("finds the one part that is to blame", () => {
    expect(reduced(range(100), (candidate) => candidate.includes(37)).left).toEqual([37]);
  });

  it("finds parts that are to blame together, in few tries", () => {
    const { left, tries } = reduced(range(64), (candidate) => candidate.includes(3) && candidate.includes(60));
    expect(left).toEqual([3, 60]);
    expect(tries).toBeLessThan(100);
  });

  it("finds that none is needed", () => {
    expect(reduced(range(8), () => true).left).toEqual([]);
  });

  it("leaves nothing that could be taken away alone, whatever is to blame", () => {
    fc.assert(
      fc.property(fc.subarray(range(20), { minLength: 1 }), (guilty) => {
        const fails = (candidate: readonly number[]) => guilty.every((part) => candidate.includes(part));
        expect(reduced(range(20), fails).left).toEqual(guilty);
      }),
      { seed: 1 },
    );
  });

  it("stays with a failure that comes and goes with the company (not monotone)", () => {
    const fails = (candidate: readonly number[]) => candidate.includes(1) && candidate.length % 2 === 1;
    const { left } = reduced(range(9), fails);
    expect(fails(left)).toBe(true);
  });
});
