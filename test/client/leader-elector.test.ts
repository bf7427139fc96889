import { type ApiClient, LeaderElector } from "../../actors/client";
import { electionMove, leaderElectionTimes } from "../../actors/client/leader-elector";
import type { Lease } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type Tester, tank, tester } from "./tank";

const times = leaderElectionTimes();

const lease = (holderIdentity: string | undefined, more: object = {}) =>
  ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: "kube-system", name: "lock", uid: "l", resourceVersion: "5" },
    spec: { ...(holderIdentity ? { holderIdentity } : {}), leaseTransitions: 3, ...more },
  }) as unknown as Stored<Lease>;

test.each([
  ["nobody has made the Lease", undefined, 0, "create"],
  ["it is ours", lease("me"), 0, "update"],
  ["nobody holds it", lease(""), 0, "update"],
  ["another holds it and was seen to renew 14.9 s ago", lease("other"), 14_900, "wait"],
  ["another holds it and was not seen to renew for 15 s", lease("other"), 15_000, "update"],
  [
    "another's clock says that it ran out long ago, but we have only just seen it",
    lease("other", { renewTime: "2020-01-01T00:00:00.000000Z" }),
    0,
    "wait",
  ],
] as const)("when %s, a candidate's move after reading is right", (_name, found, afterMs, expected) => {
  expect(electionMove({ lease: found, sinceMs: 1000 }, "me", times, 1000 + afterMs, 0).type).toBe(expected);
});

test("taking a Lease over counts a transition, renewing it does not", () => {
  const taken = electionMove({ lease: lease("other"), sinceMs: 0 }, "me", times, 20_000, 0);
  expect(taken).toMatchObject({ lease: { spec: { holderIdentity: "me", leaseTransitions: 4, leaseDurationSeconds: 15 } } });
  const renewed = electionMove({ lease: lease("me"), sinceMs: 0 }, "me", times, 20_000, 0);
  expect(renewed).toMatchObject({ lease: { spec: { holderIdentity: "me", leaseTransitions: 3 } } });
});

test.each([
  [{ "leader-elect-lease-duration": 10_000 }, "leader-elect-lease-duration must be longer than leader-elect-renew-deadline"],
  [{ "leader-elect-renew-deadline": 2_400 }, "leader-elect-renew-deadline must be longer than leader-elect-retry-period × 1.2"],
] as const)("times that could not work are refused: %j", (knobs, message) => {
  expect(() => leaderElectionTimes(knobs)).toThrow(message);
});

/** Three candidates, and who acted when. */
function candidates(seed: number) {
  const acting = new Set<string>();
  const log: string[] = [];
  let most = 0;
  const actors = ["one", "two", "three"].map((name) =>
    tester(name, (client: ApiClient<Tester>, ctx) => {
      acting.delete(name);
      const note = (what: string) => {
        log.push(`${what} ${name}`);
        most = Math.max(most, acting.size);
        return undefined;
      };
      const elector = new LeaderElector<Tester>(client, {
        namespace: "kube-system",
        name: "lock",
        identity: `${name}-${ctx.incarnation}`,
        onElected: () => {
          acting.add(name);
          return note("elected");
        },
        onLost: () => {
          acting.delete(name);
          return note("lost");
        },
      });
      elector.start(ctx);
    }),
  );
  const world = tank(actors, { seed });
  return { ...world, acting, log, most: () => most };
}

test("of three candidates one is elected and stays", () => {
  const { simulation, acting, log } = candidates(1);
  simulation.runFor(120_000);
  expect(log).toHaveLength(1);
  expect(acting.size).toBe(1);
});

test.each([1, 2, 3, 4, 5])(
  "a holder that is cut off stops acting before another begins (seed %i; kubernetes/kubernetes#23731, #67651)",
  (seed) => {
    const { simulation, acting, log, most } = candidates(seed);
    simulation.runFor(10_000);
    const [first] = acting;
    simulation.addRule({ id: "out", from: [`${first}-0`], to: null, kinds: null, effect: { type: "block" } });
    simulation.addRule({ id: "in", from: null, to: [`${first}-0`], kinds: null, effect: { type: "block" } });
    simulation.runFor(12_000);
    expect(acting.has(first!)).toBe(false);
    simulation.runFor(15_000);
    expect(acting.size).toBe(1);
    expect(acting.has(first!)).toBe(false);
    simulation.removeRule("out");
    simulation.removeRule("in");
    simulation.runFor(60_000);
    expect(log.map((line) => line.split(" ")[0])).toEqual(["elected", "lost", "elected"]);
    expect(most()).toBe(1);
  },
);

test("a holder that crashes is followed within lease duration + retry", () => {
  const { simulation, acting } = candidates(7);
  simulation.runFor(10_000);
  const [first] = acting;
  simulation.crashHost(`${first}-0`);
  acting.delete(first!);
  simulation.runFor(15_000 + 2 * 2_200 + 1_000);
  expect(acting.size).toBe(1);
});
