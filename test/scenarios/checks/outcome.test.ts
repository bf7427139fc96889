import type { JsonObject } from "../../../protocol/kinds/object";
import { deployment, pod, replicaSet, told } from "./told";

describe("no-orphans (garbage collection)", () => {
  it("holds where owners exist", () => {
    expect(told().object(replicaSet("rs", "web")).object(deployment(1, {})).judge("no-orphans")).toMatchObject({
      verdict: "held",
      reached: 1,
    });
  });

  it("holds where one of two owners exists, unless the other controls it", () => {
    const owners = (controller: boolean) => {
      const references = [
        { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "web" },
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "gone", uid: "gone", controller },
      ];
      const plain = pod("a");
      return told()
        .object(deployment(1, {}))
        .object({ ...plain, metadata: { ...(plain.metadata as JsonObject), ownerReferences: references } });
    };
    expect(owners(false).judge("no-orphans").verdict).toBe("held");
    expect(owners(true).judge("no-orphans").verdict).toBe("violated");
  });

  it("is violated by what its owner left behind", () => {
    expect(
      told()
        .object(pod("a", { owner: "gone" }))
        .judge("no-orphans").detail,
    ).toBe("Pod shop/a is left, though its owner ReplicaSet gone is gone");
  });
});

describe("one-acting-leader (client-go leader election)", () => {
  const elected = (holder: string) => ({ kind: "leader.elected", lease: "kube-scheduler", holder });

  it("holds where one leader gives up or dies before the next", () => {
    const history = told().fact("scheduler/0", elected("0")).died("scheduler/0").fact("scheduler/1", elected("1"));
    history.fact("scheduler/1", { kind: "leader.lost", lease: "kube-scheduler", holder: "1" }).fact("scheduler/0", elected("0"));
    expect(history.judge("one-acting-leader")).toMatchObject({ verdict: "held", reached: 3 });
  });

  const lost = (holder: string) => ({ kind: "leader.lost", lease: "kube-scheduler", holder });
  const frozen = () =>
    told().fact("scheduler/0", elected("0")).fault("began", ["scheduler-0"], "pause").at(20).fact("scheduler/1", elected("1"));

  it("holds where a frozen leader notices as soon as it wakes up", () => {
    const history = frozen().at(30).fault("ended", ["scheduler-0"], "pause").fact("scheduler/0", lost("0")).at(40).act("end");
    expect(history.judge("one-acting-leader").verdict).toBe("held");
  });

  it("is violated by a leader that wakes up and goes on", () => {
    const history = frozen().at(30).fault("ended", ["scheduler-0"], "pause").at(40).act("end");
    expect(history.judge("one-acting-leader").detail).toBe("0 woke up and goes on leading kube-scheduler, which another has taken");
  });

  it("gives one that is frozen anew its time again", () => {
    const anew = frozen().at(25).fault("began", ["scheduler-0"], "pause").at(30).fault("ended", ["scheduler-0"], "pause").at(35).act("end");
    expect(anew.judge("one-acting-leader").verdict).toBe("held");
    expect(anew.at(40).fault("ended", ["scheduler-0"], "pause").at(42).act("end").judge("one-acting-leader").verdict).toBe("violated");
  });

  it("is violated by two at a time", () => {
    expect(told().fact("scheduler/0", elected("0")).fact("scheduler/1", elected("1")).judge("one-acting-leader").detail).toBe(
      "1 leads kube-scheduler, while 0 still does",
    );
  });
});

describe("service-availability (the scenario's objective)", () => {
  const result = (code: number, outcome = "answered") => ({
    kind: "load.result",
    workload: "w",
    service: "shop/web",
    requestId: "1",
    outcome,
    code,
    latencyUs: 1,
    servedBy: "",
  });
  const params = { service: "shop/web", atLeast: "75%" };

  it("holds where enough requests succeed", () => {
    const history = told()
      .fact("client/w", result(200))
      .fact("client/w", result(404))
      .fact("client/w", result(200))
      .fact("client/w", result(503));
    expect(history.judge("service-availability", params)).toMatchObject({ verdict: "held", reached: 4 });
  });

  it("is violated by too many failures, errors of the server among them", () => {
    const history = told().fact("client/w", result(200)).fact("client/w", result(500)).fact("client/w", result(0, "timeout"));
    expect(history.judge("service-availability", params).detail).toMatch(/^33.33 % of 3 requests to shop\/web succeeded/);
  });

  it("is violated by an outage that is too long", () => {
    const history = told();
    for (let i = 0; i < 97; i++) history.fact("client/w", result(200));
    history.at(10).fact("client/w", result(0, "refused")).at(25).fact("client/w", result(200));
    expect(history.judge("service-availability", { ...params, longestOutage: "10s" }).detail).toMatch(
      /longest outage 15.0 s; at most 10s is allowed/,
    );
  });

  it("proves nothing without requests", () => {
    expect(told().judge("service-availability", params)).toMatchObject({ verdict: "violated", reached: 0, unproven: true });
  });
});

describe("convergence (eventually stable reconciliation)", () => {
  const some = () => told().deleted("/registry/pods/shop/a", 2);

  it("holds where the cluster came to rest and stayed so", () => {
    expect(some().judge("convergence").detail).toBe("at rest 5.0 s after the storm, and it stayed so");
  });

  it("is violated, with the reasons, where it did not", () => {
    const convergence = { converged: false, afterUs: 9, stayed: false, reasons: ["Pod shop/a is not ready"] };
    expect(some().judge("convergence", {}, { convergence })).toMatchObject({
      verdict: "violated",
      detail: expect.stringContaining("Pod shop/a is not ready"),
    });
  });

  it("is violated where it did not stay", () => {
    const convergence = { converged: true, afterUs: 9, stayed: false, reasons: ["Pod shop/a is not ready"] };
    expect(some().judge("convergence", {}, { convergence }).verdict).toBe("violated");
  });
});

describe("no-panics (assertions stay on)", () => {
  it("holds over crashes on purpose and hosts that go down", () => {
    expect(told().born("etcd/0").died("etcd/0", "crashed on purpose").born("etcd/0").died("etcd/0").judge("no-panics")).toMatchObject({
      verdict: "held",
      reached: 2,
    });
  });

  it("is violated by an actor that crashes by itself", () => {
    expect(told().born("etcd/0").died("etcd/0", "cannot read x").judge("no-panics").detail).toBe("etcd/0 crashed: cannot read x");
  });

  it("is violated by a request that met a bug of its API server", () => {
    const panic = { kind: "apiserver.panic", request: "get /version", error: "cannot read x" };
    expect(told().born("etcd/0").fact("apiserver/0", panic).judge("no-panics").verdict).toBe("violated");
  });
});
