import { LiveRandom } from "../../runtime/live/random";
import { SimulatedRandom } from "../../runtime/simulated/random";
import type { Random } from "../../runtime/world";

const twins: readonly (readonly [string, (seed: number) => Random])[] = [
  ["simulated", (seed) => new SimulatedRandom(seed)],
  ["live", (seed) => new LiveRandom(new Uint8Array(32).fill(seed))],
];

describe.each(twins)("%s random", (_name, make) => {
  const draws = (random: Random, who: string, purpose: string, count: number) =>
    Array.from({ length: count }, (_, index) => random.draw(who, purpose, index));

  test("a draw depends on nothing but the seed, who, purpose and index: not on what was drawn before", () => {
    const alone = draws(make(1), "etcd/0#1", "election", 50);
    const random = make(1);
    draws(random, "etcd/1#1", "election", 13);
    draws(random, "etcd/0#1", "uuid", 7);
    expect(draws(random, "etcd/0#1", "election", 50)).toEqual(alone);
  });

  test("another seed, actor, incarnation or purpose gives other draws", () => {
    const streams = [
      draws(make(1), "etcd/0#1", "election", 20),
      draws(make(2), "etcd/0#1", "election", 20),
      draws(make(1), "etcd/0#2", "election", 20),
      draws(make(1), "etcd/1#1", "election", 20),
      draws(make(1), "etcd/0#1", "uuid", 20),
    ];
    expect(new Set(streams.flat()).size).toBe(100);
  });

  test("who and purpose are kept apart, wherever the border between them lies", () => {
    expect(make(1).draw("ab", "c", 0)).not.toBe(make(1).draw("a", "bc", 0));
  });

  test("draws lie in [0, 1), evenly: each tenth gets its share within five standard deviations", () => {
    const counts = new Array<number>(10).fill(0);
    const random = make(3);
    for (let index = 0; index < 20_000; index++) {
      const draw = random.draw("client/load#1", "think time", index);
      expect(draw >= 0 && draw < 1).toBe(true);
      counts[Math.floor(draw * 10)]!++;
    }
    const deviation = Math.sqrt(20_000 * 0.1 * 0.9);
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(5 * deviation);
  });
});

test("without a seed the live twin draws from the system: two of them differ", () => {
  expect(new LiveRandom().draw("a", "b", 0)).not.toBe(new LiveRandom().draw("a", "b", 0));
});
