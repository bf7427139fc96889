import { killedCluster } from "../../bench/crash/killed-cluster";

jest.setTimeout(180_000);

test("wavetank up --data, killed with SIGKILL again and again in the middle of writes, comes back each time with every acknowledged object", async () => {
  const { kills, acknowledged, violations } = await killedCluster({ kills: 4, withinMs: 150_000 });
  expect(violations).toEqual([]);
  expect(kills).toBe(4);
  expect(acknowledged).toBeGreaterThan(40);
});
