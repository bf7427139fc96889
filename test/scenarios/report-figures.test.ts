import { address } from "../../protocol/address";
import type { Stored } from "../../protocol/kinds/object";
import { focusOf } from "../../scenarios/report/focus";
import { Outages } from "../../scenarios/report/outages";
import { Reactions } from "../../scenarios/report/reactions";
import type { Band, RunSeries } from "../../scenarios/report/recorder";
import { recoveries } from "../../scenarios/report/recovery";
import { scoreOf } from "../../scenarios/report/score";

const band = (row: string, label: string, from: number, to: number): Band => ({
  row,
  label,
  fromUs: from * 1e6,
  toUs: to * 1e6,
  detail: "",
});

const quiet: RunSeries = {
  seconds: 100,
  acts: [],
  faults: [],
  leaders: [],
  troubles: [],
  load: [],
  endpoints: [],
  deployments: [],
  nodesReady: [],
  nodes: 3,
  clocks: [],
  outages: [],
  reactions: [],
};

describe("an outage", () => {
  it("lasts from when the first request that failed was sent to the next that succeeded, for each Service", () => {
    const outages = new Outages();
    const see = (service: string, ok: boolean, at: number) => outages.see({ service, ok, latencyUs: 500_000 }, at * 1e6);
    see("a", true, 1);
    see("a", false, 2);
    see("b", false, 2.5);
    see("a", false, 3);
    see("a", true, 4);
    expect(outages.all()).toEqual([
      { service: "a", fromUs: 1.5e6, toUs: 4e6, failed: 2 },
      { service: "b", fromUs: 2e6, toUs: -1, failed: 1 },
    ]);
  });
});

describe("a reaction of the cluster to the loss of a host", () => {
  const object = (before: unknown, after: unknown, id: string) =>
    ({ type: "object", atUs: 7, revision: 1, id, before: before as Stored, after: after as Stored }) as const;

  it("is another leader, told of the host that led before", () => {
    const reactions = new Reactions();
    const leads = (host: string, atUs: number) =>
      reactions.see({ type: "fact", atUs, actor: address("etcd", host.slice(5)), host, fact: { kind: "raft.leader", term: atUs } });
    leads("etcd-0", 1);
    leads("etcd-0", 2);
    leads("etcd-2", 3);
    expect(reactions.all).toEqual([{ atUs: 3, host: "etcd-0", what: "etcd/2 leads etcd" }]);
  });

  it("is a Node that is not Ready any more, and an endpoint that is taken out, told of its node", () => {
    const reactions = new Reactions();
    const node = (status: string) => ({ kind: "Node", metadata: { name: "node-1" }, status: { conditions: [{ type: "Ready", status }] } });
    const slice = (ready: boolean) => ({
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
      endpoints: [{ addresses: ["10.0.0.1"], nodeName: "node-2", conditions: { ready } }],
    });
    reactions.see(object(node("True"), node("Unknown"), "Node node-1"));
    reactions.see(object(slice(true), slice(false), "EndpointSlice shop/web-1"));
    reactions.see(object(slice(false), undefined, "EndpointSlice shop/web-1"));
    expect(reactions.all.map(({ host, what }) => [host, what])).toEqual([
      ["node-1", "Node node-1 is NotReady"],
      ["node-2", "shop/web does without its pod on node-2"],
    ]);
  });
});

describe("time to detect and to recover", () => {
  const series: RunSeries = {
    ...quiet,
    faults: [band("node-1, node-2", "crash", 10, 40)],
    reactions: [
      { atUs: 9e6, host: "node-1", what: "before it" },
      { atUs: 12e6, host: "node-0", what: "another's" },
      { atUs: 14e6, host: "node-2", what: "Node node-2 is NotReady" },
    ],
    load: [{ service: "a", succeeded: [1], failed: [3], medianUs: [], p99Us: [] }],
    outages: [
      { service: "a", fromUs: 2e6, toUs: 3e6, failed: 1 },
      { service: "a", fromUs: 10.5e6, toUs: 13e6, failed: 2 },
    ],
    endpoints: [{ service: "a", ready: [...Array<number>(15).fill(3), ...Array<number>(20).fill(1), ...Array<number>(65).fill(3)] }],
  };

  it("count from the fault's beginning, to the first reaction for a host that it hit, the last outage's end and the endpoints' return", () => {
    expect(recoveries(series)).toEqual([
      {
        fault: series.faults[0],
        detected: { afterUs: 4e6, what: "Node node-2 is NotReady" },
        services: [{ service: "a", failed: 2, answeredAfterUs: 3e6, endpointsAfterUs: 25e6 }],
      },
    ]);
  });

  it("say never where requests or endpoints did not come back", () => {
    const never = {
      ...series,
      outages: [{ service: "a", fromUs: 11e6, toUs: -1, failed: 9 }],
      endpoints: [{ service: "a", ready: [...Array<number>(12).fill(3), 1, 1] }],
    };
    expect(recoveries(never)[0]!.services[0]).toMatchObject({ answeredAfterUs: -1, endpointsAfterUs: -1 });
  });
});

describe("the score", () => {
  const held = { name: "a", verdict: "held", detail: "", atUs: -1, reached: 1 } as const;
  const rest = { converged: true, stayed: true, afterUs: 1e6, reasons: [] };
  const of = (failed: number, extra: Partial<Parameters<typeof scoreOf>[0]> = {}) =>
    scoreOf({
      checks: [held],
      series: { ...quiet, load: [{ service: "a", succeeded: [10_000 - failed], failed: [failed], medianUs: [], p99Us: [] }] },
      convergence: rest,
      stopped: false,
      ...extra,
    });

  it("is 100 for a run without a fault of any kind, and the parts add up", () => {
    expect(of(0).total).toBe(100);
    const { total, parts } = of(100);
    expect(parts.map(({ name }) => name)).toEqual(["checks", "availability", "convergence"]);
    expect(total).toBe(
      Math.floor((100 * parts.reduce((sum, { points }) => sum + points, 0)) / parts.reduce((sum, part) => sum + part.of, 0)),
    );
  });

  it("falls with failed requests by the number of nines, and a violation costs more than any of them", () => {
    const points = (failed: number) => of(failed).parts.find(({ name }) => name === "availability")!.points;
    expect([points(0), points(1), points(1000), points(5000)]).toEqual([25, 25, 0, 0]);
    expect(points(10)).toBeGreaterThan(points(100));
    const violated = of(0, { checks: [held, { ...held, verdict: "violated" }] });
    expect(violated.total).toBeLessThan(of(10_000).total);
  });

  it("gives nothing for a cluster that did not come to rest", () => {
    const restless = of(0, { convergence: { ...rest, converged: false, reasons: ["Pod a is not ready"] } });
    expect(restless.parts.find(({ name }) => name === "convergence")).toMatchObject({ points: 0, why: "Pod a is not ready" });
  });
});

describe("the moment to look at", () => {
  const check = (name: string, atUs: number, detail = "") => ({ name, verdict: "violated", detail, atUs, reached: 1 }) as const;
  const series = {
    ...quiet,
    faults: [band("etcd-0", "crash", 5, 9)],
    reactions: [{ atUs: 6e6, host: "etcd-0", what: "etcd/1 leads etcd" }],
  };

  it("is the first violation; of one that only the end shows, when the operation that it names was answered", () => {
    expect(focusOf([check("b", 8e6), check("a", 7e6)], series, 20e6, () => undefined)).toEqual({
      atUs: 7e6,
      why: "a is violated",
      calls: [],
    });
    const late = focusOf([check("a", -1, "client/r.1/1#2 fits nowhere")], series, 20e6, (call) =>
      call === "client/r.1/1#2" ? 3e6 : undefined,
    );
    expect(late).toEqual({ atUs: 3e6, why: "a is violated", calls: ["client/r.1/1#2"] });
    expect(focusOf([check("a", -1)], series, 20e6, () => undefined).atUs).toBe(20e6);
    expect(focusOf([{ ...check("idle", -1), unproven: true }, check("a", 7e6)], series, 20e6, () => undefined).why).toBe("a is violated");
  });

  it("is the first reaction to a fault where all is well, or the fault itself", () => {
    expect(focusOf([], series, 20e6, () => undefined)).toMatchObject({ atUs: 6e6, why: "etcd/1 leads etcd" });
    expect(focusOf([], { ...series, reactions: [] }, 20e6, () => undefined)).toMatchObject({ atUs: 5e6, why: "crash of etcd-0 begins" });
  });
});
