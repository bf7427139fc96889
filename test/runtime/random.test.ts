import { SimulatedRandom } from "../../runtime/simulated/random";

describe("simulated draws", () => {
  it("depend on nothing but seed, who, purpose and index", () => {
    const one = new SimulatedRandom(42);
    const other = new SimulatedRandom(42);
    other.draw("somebody else", "latency", 3);
    expect(other.draw("a", "latency", 7)).toBe(one.draw("a", "latency", 7));
    expect(one.draw("a", "latency", 8)).not.toBe(one.draw("a", "latency", 7));
    expect(new SimulatedRandom(43).draw("a", "latency", 7)).not.toBe(one.draw("a", "latency", 7));
  });

  it("are spread evenly over [0, 1)", () => {
    const random = new SimulatedRandom(2 ** 40 + 5);
    const buckets = new Array<number>(16).fill(0);
    for (let i = 0; i < 64_000; i++) buckets[Math.floor(random.draw("a", "p", i) * 16)]!++;
    // 4,000 each are expected; the standard deviation is 61.
    for (const count of buckets) expect(Math.abs(count - 4000)).toBeLessThan(6 * 61);
  });
});
