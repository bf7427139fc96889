import { type Configuration, encodeConfiguration } from "../../../actors/etcd/raft/configuration";
import type { RaftConfig } from "../../../actors/etcd/raft/node";
import type { Entry, RaftMessage } from "../../../protocol/raft";
import { type Flight, Network } from "./network";

/** Claims of chapter 4 of Ongaro's thesis ("Cluster membership changes"), by their sections. */

const touching =
  (...ids: readonly string[]) =>
  (flight: Flight) =>
    ids.includes(flight.from) || ids.includes(flight.to);

/** Founders m0, m1, …, of whom m0 leads, and servers with empty disks that have been started and know of nobody. */
function cluster(founders: number, joiners = 0, settings: Partial<RaftConfig> = {}): Network {
  const network = new Network(founders, settings);
  for (let n = 0; n < joiners; n++) network.join(`m${founders + n}`);
  network.elect("m0");
  return network;
}

function latest(network: Network, id: string): Pick<Configuration, "voters" | "outgoing" | "learners"> {
  const { voters, outgoing, learners } = network.node(id).configurations.latest;
  return { voters, outgoing, learners };
}

/** C_old,new stands in all logs of a set of servers that has no leader, uncommitted as far as they know. */
function inJoint(voters: readonly string[], outgoing: readonly string[]): Network {
  const ids = [...new Set([...outgoing, ...voters])].sort();
  const network = new Network(ids.length, { preVote: false, checkQuorum: false });
  const data = encodeConfiguration({ voters, outgoing, learners: [], context: new Uint8Array(0) });
  const entry: Entry = { index: 1, term: 1, type: "configuration", data };
  for (const id of ids) {
    network.crash(id);
    network.member(id).disk = { ...network.member(id).disk, hardState: { term: 1, vote: null, commit: 0 }, entries: [entry] };
    network.start(id);
  }
  return network;
}

function campaignWithVotes(network: Network, id: string, granting: readonly string[]): string {
  network.nowMs = 5_000;
  network.step(id, { type: "wake" });
  const message: RaftMessage = { kind: "raft.vote.response", term: 2, preVote: false, granted: true };
  for (const from of granting) network.step(id, { type: "message", from, message });
  return network.node(id).role.name;
}

describe("a configuration (section 4.1)", () => {
  test("is in force as soon as it is in a server's log, committed or not", () => {
    const network = cluster(3, 1);
    network.configure("m0", ["m0", "m1", "m2"], ["m3"]);
    expect(network.node("m0").log.commit).toBeLessThan(network.node("m0").configurations.latestIndex);
    expect(latest(network, "m0").learners).toEqual(["m3"]);
    expect(network.flights.some(({ to }) => to === "m3")).toBe(true);
  });

  test("gives way to the one before it where its entry is replaced", () => {
    const network = cluster(3, 2);
    network.configure("m0", ["m0", "m1", "m2", "m3", "m4"]);
    network.settle(() => true);
    expect(latest(network, "m0")).toMatchObject({ voters: ["m0", "m1", "m2", "m3", "m4"], outgoing: ["m0", "m1", "m2"] });
    network.crash("m0");
    network.elect("m1");
    network.start("m0");
    expect(latest(network, "m0").outgoing).toEqual(["m0", "m1", "m2"]);
    network.runUntil(() => network.node("m0").log.commit === 2);
    expect(latest(network, "m0")).toEqual({ voters: ["m0", "m1", "m2"], outgoing: [], learners: [] });
  });

  test("comes back from the disk, out of the log and out of a snapshot", () => {
    const network = cluster(3, 1);
    network.configure("m0", ["m0", "m1", "m2"], ["m3"]);
    network.runUntil(() => network.ids.every((id) => network.member(id).applied.length === 2));
    network.compact("m0");
    for (const id of ["m0", "m1", "m3"]) {
      network.crash(id);
      network.start(id);
      expect(latest(network, id)).toEqual({ voters: ["m0", "m1", "m2"], outgoing: [], learners: ["m3"] });
    }
  });

  test("comes with a snapshot to a server whose log is too short", () => {
    const network = cluster(3, 1);
    for (let n = 0; n < 20; n++) network.propose("m0", `${n}`);
    network.settle();
    network.compact("m0");
    network.configure("m0", ["m0", "m1", "m2"], ["m3"]);
    network.settle();
    network.compact("m0");
    network.runUntil(() => network.member("m3").applied.length === 22);
    expect(network.node("m3").log.snapshot.index).toBeGreaterThan(0);
    expect(latest(network, "m3").learners).toEqual(["m3"]);
  });
});

describe("safety (section 4.1, and raft-dev 2015, R6)", () => {
  test("a leader takes no change before it has committed an entry of its own term", () => {
    const network = cluster(3, 1);
    network.propose("m0", "x");
    network.settle((flight) => flight.message.kind === "raft.append");
    network.crash("m0");
    network.node("m1").electionDueMs = network.nowMs += 5_000;
    network.step("m1", { type: "wake" });
    network.settle((flight) => flight.message.kind === "raft.append");
    expect(network.leaders()).toEqual(["m1"]);
    expect(network.configure("m1", ["m1", "m2"])!.proposed).toEqual({ ok: false, why: "term not begun" });
    network.runUntil(() => network.node("m1").log.commit === network.node("m1").log.lastIndex);
    expect(network.configure("m1", ["m1", "m2"])!.proposed).toMatchObject({ ok: true });
  });

  test("changes come one at a time: the next is taken once C_new is committed", () => {
    const network = cluster(3, 2);
    expect(network.configure("m0", ["m0", "m1", "m2"], ["m3"])!.proposed).toMatchObject({ ok: true });
    expect(network.configure("m0", ["m0", "m1", "m2"], ["m4"])!.proposed).toEqual({ ok: false, why: "change under way" });
    network.settle();
    network.configure("m0", ["m0", "m1", "m2", "m3"]);
    // C_old,new is committed as soon as these answer, and C_new is not: it still counts as under way.
    network.runUntil(
      () => latest(network, "m0").outgoing.length === 0,
      1_000,
      (flight) => flight.message.kind !== "raft.append" && network.node("m0").configurations.latestIndex > 3,
    );
    expect(network.node("m0").configurations.latestIndex).toBeGreaterThan(network.node("m0").log.commit);
    expect(network.configure("m0", ["m0", "m1", "m2"])!.proposed).toEqual({ ok: false, why: "change under way" });
    network.runUntil(() => network.node("m0").log.commit === network.node("m0").log.lastIndex);
    expect(network.configure("m0", ["m0", "m1", "m2"])!.proposed).toMatchObject({ ok: true });
  });

  test("a follower takes no change", () => {
    const network = cluster(3);
    expect(network.configure("m1", ["m0", "m1"])!.proposed).toEqual({ ok: false, why: "not leader" });
  });
});

describe("learners (section 4.2.1)", () => {
  test("receive entries, and do not count: they neither commit nor keep a leader", () => {
    const network = cluster(3, 2);
    network.configure("m0", ["m0", "m1", "m2"], ["m3", "m4"]);
    network.runUntil(() => network.member("m4").applied.length === 2);
    const { commit } = network.node("m0").log;
    network.propose("m0", "x");
    network.settle(touching("m1", "m2"));
    expect(network.node("m3").log.lastIndex).toBe(commit + 1);
    expect(network.node("m0").log.commit).toBe(commit);
    network.runUntil(() => network.node("m0").role.name !== "leader", 3_000, touching("m1", "m2"));
  });

  test("do not campaign, not even when asked to, and their votes do not count", () => {
    const network = cluster(3, 1, { preVote: false });
    network.configure("m0", ["m0", "m1", "m2"], ["m3"]);
    network.runUntil(() => network.member("m3").applied.length === 2);
    network.step("m3", { type: "message", from: "m0", message: { kind: "raft.timeoutNow", term: 1 } });
    for (const id of ["m0", "m1", "m2"]) network.crash(id);
    const until = network.nowMs + 10_000;
    while (network.nowMs < until) network.nextWake();
    expect(network.node("m3")).toMatchObject({ term: 1, role: { name: "follower" }, leader: null });
    network.start("m1");
    network.nowMs += 5_000;
    network.step("m1", { type: "wake" });
    network.settle();
    expect(network.node("m1").role.name).toBe("candidate");
  });

  test("a server that joins waits, and takes over the configuration that a leader sends", () => {
    const network = cluster(1, 1);
    const until = network.nowMs + 10_000;
    while (network.nowMs < until) network.nextWake();
    expect(network.node("m1")).toMatchObject({ term: 0, role: { name: "follower" } });
    network.configure("m0", ["m0"], ["m1"]);
    network.runUntil(() => network.member("m1").applied.length === 2);
    network.configure("m0", ["m0", "m1"]);
    network.runUntil(() => network.member("m1").applied.length === 4);
    expect(latest(network, "m1")).toEqual({ voters: ["m0", "m1"], outgoing: [], learners: [] });
  });
});

describe("joint consensus (section 4.3)", () => {
  const old = ["m0", "m1", "m2"];
  const fresh = ["m0", "m3", "m4", "m5", "m6"];

  test.each([
    ["all of the new, and of the old only itself", ["m3", "m4", "m5", "m6"], "candidate"],
    ["all of the old, and of the new only itself", ["m1", "m2"], "candidate"],
    ["a majority of both", ["m1", "m3", "m4"], "leader"],
    ["one less of the new", ["m1", "m3"], "candidate"],
  ])("in C_old,new a candidate with the votes of %s is a %s", (_of, granting, role) => {
    expect(campaignWithVotes(inJoint(fresh, old), "m0", granting)).toBe(role);
  });

  test("in C_old,new an entry is committed by a majority of the old and one of the new", () => {
    const network = cluster(3, 4);
    network.configure("m0", fresh);
    const { lastIndex } = network.node("m0").log;
    network.settle(touching("m1", "m2"));
    expect(network.node("m0").log.commit).toBe(lastIndex - 1);
    network.runUntil(() => network.node("m0").log.commit >= lastIndex, 1_000, touching("m2", "m5", "m6"));
  });

  test("once C_old,new is committed the leader goes over to C_new by itself", () => {
    const network = cluster(3, 4);
    network.configure("m0", fresh);
    network.runUntil(() => ["m0", "m3", "m6"].every((id) => network.member(id).applied.length === 3));
    expect(latest(network, "m0")).toEqual({ voters: fresh, outgoing: [], learners: [] });
    for (const id of ["m1", "m2"]) network.crash(id);
    network.propose("m0", "x");
    network.settle();
    expect(network.member("m6").applied).toHaveLength(4);
  });

  test("if the leader dies in between, the next one finishes the change", () => {
    const network = cluster(3, 1);
    network.configure("m0", ["m1", "m2", "m3"]);
    // Nobody's word that it holds C_old,new reaches the leader.
    network.settle(({ to, message }) => to === "m0" && message.kind === "raft.append.response" && !message.rejected && message.index === 2);
    network.crash("m0");
    expect(["m1", "m2", "m3"].map((id) => latest(network, id).outgoing)).toEqual([old, old, old]);
    network.elect("m1");
    network.runUntil(() => ["m1", "m2", "m3"].every((id) => network.member(id).applied.length === 4));
    expect(latest(network, "m1")).toEqual({ voters: ["m1", "m2", "m3"], outgoing: [], learners: [] });
  });

  test("a new voter that has had no time to answer does not cost the leader its quorum at once", () => {
    const network = cluster(1, 1);
    network.nowMs += 60_000;
    network.configure("m0", ["m0", "m1"]);
    network.step("m0", { type: "wake" });
    expect(network.node("m0").role.name).toBe("leader");
    network.runUntil(() => network.member("m1").applied.length === 3);
  });
});

describe("servers that leave (sections 4.2.2 and 4.2.3)", () => {
  test("a leader that is not in C_new leads until that is committed, does not count itself, and steps down", () => {
    const network = cluster(3);
    network.configure("m0", ["m1", "m2"]);
    network.runUntil(
      () => latest(network, "m0").outgoing.length === 0,
      1_000,
      (flight) => flight.message.kind === "raft.append" && flight.message.entries.some(({ index }) => index === 3),
    );
    expect(network.node("m0")).toMatchObject({ role: { name: "leader" }, log: { commit: 2 } });
    // One of two, with the leader: no majority of C_new.
    network.nextWake(touching("m2"));
    expect(network.node("m0")).toMatchObject({ role: { name: "leader" }, log: { commit: 2 } });
    network.runUntil(() => network.node("m0").role.name === "follower", 2_000);
    network.runUntil(() => network.leaders().length === 1 && network.leaders()[0] !== "m0", 100);
    expect(network.member("m0").applied.map(({ type }) => type)).toEqual(["noop", "configuration", "configuration"]);
  });

  test("the only one that holds C_new can be elected though it is not in it: otherwise nobody could", () => {
    const network = cluster(2);
    network.configure("m0", ["m1"]);
    network.runUntil(
      () => latest(network, "m0").outgoing.length === 0,
      1_000,
      (flight) => flight.message.kind === "raft.append" && flight.message.entries.some(({ index }) => index === 3),
    );
    network.crash("m0");
    network.start("m0");
    network.runUntil(() => network.leaders()[0] === "m1" && network.member("m1").applied.length >= 4, 60_000);
    expect(latest(network, "m1").voters).toEqual(["m1"]);
  });

  test("the vote of a server that was removed does not count (tikv/raft-rs#221, R7)", () => {
    const network = cluster(3, 0, { preVote: false });
    network.configure("m0", ["m0", "m1"]);
    network.runUntil(() => network.member("m1").applied.length === 3);
    network.crash("m0");
    network.nowMs += 5_000;
    network.step("m1", { type: "wake" });
    const { term } = network.node("m1");
    network.step("m1", { type: "message", from: "m2", message: { kind: "raft.vote.response", term, preVote: false, granted: true } });
    expect(network.node("m1").role.name).toBe("candidate");
    expect(network.flights.some(({ to, message }) => to === "m2" && message.kind === "raft.vote")).toBe(false);
  });

  test("a server that knows that it was removed does not campaign any more", () => {
    const network = cluster(3);
    network.configure("m0", ["m1", "m2"]);
    network.runUntil(() => network.member("m0").applied.length === 3);
    const { term } = network.node("m0");
    const until = network.nowMs + 10_000;
    while (network.nowMs < until) network.nextWake(touching("m0"));
    expect(network.node("m0")).toMatchObject({ term, role: { name: "follower" } });
  });

  test("a server that was removed without hearing of it does not disturb the others (section 4.2.3)", () => {
    const network = cluster(3);
    network.configure("m0", ["m0", "m1"]);
    network.settle(touching("m2"));
    network.runUntil(() => latest(network, "m1").outgoing.length === 0, 1_000, touching("m2"));
    const until = network.nowMs + 30_000;
    while (network.nowMs < until) network.nextWake();
    expect(network.node("m0")).toMatchObject({ term: 1, role: { name: "leader" } });
    expect(latest(network, "m2").voters).toContain("m2");
  });
});

describe("leadership transfer (section 3.10) among changing members", () => {
  test("goes to no learner, and not to one that leaves meanwhile", () => {
    const network = cluster(3, 1);
    network.configure("m0", ["m0", "m1", "m2"], ["m3"]);
    network.settle();
    network.step("m0", { type: "transfer", to: "m3" });
    expect(network.propose("m0", "x")!.proposed).toMatchObject({ ok: true });
    network.settle();
    network.step("m0", { type: "transfer", to: "m2" });
    expect(network.configure("m0", ["m0", "m1"])!.proposed).toEqual({ ok: false, why: "transferring" });
    network.settle();
    expect(network.leaders()).toEqual(["m2"]);
  });
});
