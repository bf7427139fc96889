import { Network } from "./network";
import { between, log, touching, vote, withLogs } from "./paper-logs";

/** Claims of "In Search of an Understandable Consensus Algorithm" (extended version) and of Ongaro's thesis, by their sections: snapshots, clients, stable leadership, flow control. */

describe("snapshots (section 7)", () => {
  test("a follower that is behind the dropped log gets the snapshot, and then what follows it", () => {
    const network = new Network(3);
    network.elect("m0");
    for (let n = 0; n < 20; n++) network.propose("m0", `${n}`);
    network.settle(touching("m2"));
    network.compact("m0");
    network.propose("m0", "after");
    network.runUntil(() => network.member("m2").applied.length === 22);
    expect(network.node("m2").log.snapshot.index).toBe(21);
    expect(network.member("m2").applied).toEqual(network.member("m0").applied);
  });

  test("a snapshot that says nothing new is ignored, and retains the log behind it", () => {
    const network = new Network(3);
    network.elect("m0");
    for (let n = 0; n < 5; n++) network.propose("m0", `${n}`);
    network.settle();
    const { lastIndex } = network.node("m1").log;
    network.step("m1", { type: "snapshotReceived", from: "m0", snapshot: { index: 3, term: 1 }, configuration: null });
    expect(network.node("m1").log.lastIndex).toBe(lastIndex);
    expect(network.member("m1").writes).toEqual([]);
  });

  test("a snapshot takes nothing back that it covers, though the member may not know that it was committed", () => {
    const network = withLogs([log([1, 1, 1]), log([1, 1, 1]), log([1, 1, 1])]);
    const install = (index: number, term: number) =>
      network.step("m1", { type: "snapshotReceived", from: "m0", snapshot: { index, term }, configuration: null })!;
    expect(network.node("m1").log.commit).toBe(0);
    expect(install(7, 1).truncated).toBeNull();
    const conflicting = withLogs([log([1, 1, 1])]).step("m0", {
      type: "snapshotReceived",
      from: "m1",
      snapshot: { index: 2, term: 2 },
      configuration: null,
    })!;
    expect(conflicting.truncated).toEqual({ fromIndex: 3, lastIndex: 3 });
  });

  test("a member that has only a snapshot can still win an election: its last term is the snapshot's", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    network.settle();
    network.runUntil(() => network.ids.every((id) => network.member(id).applied.length === 2));
    for (const id of network.ids) network.compact(id);
    for (const id of network.ids) network.crash(id);
    for (const id of network.ids) network.start(id);
    network.elect("m1");
    network.propose("m1", "y");
    network.settle();
    expect(network.member("m1").applied.map((entry) => entry.index)).toEqual([1, 2, 3, 4]);
  });
});

describe("client interaction (section 8; thesis, sections 6.3 and 6.4)", () => {
  test("a leader begins its term with an entry of its own, so that it learns what is committed", () => {
    const network = new Network(3);
    network.elect("m0");
    expect(network.node("m0").log.termAt(1)).toBe(1);
    expect(network.member("m0").applied.map((entry) => entry.type)).toEqual(["noop"]);
  });

  test("a read waits until the leader has committed in its own term", () => {
    const network = withLogs([log([1, 1]), log([1, 1]), log([1, 1])]);
    network.nowMs = 5_000;
    network.node("m0").electionDueMs = 0;
    network.step("m0", { type: "wake" });
    network.settle((flight) => flight.message.kind === "raft.append");
    expect(network.leaders()).toEqual(["m0"]);
    network.step("m0", { type: "read", request: 1 });
    network.settle((flight) => flight.message.kind === "raft.append");
    expect(network.member("m0").reads).toEqual([]);
    network.runUntil(() => network.member("m0").reads.length === 1);
    expect(network.member("m0").reads).toEqual([{ request: 1, index: 3 }]);
  });

  test("a deposed leader that does not know it yet serves no read", () => {
    const network = new Network(3);
    network.elect("m0");
    const cut = touching("m0");
    network.node("m1").electionDueMs = network.nowMs + 2_000;
    network.nowMs += 2_000;
    network.step("m1", { type: "wake" });
    network.settle(cut);
    network.propose("m1", "newer");
    network.settle(cut);
    expect(network.leaders()).toEqual(["m0", "m1"]);
    network.step("m0", { type: "read", request: 1 });
    network.settle(cut);
    expect(network.member("m0").reads).toEqual([]);
    network.nextWake();
    network.settle();
    expect(network.member("m0").reads).toEqual([]);
    expect(network.member("m0").refusedReads).toEqual([1]);
  });

  test("reads that arrive while a round is under way share the next one", () => {
    const network = new Network(3);
    network.elect("m0");
    for (let request = 1; request <= 50; request++) network.step("m0", { type: "read", request });
    expect(network.flights.filter(({ message }) => message.kind === "raft.heartbeat")).toHaveLength(2);
    network.settle();
    expect(network.member("m0").reads.map(({ request }) => request)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });
});

describe("leadership that is stable (sections 6 and 9.6, thesis 6.2 and 3.10)", () => {
  test("a member that comes back after a time alone does not depose a healthy leader (pre-vote)", () => {
    const network = new Network(3);
    network.elect("m0");
    const alone = touching("m2");
    const until = network.nowMs + 20_000;
    while (network.nowMs < until) network.nextWake(alone);
    expect(network.node("m2").term).toBe(1);
    network.runUntil(() => network.node("m2").leader === "m0");
    expect(network.node("m0")).toMatchObject({ term: 1, role: { name: "leader" } });
  });

  test("servers that hear from a leader disregard requests for votes", () => {
    const network = new Network(3);
    network.elect("m0");
    network.step("m1", { type: "message", from: "m2", message: vote({ term: 9, lastIndex: 99, lastTerm: 9 }) });
    expect(network.node("m1")).toMatchObject({ term: 1, leader: "m0" });
    expect(network.member("m1").writes).toEqual([]);
  });

  test("a leader without a quorum steps down within two election time-outs", () => {
    const network = new Network(3);
    network.elect("m0");
    const since = network.nowMs;
    network.runUntil(() => network.node("m0").role.name !== "leader", 10_000, touching("m0"));
    expect(network.nowMs - since).toBeLessThanOrEqual(2_000);
  });

  test("a leader that can send but not receive is replaced (one-way link)", () => {
    const network = new Network(3, {}, (id) => Number(id.slice(1)) / 3);
    network.elect("m0");
    network.runUntil(
      () => network.leaders().length === 1 && network.leaders()[0] !== "m0",
      20_000,
      (flight) => flight.to === "m0",
    );
  });

  test("members that were left in different terms still elect a leader (etcd#8501)", () => {
    const network = withLogs([log([1, 1], 5), log([1, 1], 3), log([1, 1, 1], 1)]);
    network.runUntil(() => network.leaders().length === 1, 30_000);
  });

  test("with one link cut, the leader that both sides see stays (bridge)", () => {
    const network = new Network(3);
    network.elect("m0");
    const until = network.nowMs + 30_000;
    while (network.nowMs < until) network.nextWake(between("m1", "m2"));
    expect(network.leaders()).toEqual(["m0"]);
    expect(network.node("m0").term).toBe(1);
  });

  test("leadership is handed over when asked, without a time-out (thesis 3.10)", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    const since = network.nowMs;
    network.step("m0", { type: "transfer", to: "m2" });
    network.settle();
    expect(network.leaders()).toEqual(["m2"]);
    expect(network.nowMs).toBe(since);
    network.runUntil(() => network.member("m2").applied.length === 3);
  });

  test("while leadership is handed over proposals are refused, and taken again when it did not come about", () => {
    const network = new Network(3);
    network.elect("m0");
    network.step("m0", { type: "transfer", to: "m2" });
    expect(network.propose("m0", "x")!.proposed).toEqual({ ok: false, why: "transferring" });
    const until = network.nowMs + 1_500;
    while (network.nowMs < until) network.nextWake(touching("m2"));
    expect(network.propose("m0", "x")!.proposed).toMatchObject({ ok: true });
  });
});

describe("flow control (thesis, section 10.2.1)", () => {
  test("a follower that does not answer gets no more than the allowed messages", () => {
    const network = new Network(3, { maxInflightMessages: 4 });
    network.elect("m0");
    network.settle();
    for (let n = 0; n < 50; n++) network.propose("m0", `${n}`);
    const toOne = network.flights.filter(({ to, message }) => to === "m1" && message.kind === "raft.append" && message.entries.length > 0);
    expect(toOne).toHaveLength(4);
    network.settle();
    network.runUntil(() => network.member("m1").applied.length === 51);
  });

  test("one message carries no more than the allowed bytes, but always an entry", () => {
    const network = new Network(3, { maxBytesPerAppend: 100 });
    network.elect("m0");
    for (let n = 0; n < 10; n++) network.propose("m0", "x".repeat(n === 5 ? 500 : 20));
    const sizes: number[] = [];
    network.observe = (_member, ready) => {
      for (const { message } of ready.messages)
        if (message.kind === "raft.append") sizes.push(message.entries.reduce((sum, entry) => sum + entry.data.length + 16, 0));
    };
    network.runUntil(() => network.member("m1").applied.length === 11);
    expect(sizes.filter((size) => size > 100).every((size) => size === 516)).toBe(true);
  });

  test("a lost append is noticed by the answer to a heartbeat and sent again", () => {
    const network = new Network(3);
    network.elect("m0");
    network.settle();
    network.propose("m0", "x");
    network.settle((flight) => flight.message.kind === "raft.append");
    expect(network.node("m0").log.commit).toBe(1);
    network.runUntil(() => network.member("m1").applied.length === 2, 1_000);
  });
});
