import { Throttle } from "../../actors/client/throttle";
import { type Tester, tank, tester } from "./tank";

test("a burst goes at once, the rest at the rate, in order (client-go: flowcontrol token bucket)", () => {
  const went: [number, number][] = [];
  const actor = tester("asker", (client, ctx) => {
    const throttle = new Throttle<Tester>(client, { name: "t", qps: 20, burst: 3 });
    const start = ctx.monotonicUs();
    for (let i = 0; i < 6; i++)
      throttle.take(ctx, (later) => {
        went.push([i, Math.round((later.monotonicUs() - start) / 1000)]);
        return undefined;
      });
  });
  const { simulation } = tank([actor]);
  simulation.runFor(1000);
  expect(went).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
    [3, 50],
    [4, 100],
    [5, 150],
  ]);
});
