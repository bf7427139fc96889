import { Standstill } from "../../../scenarios/checks/raft/standstill";
import { type Told, told } from "./told";

const persisted = (...entries: [number, number, number][]) => ({ kind: "raft.persisted", entries });
const committed = (...entries: [number, number, number][]) => ({ kind: "raft.committed", entries });

describe("raft-election-safety (Raft, figure 3: Election Safety)", () => {
  it("holds over elections in different terms", () => {
    const history = told().fact("etcd/0", { kind: "raft.leader", term: 1 }).fact("etcd/1", { kind: "raft.leader", term: 2 });
    expect(history.judge("raft-election-safety")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by two leaders of one term", () => {
    const history = told().fact("etcd/0", { kind: "raft.leader", term: 3 }).at(2).fact("etcd/1", { kind: "raft.leader", term: 3 });
    expect(history.judge("raft-election-safety")).toMatchObject({
      verdict: "violated",
      detail: "term 3 has two leaders: etcd/0 and etcd/1",
      atUs: 2e6,
    });
  });

  it("is violated by two votes of one member in one term, also across a crash", () => {
    const vote = (candidate: string) => ({ kind: "raft.voted", term: 4, candidate });
    const history = told().fact("etcd/2", vote("etcd/0")).died("etcd/2").born("etcd/2").fact("etcd/2", vote("etcd/1"));
    expect(history.judge("raft-election-safety").detail).toBe("etcd/2 in term 4 voted for etcd/0 and for etcd/1");
  });

  it("proves nothing where nobody was elected", () => {
    expect(told().judge("raft-election-safety")).toMatchObject({ verdict: "violated", reached: 0 });
  });
});

describe("raft-log-matching (Raft, figure 3: Log Matching)", () => {
  it("holds where followers overwrite what their leader does not have", () => {
    const history = told()
      .fact("etcd/0", persisted([1, 1, 10], [2, 1, 11]))
      .fact("etcd/1", persisted([1, 1, 10], [2, 2, 12]))
      .fact("etcd/0", persisted([2, 2, 12]));
    expect(history.judge("raft-log-matching")).toMatchObject({ verdict: "held" });
  });

  it("is violated by two contents of one entry", () => {
    const history = told()
      .fact("etcd/0", persisted([1, 1, 10]))
      .fact("etcd/1", persisted([1, 1, 99]));
    expect(history.judge("raft-log-matching").detail).toBe("entry 1 of term 1 differs between etcd/0 and etcd/1");
  });

  it("is violated by equal entries on different predecessors", () => {
    const history = told()
      .fact("etcd/0", persisted([1, 1, 10], [2, 3, 20]))
      .fact("etcd/1", persisted([1, 2, 10], [2, 3, 20]));
    expect(history.judge("raft-log-matching").detail).toBe("entry 2 of term 3 follows term 1 at etcd/0, but term 2 at etcd/1");
  });
});

describe("raft-committed (Raft, sections 5.4 and 5.4.3)", () => {
  const begin = () =>
    told()
      .fact("etcd/0", persisted([1, 1, 10]))
      .fact("etcd/1", persisted([1, 1, 10]))
      .fact("etcd/0", committed([1, 1, 10]));

  it("holds where the next leader has what was committed", () => {
    expect(begin().fact("etcd/1", { kind: "raft.leader", term: 2 }).judge("raft-committed")).toMatchObject({ verdict: "held" });
  });

  it("holds where the next leader has it in a snapshot", () => {
    const history = begin()
      .fact("etcd/2", { kind: "raft.snapshot", index: 1, term: 1, how: "installed" })
      .fact("etcd/2", { kind: "raft.leader", term: 2 });
    expect(history.judge("raft-committed")).toMatchObject({ verdict: "held" });
  });

  it("is violated by a leader without a committed entry (Leader Completeness)", () => {
    expect(begin().fact("etcd/2", { kind: "raft.leader", term: 2 }).judge("raft-committed").detail).toBe(
      "etcd/2 leads term 2 without entry 1 of term 1, which was committed before",
    );
  });

  it("is violated by another entry committed in its place (State Machine Safety)", () => {
    expect(
      begin()
        .fact("etcd/1", committed([1, 2, 99]))
        .judge("raft-committed").detail,
    ).toMatch(/entry 1 was committed twice/);
  });

  // Its disk refused the new entries: the next life finds the old ones, and drops them as the first did.
  it("holds where a member knew of a commit, and died before its disk took it", () => {
    const history = begin()
      .fact("etcd/2", { kind: "raft.truncated", fromIndex: 1 })
      .fact("etcd/2", committed([1, 1, 10]))
      .fact("etcd/2", { kind: "raft.recovered", term: 1, vote: "" })
      .fact("etcd/2", { kind: "raft.truncated", fromIndex: 1 });
    expect(history.judge("raft-committed")).toMatchObject({ verdict: "held" });
  });

  it("is violated by a member that truncates in its next life what it holds of the committed", () => {
    const history = begin()
      .fact("etcd/1", { kind: "raft.recovered", term: 1, vote: "" })
      .fact("etcd/1", { kind: "raft.truncated", fromIndex: 1 });
    expect(history.judge("raft-committed").detail).toBe("etcd/1 truncated its log from 1, though it held entry 1, which was committed");
  });

  it("is violated by a member that truncates what it had committed", () => {
    expect(begin().fact("etcd/0", { kind: "raft.truncated", fromIndex: 1 }).judge("raft-committed").detail).toMatch(
      /etcd\/0 truncated its log from 1/,
    );
  });
});

describe("store-agreement (the state machines are replicas)", () => {
  const applied = (index: number, revision: number, hash: number) => ({ kind: "etcd.applied", index, revision, hash });

  it("holds for equal stores, also after a member replays its log", () => {
    const history = told()
      .fact("etcd/0", applied(1, 2, 7))
      .fact("etcd/1", applied(1, 2, 7))
      .died("etcd/1")
      .fact("etcd/1", applied(1, 2, 7));
    expect(history.judge("store-agreement")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by different stores at one revision", () => {
    const history = told()
      .fact("etcd/0", applied(1, 2, 7))
      .fact("etcd/1", applied(1, 2, 8));
    expect(history.judge("store-agreement").detail).toBe("after entry 1 (revision 2) the stores of etcd/0 and etcd/1 differ");
  });

  it("is violated by a member that applied an entry twice", () => {
    const history = told()
      .fact("etcd/0", applied(1, 2, 7))
      .fact("etcd/1", applied(1, 3, 7));
    expect(history.judge("store-agreement").detail).toMatch(/is at revision 2, etcd\/1 at 3/);
  });

  it("is violated by a revision that goes back", () => {
    const history = told()
      .fact("etcd/0", applied(2, 3, 7))
      .fact("etcd/0", applied(3, 2, 8));
    expect(history.judge("store-agreement").detail).toBe("the revision of etcd/0 went from 3 back to 2");
  });
});

describe("acknowledged-writes (etcd's durability)", () => {
  const written = (revision: number, deleted = false) => ({ kind: "etcd.acknowledged", revision, keys: ["/registry/a"], deleted });
  const member = (revision: number, keyRevision: number | undefined) => ({
    members: [{ actor: "etcd/0", revision, compacted: 0, modRevisionOf: () => keyRevision, hashKv: () => 0 }],
  });

  it("holds where the write or a later one is there", () => {
    const history = told().fact("etcd/0", written(5));
    expect(history.judge("acknowledged-writes", {}, member(9, 5)).verdict).toBe("held");
    expect(history.judge("acknowledged-writes", {}, member(9, 8)).verdict).toBe("held");
  });

  it("holds for a follower that lags", () => {
    const members = [...member(9, 5).members, { ...member(4, undefined).members[0]!, actor: "etcd/1" }];
    expect(told().fact("etcd/0", written(5)).judge("acknowledged-writes", {}, { members }).verdict).toBe("held");
  });

  it("holds where the key was deleted later", () => {
    expect(told().fact("etcd/0", written(5)).deleted("/registry/a", 6).judge("acknowledged-writes", {}, member(9, undefined)).verdict).toBe(
      "held",
    );
  });

  it("is violated by a key that vanished or went back", () => {
    const history = told().fact("etcd/0", written(5));
    expect(history.judge("acknowledged-writes", {}, member(9, undefined)).detail).toMatch(
      /at revision 5 is lost at etcd\/0, which has no such key/,
    );
    expect(history.judge("acknowledged-writes", {}, member(9, 3)).detail).toMatch(/is lost at etcd\/0, which has revision 3/);
  });

  it("after a restore is about what the backup held, and says how much was given up", () => {
    const history = told().fact("etcd/0", written(5)).backedUp(6).fact("etcd/0", written(6)).fact("etcd/0", written(8)).restored(6, 2);
    const held = history.judge("acknowledged-writes", {}, member(1006, 6));
    expect(held).toMatchObject({ verdict: "held" });
    expect(held.detail).toMatch(
      /^3 acknowledged .* all others found on 1 members; 1 acknowledged writes on 1 keys after revision 6 were given up/,
    );
    // Revision 6 was acknowledged when the backup had been saved already, and is in it.
    expect(history.judge("acknowledged-writes", {}, member(1006, 5)).detail).toMatch(
      /at revision 6 is lost at etcd\/0, which has revision 5/,
    );
    expect(history.deleted("/registry/a", 1007).judge("acknowledged-writes", {}, member(1007, undefined)).verdict).toBe("held");
  });

  it("does not take a deletion that was given up for a reason", () => {
    const history = told().fact("etcd/0", written(5)).backedUp(5).deleted("/registry/a", 6).restored(5, 1);
    expect(history.judge("acknowledged-writes", {}, member(1005, undefined)).detail).toMatch(/at revision 5 is lost at etcd\/0/);
  });

  it("is violated by a cluster that never got so far", () => {
    expect(told().fact("etcd/0", written(5)).judge("acknowledged-writes", {}, member(4, 3)).detail).toMatch(
      /no member is further than revision 4/,
    );
  });

  it("is violated by a deletion that came undone", () => {
    expect(told().fact("etcd/0", written(5, true)).judge("acknowledged-writes", {}, member(9, 3)).verdict).toBe("violated");
  });
});

describe("Standstill (when what was asked for could not be done)", () => {
  /** Of the hundred seconds of a story, how many the log stood still. */
  const seconds = (story: Told) => {
    const standstill = new Standstill();
    for (const event of story.events) standstill.see(event);
    return standstill.withinUs(0, 100e6) / 1e6;
  };
  const led = () => told().at(1).fact("etcd/0", { kind: "raft.leader", term: 1 });
  const appends = (story: Told, index: number) => story.fact("etcd/0", { kind: "raft.appended", runs: [[index, index, 1]] });
  const goes = (story: Told, how: "persisted" | "committed", index: number, actor = "etcd/0") =>
    story.fact(actor, { kind: `raft.${how}`, entries: [[index, 1, 0]] });

  it("counts the wait for the leader's disk and for a quorum, from one entry that goes through to the next", () => {
    const disk = goes(appends(led(), 5).at(2), "committed", 5);
    expect(seconds(goes(disk.at(11), "persisted", 5))).toBe(10);
    const quorum = goes(appends(led(), 5).at(2), "persisted", 5);
    expect(seconds(goes(quorum.at(11), "committed", 5))).toBe(10);
    const queue = goes(goes(appends(appends(led(), 5), 6).at(4), "persisted", 6), "committed", 5);
    expect(seconds(goes(queue.at(9), "committed", 6))).toBe(8);
  });

  it("counts neither a log to which nobody adds anything nor what a follower waits for, nor what takes no time", () => {
    const prompt = goes(goes(appends(led(), 5).at(1.4), "persisted", 5), "committed", 5).at(50);
    expect(seconds(goes(goes(appends(prompt, 6), "persisted", 6), "committed", 6))).toBe(0);
    expect(
      seconds(
        goes(
          led()
            .fact("etcd/1", { kind: "raft.appended", runs: [[5, 5, 1]] })
            .at(9),
          "persisted",
          5,
          "etcd/1",
        ),
      ),
    ).toBe(0);
  });

  it("counts the time without a leader, and in which the leader's host or an API server's is frozen, once", () => {
    const anew = goes(led(), "committed", 4).at(7).fact("etcd/1", { kind: "raft.leader", term: 2 });
    expect(seconds(anew)).toBe(6);
    const freeze = (host: string, from: number, to: number, story: Told) =>
      story.at(from).fault("began", [host], "pause").at(to).fault("ended", [host], "pause");
    expect(seconds(freeze("etcd-0", 10, 20, led()))).toBe(10);
    expect(seconds(freeze("etcd-1", 10, 20, led()))).toBe(0);
    const served = freeze("apiserver-0", 10, 20, led().fact("apiserver/0", { kind: "x" }));
    expect(seconds(goes(appends(goes(served, "committed", 5).at(15), 6).at(30), "persisted", 6))).toBe(20);
  });
});
