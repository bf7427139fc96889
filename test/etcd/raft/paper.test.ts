import type { Entry } from "../../../protocol/raft";
import { type Flight, Network } from "./network";
import { kinds, log, plain, termsOf, touching, vote, withLogs } from "./paper-logs";

/** Claims of "In Search of an Understandable Consensus Algorithm" (extended version) and of Ongaro's thesis, by their sections: elections, replication, safety. */

describe("terms (section 5.1)", () => {
  test("a server whose term is out of date updates to the larger one, and a leader steps down", () => {
    const network = new Network(3, plain);
    network.elect("m0");
    network.step("m0", { type: "message", from: "m1", message: vote({ term: 5, lastIndex: 9, lastTerm: 5 }) });
    expect(network.node("m0")).toMatchObject({ term: 5, role: { name: "follower" } });
  });

  test("a request with a stale term is not followed, and its sender learns of the later term", () => {
    const network = withLogs([log([]), log([], 4), log([])], plain);
    const stale = { kind: "raft.append", term: 2, previousIndex: 0, previousTerm: 0, entries: [], commit: 0 } as const;
    network.step("m1", { type: "message", from: "m0", message: stale });
    expect(network.node("m1").leader).toBeNull();
    expect(network.flights).toEqual([{ from: "m1", to: "m0", message: expect.objectContaining({ term: 4 }) }]);
  });
});

describe("leader election (section 5.2)", () => {
  test("servers start as followers, and remain so while they hear from a leader", () => {
    const network = new Network(3);
    expect(network.ids.map((id) => network.node(id).role.name)).toEqual(["follower", "follower", "follower"]);
    network.elect("m0");
    const term = network.node("m0").term;
    const until = network.nowMs + 20_000;
    while (network.nowMs < until) network.nextWake();
    expect(network.leaders()).toEqual(["m0"]);
    expect(network.node("m0").term).toBe(term);
  });

  test("a follower that hears nothing increments its term, votes for itself and asks all others", () => {
    const network = new Network(3, plain);
    network.nowMs = 5_000;
    network.step("m1", { type: "wake" });
    expect(network.node("m1")).toMatchObject({ term: 1, vote: "m1", role: { name: "candidate" } });
    network.persist("m1");
    expect(kinds(network.flights)).toEqual(["m1→m0 raft.vote", "m1→m2 raft.vote"]);
  });

  test.each([
    [1, 0, true],
    [3, 1, true],
    [3, 0, false],
    [5, 2, true],
    [5, 1, false],
  ])("of %i servers, a candidate with %i votes of others leads: %p", (size, granted, wins) => {
    const network = new Network(size, plain);
    network.nowMs = 5_000;
    network.step("m0", { type: "wake" });
    for (let n = 1; n <= granted; n++)
      network.step("m0", {
        type: "message",
        from: `m${n}`,
        message: { kind: "raft.vote.response", term: 1, preVote: false, granted: true },
      });
    expect(network.node("m0").role.name).toBe(wins ? "leader" : "candidate");
  });

  test("each server votes for at most one candidate in a term, first come first served", () => {
    const network = new Network(3, plain);
    network.step("m2", { type: "message", from: "m0", message: vote({}) });
    network.step("m2", { type: "message", from: "m1", message: vote({}) });
    network.step("m2", { type: "message", from: "m0", message: vote({}) });
    while (network.persist("m2"));
    expect(network.flights.map(({ to, message }) => [to, (message as { granted: boolean }).granted])).toEqual([
      ["m0", true],
      ["m1", false],
      ["m0", true],
    ]);
  });

  test("a vote survives a crash: the server that gave it does not give another in that term", () => {
    const network = new Network(3, plain);
    network.step("m2", { type: "message", from: "m0", message: vote({}) });
    network.persist("m2");
    network.crash("m2");
    network.start("m2");
    network.flights = [];
    network.step("m2", { type: "message", from: "m1", message: vote({}) });
    network.persist("m2");
    expect(network.flights.map(({ message }) => message)).toEqual([expect.objectContaining({ granted: false })]);
  });

  test("a candidate that hears from a leader of its term recognises it", () => {
    const network = new Network(3, plain);
    network.nowMs = 5_000;
    network.step("m1", { type: "wake" });
    const message = { kind: "raft.heartbeat", term: 1, commit: 0, round: 0 } as const;
    network.step("m1", { type: "message", from: "m0", message });
    expect(network.node("m1")).toMatchObject({ role: { name: "follower" }, leader: "m0" });
  });

  test("votes of an earlier term do not count", () => {
    const network = new Network(3, plain);
    network.nowMs = 5_000;
    network.step("m0", { type: "wake" });
    network.nowMs = 10_000;
    network.step("m0", { type: "wake" });
    expect(network.node("m0").term).toBe(2);
    const message = { kind: "raft.vote.response", term: 1, preVote: false, granted: true } as const;
    network.step("m0", { type: "message", from: "m1", message });
    expect(network.node("m0").role.name).toBe("candidate");
  });

  test("a split vote ends in another election, which randomised time-outs decide", () => {
    const draws = new Map([
      ["m0", 0.2],
      ["m1", 0.2],
      ["m2", 0.9],
      ["m3", 0.9],
    ]);
    const network = new Network(4, plain, (id) => draws.get(id)!);
    for (const id of ["m0", "m1"]) network.node(id).electionDueMs = 0;
    for (const id of ["m0", "m1"]) network.step(id, { type: "wake" });
    for (const id of ["m0", "m1"]) network.persist(id);
    // Each candidate reaches one of the other two first.
    const first = network.flights.filter(({ from, to }) => (from === "m0" && to === "m2") || (from === "m1" && to === "m3"));
    for (const flight of first) network.deliver(flight);
    network.settle();
    expect(network.leaders()).toEqual([]);
    draws.set("m1", 0.6);
    network.runUntil(() => network.leaders().length === 1);
    expect(network.node(network.leaders()[0]!).term).toBeGreaterThan(1);
  });
});

describe("log replication (section 5.3)", () => {
  test("an entry is committed once a majority holds it, and everybody applies it", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    network.settle(touching("m2"));
    expect(network.node("m0").log.commit).toBe(2);
    network.runUntil(() => network.ids.every((id) => network.member(id).applied.length === 2));
  });

  test("without a majority nothing is committed", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    network.settle((flight) => flight.from === "m0");
    expect(network.node("m0").log.commit).toBe(1);
  });

  test("a follower refuses entries that do not follow on what it holds (consistency check)", () => {
    const network = withLogs([log([1]), log([1, 1]), log([1])], plain);
    const entries: Entry[] = [{ index: 4, term: 2, type: "noop", data: new Uint8Array(0) }];
    const message = { kind: "raft.append", term: 2, previousIndex: 3, previousTerm: 1, entries, commit: 0 } as const;
    network.step("m1", { type: "message", from: "m0", message });
    network.persist("m1");
    expect(network.flights[0]!.message).toMatchObject({ rejected: true, index: 3, hintIndex: 2, hintTerm: 1 });
    expect(termsOf(network, "m1")).toEqual([1, 1]);
  });

  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  test.each([
    ["a", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["b", [1, 1, 1, 4]],
    ["c", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["d", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["e", [1, 1, 1, 4, 4, 4, 4]],
    ["f", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])("figure 7 (%s): the leader brings a follower's log to its own", (_name, followerLog) => {
    const network = withLogs([log(leaderLog, 7), log(followerLog, 7), log([], 7)], plain);
    // The third server, with an empty log, supplies the vote.
    network.elect("m0");
    network.runUntil(() => network.node("m1").log.lastIndex === 11 && network.node("m1").log.commit === 11);
    expect(termsOf(network, "m1")).toEqual([...leaderLog, network.node("m0").term]);
    expect(termsOf(network, "m2")).toEqual(termsOf(network, "m0"));
  });

  test("a follower with many conflicting entries is corrected by one refusal per conflicting term", () => {
    const long = (term: number) => Array.from({ length: 200 }, () => term);
    const network = withLogs([log([...long(1), ...long(4)]), log([...long(1), ...long(2), ...long(3)], 4), log([], 4)], plain);
    let refusals = 0;
    network.observe = (_member, _ready, input) => {
      if (input?.type === "message" && input.from === "m1" && input.message.kind === "raft.append.response" && input.message.rejected)
        refusals++;
    };
    network.elect("m0");
    network.runUntil(() => network.node("m1").log.commit === 401);
    expect(refusals).toBeLessThanOrEqual(3);
  });

  test("appends may arrive twice or again later: they are idempotent (section 5.5)", () => {
    const network = new Network(3);
    network.elect("m0");
    for (const text of ["a", "b", "c"]) network.propose("m0", text);
    const appends = network.flights.filter(({ message }) => message.kind === "raft.append");
    network.settle();
    for (const flight of appends) network.duplicate(flight);
    network.settle();
    network.runUntil(() => network.ids.every((id) => network.member(id).applied.length === 4));
    expect(network.member("m1").applied).toEqual(network.member("m0").applied);
  });
});

describe("safety (section 5.4)", () => {
  test.each([
    ["a later last term wins over a longer log", [1, 2], [1, 1, 1], true],
    ["an earlier last term loses against a shorter log", [1, 1, 1], [1, 2], false],
    ["with the same last term the longer log wins", [1, 1, 1], [1, 1], true],
    ["with the same last term the shorter log loses", [1, 1], [1, 1, 1], false],
    ["equal logs are up to date", [1, 1], [1, 1], true],
  ])("section 5.4.1: %s", (_claim, candidate, voter, granted) => {
    const network = withLogs([log(candidate, 2), log(voter, 2), log([], 2)], plain);
    network.nowMs = 5_000;
    network.step("m0", { type: "wake" });
    network.persist("m0");
    network.deliver(network.flights.find(({ to }) => to === "m1")!);
    network.persist("m1");
    expect(network.flights.find(({ from }) => from === "m1")!.message).toMatchObject({ granted });
  });

  test("section 5.4.2, figure 8: an entry of an earlier term is not committed by counting copies", () => {
    // (c): S1 leads again, in term 4, and has brought the entry of term 2 to a majority, but not yet its own.
    const network = withLogs([log([1, 2], 3), log([1], 3), log([1], 2), log([1], 3), log([1, 3], 4)], plain);
    network.nowMs = 5_000;
    network.node("m0").electionDueMs = 0;
    network.step("m0", { type: "wake" });
    network.persist("m0");
    const reachable = (flight: Flight) => ["m3", "m4"].includes(flight.to) || ["m3", "m4"].includes(flight.from);
    // Only the first two entries get through to S2 and S3: whatever carries the entry of term 4 is cut short.
    for (let rounds = 0; rounds < 200 && network.flights.length + network.ids.length > 0; rounds++) {
      const flight = network.flights[0];
      if (!flight) {
        if (!network.ids.some((id) => network.persist(id))) break;
      } else if (reachable(flight)) network.drop(flight);
      else if (flight.message.kind === "raft.append") {
        network.flights = network.flights.filter((other) => other !== flight);
        const entries = flight.message.entries.filter((entry) => entry.term < 4);
        network.duplicate({ ...flight, message: { ...flight.message, entries } });
      } else network.deliver(flight);
    }
    expect(network.node("m0")).toMatchObject({ term: 4, role: { name: "leader" } });
    expect(["m0", "m1", "m2"].map((id) => network.node(id).log.termAt(2))).toEqual([2, 2, 2]);
    expect(network.node("m0")).toMatchObject({ log: { commit: 0 }, role: { heldBack: 2 } });
    // (d): so S5 may still win, with votes of S2, S3 and S4, and replace it.
    network.crash("m0");
    network.elect("m4");
    expect(["m1", "m2", "m3", "m4"].map((id) => network.node(id).log.termAt(2))).toEqual([3, 3, 3, 3]);
  });

  test("figure 8 (e): once an entry of its own term is committed, so are those before it", () => {
    const network = withLogs([log([1, 2], 3), log([1], 3), log([1], 2), log([1], 3), log([1, 3], 3)], plain);
    network.nowMs = 5_000;
    network.node("m0").electionDueMs = 0;
    network.step("m0", { type: "wake" });
    network.settle(touching("m4"));
    expect(network.node("m0").log.commit).toBe(3);
    network.crash("m0");
    expect(() => network.elect("m4")).toThrow("m4 did not win");
  });
});

describe("what is said is on disk (figure 2; thesis, sections 3.8 and 10.2.1)", () => {
  test("a vote is not sent before it is durable", () => {
    const network = new Network(3, plain);
    network.step("m1", { type: "message", from: "m0", message: vote({}) });
    expect(network.flights).toEqual([]);
    network.persist("m1");
    expect(kinds(network.flights)).toEqual(["m1→m0 raft.vote.response"]);
  });

  test("a candidate asks for votes only after its own is durable", () => {
    const network = new Network(3, plain);
    network.nowMs = 5_000;
    network.step("m0", { type: "wake" });
    expect(network.flights).toEqual([]);
  });

  test("an append is not acknowledged before it is durable, not even when it comes twice", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    const append = network.flights.find(({ to }) => to === "m1")!;
    network.duplicate(append);
    network.deliver(append);
    const answers = () => network.flights.filter(({ from, message }) => from === "m1" && message.kind === "raft.append.response").length;
    expect(answers()).toBe(0);
    network.persist("m1");
    expect(answers()).toBe(2);
  });

  test("a heartbeat is answered while entries are still being written", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    network.deliver(network.flights.find(({ to }) => to === "m1")!);
    const heartbeat = { kind: "raft.heartbeat", term: network.node("m0").term, commit: 0, round: 0 } as const;
    network.step("m1", { type: "message", from: "m0", message: heartbeat });
    expect(kinds(network.flights)).toContain("m1→m0 raft.heartbeat.response");
  });

  test("the leader does not count its own entry before it is durable", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    const own = network.member("m0").writes;
    network.member("m0").writes = [];
    network.settle(touching("m2"));
    expect(network.node("m0").log.commit).toBe(1);
    network.member("m0").writes = own;
    network.settle();
    expect(network.node("m0").log.commit).toBe(2);
  });

  test("nothing is applied before it is durable here, although others have committed it", () => {
    const network = new Network(3);
    network.elect("m0");
    network.propose("m0", "x");
    for (let rounds = 0; rounds < 100; rounds++) {
      const flight = network.flights[0];
      if (flight) network.deliver(flight);
      else if (!["m0", "m1"].some((id) => network.persist(id))) break;
    }
    network.nextWake((flight) => flight.from === "m2");
    expect(network.member("m0").applied).toHaveLength(2);
    network.member("m2").writes = [];
    expect(network.member("m2").applied.length).toBeLessThanOrEqual(2);
    const fresh = new Network(1);
    fresh.elect("m0");
    fresh.propose("m0", "y");
    expect(fresh.member("m0").applied).toHaveLength(1);
    fresh.persist("m0");
    expect(fresh.member("m0").applied).toHaveLength(2);
  });

  test("a write that was replaced before it was durable acknowledges nothing", () => {
    const network = withLogs([log([1], 1), log([1], 1), log([1], 1)], plain);
    const entry = (term: number): Entry => ({ index: 2, term, type: "noop", data: new Uint8Array(0) });
    const append = (term: number) =>
      ({ kind: "raft.append", term, previousIndex: 1, previousTerm: 1, entries: [entry(term)], commit: 0 }) as const;
    network.step("m1", { type: "message", from: "m0", message: append(2) });
    network.step("m1", { type: "message", from: "m2", message: append(3) });
    network.persist("m1");
    expect(network.node("m1").log.stable).toBe(1);
    network.persist("m1");
    expect(network.node("m1").log.stable).toBe(2);
  });
});
