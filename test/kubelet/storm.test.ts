import type { State as RuntimeState } from "../../actors/container-runtime/state";
import { address } from "../../protocol/address";
import { NodesTank } from "../scheduler/nodes-tank";

const nodeNames = ["node-0", "node-1", "node-2"];

/** Reproducible draws for the storm itself. */
function dice(seed: number): (bound: number) => number {
  let state = seed * 2654435761;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return state % bound;
  };
}

/** What really runs: "pod container" for each container of each node's runtime. */
function running(t: NodesTank): readonly string[] {
  return nodeNames.flatMap((node) => {
    const runtime = t.simulation.stateOf<RuntimeState>(address("container-runtime", node));
    return [...(runtime?.containers.values() ?? [])]
      .filter(({ life }) => life.is === "running")
      .map(({ pod, name }) => `${node} ${pod} ${name}`);
  });
}

/** What should run: the containers of the pods that the API has. */
function wanted(t: NodesTank): readonly string[] {
  return t.pods().map(({ spec, metadata }) => `${spec?.nodeName} shop/${metadata?.name} web`);
}

function strike(t: NodesTank, draw: (bound: number) => number, at: number): void {
  const node = nodeNames[draw(3)]!;
  switch (draw(7)) {
    case 0:
      t.simulation.crashActor(address("kubelet", node));
      return;
    case 1:
      t.simulation.crashActor(address("container-runtime", node));
      return;
    case 2:
      t.simulation.crashHost(node);
      t.simulation.schedule(draw(8_000) * 1000, () => t.simulation.startHost(node));
      return;
    case 3: {
      const id = `cut-${at}`;
      t.simulation.addRule({ id, from: [node], to: ["apiserver-0"], kinds: null, effect: { type: "block" } });
      t.simulation.schedule(draw(15_000) * 1000, () => t.simulation.removeRule(id));
      return;
    }
    case 4:
      t.ask("DELETE", `/api/v1/namespaces/shop/pods/web-${draw(6)}`, {}, () => undefined);
      return;
    case 5:
      t.simulation.crashActor(address("scheduler", 0));
      return;
    case 6:
      t.ask(
        "POST",
        "/api/v1/namespaces/shop/pods",
        { body: { metadata: { name: `web-${draw(6)}` }, spec: { containers: [{ name: "web", image: "shop/web:1" }] } } },
        () => undefined,
      );
  }
}

test.each([2, 5, 9])("after storm %d every pod of the API runs once on its node, and nothing else does (stable reconciliation)", (seed) => {
  const t = new NodesTank({ nodes: 3, seed });
  const draw = dice(seed);
  for (let n = 0; n < 6; n += 1)
    t.run(`web-${n}`, { terminationGracePeriodSeconds: 5, containers: [{ name: "web", image: "shop/web:1" }] });
  for (let at = 0; at < 40; at += 1) {
    strike(t, draw, at);
    t.simulation.runFor(1_500);
  }
  t.simulation.start();
  t.simulation.runFor(60_000);
  for (let n = 0; n < 6; n += 1) t.run(`web-${n}`);
  t.simulation.runFor(360_000);
  expect(
    t
      .pods()
      .filter(({ status }) => status?.phase !== "Running")
      .map(({ metadata, status }) => `${metadata?.name} ${JSON.stringify(status)}`),
  ).toEqual([]);
  expect([...running(t)].sort()).toEqual([...wanted(t)].sort());
  expect(t.pods()).toHaveLength(6);
});
