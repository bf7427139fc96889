import { encode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import type { Cuts as CutsType } from "../../scenarios/language/plan";
import { Cuts, withCut } from "../../scenarios/language/plan";
import { runScenario } from "../../scenarios/run";
import { drawShape, knobGroups, smallestShape } from "../../scenarios/swarm-shape";
import { scenarioOf, tinyCluster, tinyInput } from "./tiny";

describe("a plan learns from a reference run where to cut", () => {
  const scenario = scenarioOf(
    "name: p\ncluster: { nodes: 2 }\nplan: { cut: writes, of: controller-manager, fault: crash-actor, for: 5s, atMost: 4 }\nexpect: [convergence]\n",
  );
  const see = (cuts: CutsType, from: string, verb: string, name: string) => {
    const body = encode({ kind: "api.request", verb, resource: "pods", subresource: "", namespace: "shop", name } as never);
    cuts.see({
      type: "deliver",
      actor: "apiserver/0",
      envelope: { kind: "api.request", operation: "ask", from, to: "apiserver/0", body } as Envelope,
    } as never);
  };

  it("counts the writes of each actor, and nobody else's, and no reads", () => {
    const cuts = new Cuts(scenario.cuts!);
    see(cuts, "controller-manager/0", "create", "a");
    see(cuts, "controller-manager/0", "get", "a");
    see(cuts, "scheduler/0", "create", "b");
    see(cuts, "controller-manager/1", "patch", "c");
    see(cuts, "controller-manager/0", "delete", "a");
    expect(cuts.all).toEqual([
      { actor: "controller-manager/0", number: 1, what: "create pods shop/a" },
      { actor: "controller-manager/1", number: 1, what: "patch pods shop/c" },
      { actor: "controller-manager/0", number: 2, what: "delete pods shop/a" },
    ]);
  });

  it("takes as many as are wanted, spread evenly", () => {
    const cuts = new Cuts(scenario.cuts!);
    for (let i = 0; i < 10; i++) see(cuts, "controller-manager/0", "update", `p${i}`);
    expect(cuts.chosen().map(({ number }) => number)).toEqual([1, 3, 6, 8]);
  });

  it("hits the actor that wrote, after that write", () => {
    const [node] = withCut(scenario, scenario.cuts!, { actor: "controller-manager/1" as never, number: 7, what: "" }).storm;
    expect(node).toMatchObject({
      start: { when: { condition: { type: "message", message: "write", actor: "controller-manager/1", times: 7 } } },
      body: { step: { fault: { name: "crash-actor" }, forUs: 5e6 } },
    });
  });
});

describe("a breakpoint", () => {
  const text = `${tinyCluster}\nstorm:\n  - { at: 2s, fault: crash, target: { role: etcd, is: leader }, for: 5s }\nexpect: [raft-committed]`;
  const electedAgain = {
    ...tinyInput(text),
    breakpoint: scenarioOf(
      `${tinyCluster}\nstorm:\n  - { when: { timeline: etcd leader elected, times: 2 }, fault: pause, target: { role: etcd } }\nexpect: [raft-committed]`,
    ).storm[0]!.start.when!.condition,
  };

  it("stops at the event at which its condition comes true, and so does a replay by the event's number", () => {
    const result = runScenario(electedAgain);
    expect(result).toMatchObject({ stopped: true, verdict: "held", probes: { etcdElections: 2 } });
    expect(result.stopEvent).toBe(result.traceEvents);
    const again = runScenario({
      ...tinyInput(text),
      schedule: result.schedule,
      stormUs: Number.POSITIVE_INFINITY,
      stopEvent: result.stopEvent!,
    });
    expect(again.traceHash).toBe(result.traceHash);
  });

  it("changes nothing where it is never reached", () => {
    const plain = runScenario(tinyInput(text));
    const watched = runScenario({ ...tinyInput(text), breakpoint: { type: "line", text: "no such line", times: 1 } });
    expect([watched.stopEvent, watched.traceHash]).toEqual([null, plain.traceHash]);
  });
});

describe("a cluster that each seed draws", () => {
  const drawn = { counts: { etcd: [3, 5], nodes: [0, 2] }, knobs: [...knobGroups.keys()] };
  const { shape } = scenarioOf(`${tinyCluster}expect: [raft-committed]`);
  const draws = Array.from({ length: 200 }, (_, seed) =>
    drawShape(shape, drawn, (purpose) => (((seed + 1) * 7919 + purpose.length * 104_729) % 1000) / 1000),
  );

  it("has every number that may be drawn, and others never", () => {
    expect(new Set(draws.map(({ etcd }) => etcd))).toEqual(new Set([3, 5]));
    expect(new Set(draws.map(({ nodes }) => nodes))).toEqual(new Set([0, 2]));
    expect(new Set(draws.map(({ apiServers }) => apiServers))).toEqual(new Set([1]));
    expect(smallestShape(shape, drawn)).toMatchObject({ etcd: 3, nodes: 0 });
  });

  it("has knobs in the units that actors take, and leaves alone what the scenario sets itself", () => {
    const timed = draws.find(({ knobs }) => knobs["etcd.election-timeout"] === 500);
    expect(timed?.knobs["etcd.heartbeat-interval"]).toBe(50);
    const fixed = drawShape({ ...shape, knobs: { "etcd.pre-vote": true } }, drawn, () => 0.9);
    expect(fixed.knobs["etcd.pre-vote"]).toBe(true);
  });

  it("is recorded, and repeated from the record", () => {
    const text = `${tinyCluster}\nswarm: { steps: 3, within: 5s, rollouts: false, cluster: { etcd: [1, 3, 5] }, knobs: [etcd-timing] }\nexpect: [raft-committed]`;
    const results = [1, 2, 3].map((seed) => runScenario(tinyInput(text, seed)));
    expect(new Set(results.map((result) => result.shape.etcd)).size).toBeGreaterThan(1);
    const [{ schedule, stormUs, shape: recorded, traceHash }] = results as [(typeof results)[0]];
    const plain = text.replace(/, cluster: .*\] }\n/, " }\n");
    expect(runScenario({ ...tinyInput(plain), schedule, stormUs: stormUs!, shape: recorded }).traceHash).toBe(traceHash);
  });
});
