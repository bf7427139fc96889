import { crashStorm } from "../../bench/crash/crash-storm";

jest.setTimeout(120_000);

test("three members as processes, killed a dozen times under load: the history is linearizable, no acknowledged write is missing, the members are equal", async () => {
  const { violations, kills, acknowledged, reads, terms } = await crashStorm({ seed: 3, kills: 12, withinMs: 60_000 });
  expect(violations).toEqual([]);
  expect(kills).toBeGreaterThanOrEqual(12);
  // Kills with nothing to lose prove nothing.
  expect(acknowledged).toBeGreaterThan(100);
  expect(reads).toBeGreaterThan(20);
  expect(terms).toBeGreaterThan(1);
});
