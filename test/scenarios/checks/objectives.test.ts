import type { JsonObject } from "../../../protocol/kinds/object";
import { deployment, pod, told } from "./told";

describe("progress (no deadlock)", () => {
  const begin = () => told().object(pod("a")).at(10).act("calm").at(11).rest("Pod shop/a is not ready");

  it("holds while something changes now and then, and once the cluster is at rest", () => {
    const history = begin().at(80).object(pod("b")).at(150).object(pod("c")).at(160).rest().at(900).act("end");
    expect(history.judge("progress").verdict).toBe("held");
  });

  it("is violated by a standstill before that, heartbeats or not", () => {
    const lease: JsonObject = { kind: "Lease", metadata: { namespace: "kube-node-lease", name: "node-0", uid: "l" } };
    expect(begin().at(60).object(lease).at(110).object(lease).judge("progress").detail).toBe(
      "for 99 s nothing has changed, though the cluster is not at rest: Pod shop/a is not ready",
    );
    expect(begin().at(110).object(lease).judge("progress", { within: "2m" }).verdict).toBe("held");
  });

  it("asks for nothing in a storm", () => {
    expect(told().object(pod("a")).act("storm").rest("x").at(500).act("end").judge("progress").verdict).toBe("held");
  });
});

describe("service-recovery (the scenario's objective)", () => {
  const result = (code: number) => ({
    kind: "load.result",
    workload: "w",
    service: "shop/web",
    requestId: "1",
    outcome: "answered",
    code,
    latencyUs: 1000,
    servedBy: "",
  });
  const slice = (...names: string[]): JsonObject => ({
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: "web-x", uid: "s", labels: { "kubernetes.io/service-name": "web" } },
    endpoints: names.map((name) => ({ conditions: { ready: true }, targetRef: { kind: "Pod", uid: name } })),
  });
  const begin = () => told().object(slice("a", "b")).fact("client/w", result(200)).at(10).fault("began", ["node-0"]);
  const failingUntil = (seconds: number) =>
    begin()
      .at(12)
      .fact("client/w", result(503))
      .at(10 + seconds)
      .fact("client/w", result(503))
      .fact("client/w", result(200));
  const params = { service: "shop/web", recoverWithin: "30s" };

  it("holds where the last failure comes in time", () => {
    expect(failingUntil(20).judge("service-recovery", params).detail).toBe(
      "4 requests, 1 disturbances that were felt; recovered in 20.0 s at most (crash node-0)",
    );
  });

  it("is violated by a failure that comes later, and counts anew after each disturbance", () => {
    expect(failingUntil(40).judge("service-recovery", params).detail).toBe(
      "shop/web recovered 40.0 s after crash node-0; at most 30s is allowed",
    );
    const again = begin().at(12).fact("client/w", result(503)).at(45).fault("began", ["node-1"]).at(50).fact("client/w", result(503));
    expect(again.judge("service-recovery", params).verdict).toBe("held");
  });

  it("judges when an endpoint is taken out, where requests fail for longer than that", () => {
    const detected = (seconds: number) =>
      failingUntil(25)
        .at(10 + seconds)
        .object(slice("b"));
    expect(detected(26).judge("service-recovery", { ...params, detectWithin: "20s" }).detail).toBe(
      "shop/web was without the endpoint only 26.0 s after crash node-0; at most 20s is allowed",
    );
    const early = begin().at(12).fact("client/w", result(503)).at(15).object(slice("b")).at(35).fact("client/w", result(503));
    expect(early.judge("service-recovery", { ...params, detectWithin: "20s" }).verdict).toBe("held");
    expect(failingUntil(25).judge("service-recovery", { ...params, detectWithin: "20s" }).detail).toMatch(/failed on 25.0 s after/);
  });

  it("passes over a disturbance that few noticed, if asked to", () => {
    const few = failingUntil(40);
    for (let i = 0; i < 98; i++) few.fact("client/w", result(200));
    expect(few.judge("service-recovery", { ...params, ignoreBelow: "5%" }).verdict).toBe("held");
  });
});

describe("legitimate-loss (beyond the budget)", () => {
  const voters = ["etcd/0", "etcd/1", "etcd/2"];
  const entry = { entries: [[1, 1, 7]] };
  /** A write is committed on two disks and acknowledged at revision 5. */
  const written = () => {
    const history = told();
    for (const member of voters)
      history
        .born(member)
        .fact(member, { kind: "raft.recovered", term: 0, vote: "", snapshotIndex: 0, snapshotTerm: 0, lastIndex: 0 })
        .fact(member, { kind: "raft.configuration", index: 0, voters, outgoing: [], learners: [] });
    for (const member of voters.slice(0, 2))
      history.fact(member, { kind: "raft.appended", runs: [[1, 1, 1]] }).fact(member, { kind: "raft.persisted", ...entry });
    return history
      .fact("etcd/0", { kind: "raft.committed", ...entry })
      .fact("etcd/0", { kind: "etcd.acknowledged", revision: 5, keys: ["/registry/a"], deleted: false });
  };
  const wiped = (history: ReturnType<typeof written>, member: string) =>
    history
      .died(member)
      .born(member)
      .fact(member, { kind: "raft.recovered", term: 0, vote: "", snapshotIndex: 0, snapshotTerm: 0, lastIndex: 0 });
  const members = (revision: number) => ({
    members: [{ actor: "etcd/0", revision, compacted: 0, modRevisionOf: () => (revision >= 5 ? 5 : undefined), hashKv: () => 0 }],
  });
  const stuck = { convergence: { converged: false, afterUs: 1, stayed: false, reasons: ["etcd has no leader"] } };

  it("holds where nothing was lost", () => {
    expect(written().judge("legitimate-loss", {}, members(5)).detail).toMatch(/all found on 1 members; 0 of 3 disks were lost/);
  });

  it("is violated by a loss that a minority of disks does not explain", () => {
    expect(wiped(written(), "etcd/1").judge("legitimate-loss", {}, members(1)).detail).toMatch(
      /is lost: no member is further than revision 1, and only etcd\/1 were lost: a quorum of 3 knew better/,
    );
  });

  it("holds where a quorum of disks was lost with it", () => {
    const history = wiped(wiped(written(), "etcd/0"), "etcd/1");
    // etcd/2 never had the entry, but its empty disk counts for itself: what was lost is what was on two of three.
    expect(history.judge("legitimate-loss", {}, members(1)).detail).toMatch(
      /^legitimate, for etcd\/0 and etcd\/1 were lost, a quorum of 3/,
    );
  });

  it("does not count a disk that caught up again before the next was lost", () => {
    const back = wiped(written(), "etcd/1")
      .fact("etcd/1", { kind: "raft.appended", runs: [[1, 1, 1]] })
      .fact("etcd/1", { kind: "raft.persisted", ...entry });
    expect(wiped(back, "etcd/0").judge("legitimate-loss", {}, members(1)).verdict).toBe("violated");
  });

  it("judges a restore by whether a quorum was lost for good", () => {
    const restore = (...lost: string[]) =>
      told().fault("began", lost, "restore-backup").backedUp(4).append(written()).restored(4, 1).judge("legitimate-loss", {}, members(5));
    expect(restore("etcd-1").detail).toBe("1 revisions were given up for a backup, and only etcd/1 was lost: a quorum of 3 knew better");
    expect(restore("etcd-0", "etcd-2").detail).toMatch(
      /1 acknowledged writes on 1 keys after revision 4 were given up .*; legitimate, for etcd\/0 and etcd\/2 were lost, a quorum of 3/,
    );
  });

  it("is violated by a standstill with a quorum of members, and not without one", () => {
    expect(
      written()
        .died("etcd/2")
        .judge("legitimate-loss", {}, { ...members(5), ...stuck }).detail,
    ).toBe("the cluster did not converge: etcd has no leader, and only etcd/2 were lost: a quorum of 3 is there");
    expect(
      written()
        .died("etcd/1")
        .died("etcd/2")
        .judge("legitimate-loss", {}, { ...members(5), ...stuck }).verdict,
    ).toBe("held");
  });
});

describe("steady-state (the objective is the scenario's own)", () => {
  const web = (available: number) => ({ ...deployment(3, {}), status: { availableReplicas: available } });
  const asked = { object: "Deployment shop/web", field: "status.availableReplicas", atLeast: 2 };
  /** Three are available when the storm begins, one from 10 s to 14 s with a fault until 12 s, three at the end. */
  const dip = () =>
    told()
      .object(web(3))
      .act("storm")
      .at(9)
      .fault("began")
      .at(10)
      .object(web(1))
      .at(12)
      .fault("ended")
      .at(14)
      .object(web(3))
      .at(20)
      .act("end");
  const verdict = (more: object, history = dip()) => history.judge("steady-state", { ...asked, ...more }).verdict;

  it("is looked at all the time, or as long as a fault lasts, but for what is allowed", () => {
    expect(dip().judge("steady-state", asked)).toMatchObject({
      detail: "Deployment shop/web is not as it should be: of status.availableReplicas Deployment shop/web has 1",
      atUs: 10e6,
    });
    expect([verdict({ unless: "3s" }), verdict({ unless: "5s" })]).toEqual(["violated", "held"]);
    expect([verdict({ mode: "on-chaos" }), verdict({ mode: "on-chaos", unless: "3s" })]).toEqual(["violated", "held"]);
    expect(dip().judge("steady-state", { ...asked, unless: "5s" }).detail).toMatch(/otherwise for 4\.0 s at most$/);
  });

  it("is looked at when the storm begins, when the run ends, or both", () => {
    expect(["start", "end", "edge"].map((mode) => verdict({ mode }))).toEqual(["held", "held", "held"]);
    const late = () => told().act("storm").at(5).object(web(3)).act("end");
    expect(["start", "end", "edge"].map((mode) => verdict({ mode }, late()))).toEqual(["violated", "held", "violated"]);
    const lost = () => told().object(web(3)).act("storm").gone("Deployment shop/web");
    expect(["start", "end", "edge"].map((mode) => verdict({ mode }, lost()))).toEqual(["held", "violated", "violated"]);
  });
});

describe("preceded (a question to a run)", () => {
  const history = () =>
    told()
      .at(1)
      .fact("etcd/0", { kind: "raft.leader", term: 1 })
      .act("storm")
      .at(10)
      .fault("began")
      .at(12)
      .fact("etcd/1", { kind: "raft.leader", term: 2 });
  const asked = { event: "leads etcd", by: "fault begun" };

  it("holds where the one came before the other, and forgets what was before the storm", () => {
    expect(history().judge("preceded", { ...asked, within: "5s" })).toMatchObject({
      verdict: "held",
      detail: '"leads etcd" happened 1 times, each after "fault begun" within 5s',
    });
  });

  it("is violated by what came too long after it, or before it", () => {
    expect(history().judge("preceded", { ...asked, within: "1s" }).detail).toBe(
      '"leads etcd" at 0:12.000 was not preceded by "fault begun" within 1s, which had happened last at 0:10.000',
    );
    expect(history().judge("preceded", { event: "etcd leader elected", by: "pod evicted" }).detail).toMatch(
      /which had happened never before$/,
    );
  });
});
