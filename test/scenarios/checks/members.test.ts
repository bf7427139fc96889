import { address } from "../../../protocol/address";
import type { Fact } from "../../../runtime/actor";
import { type Told, told } from "./told";

const leads = (term: number) => ({ kind: "raft.leader", term });
/** Three members that have been heard of, of which etcd/0 leads. */
const three = () => told().at(1).fact("etcd/0", leads(1)).fact("etcd/1", { kind: "etcd.member" }).fact("etcd/2", { kind: "etcd.member" });

describe("raft-stable-leader (Ongaro's thesis, 9.6)", () => {
  it("holds where others come and go and the leader stays", () => {
    const history = three()
      .at(10)
      .fault("began", ["etcd-2"], "isolate")
      .at(20)
      .fault("ended", ["etcd-2"], "isolate")
      .at(30)
      .fact("etcd/0", leads(1));
    expect(history.judge("raft-stable-leader")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("holds where the leader itself is hit, or was a moment ago, or the majority is", () => {
    const hit = three().at(10).fault("began", ["etcd-0"]).at(12).fact("etcd/1", leads(2));
    const justHit = three().at(10).fault("began", ["etcd-0"]).at(12).fault("ended", ["etcd-0"]).at(13).fact("etcd/1", leads(2));
    const minority = three().at(10).fault("began", ["etcd-1", "etcd-2"]).at(20).fact("etcd/1", leads(2));
    // Each of them needs something that was reached as well, or it proves nothing.
    for (const history of [hit, justHit, minority]) expect(history.judge("raft-stable-leader").detail).not.toMatch(/have been well/);
  });

  it("is violated by another leader while the first and a majority are well", () => {
    const history = three()
      .at(10)
      .fault("began", ["etcd-2"], "isolate")
      .at(20)
      .fault("ended", ["etcd-2"], "isolate")
      .at(21)
      .fact("etcd/2", leads(7));
    expect(history.judge("raft-stable-leader")).toMatchObject({
      verdict: "violated",
      detail: "etcd/2 leads term 7, though etcd/0, which led term 1, and a majority have been well for more than 3s",
    });
    const soon = three().at(10).fault("began", ["etcd-0"]).at(11).fault("ended", ["etcd-0"]).at(13).fact("etcd/2", leads(2));
    expect(soon.judge("raft-stable-leader", { within: "1s" }).verdict).toBe("violated");
  });

  it("proves nothing where nothing happened", () => {
    expect(three().judge("raft-stable-leader")).toMatchObject({ verdict: "violated", reached: 0 });
  });
});

describe("raft-applied-durable (etcd-io/etcd#14370)", () => {
  const persisted = (...indices: readonly number[]) => ({
    kind: "raft.persisted",
    entries: indices.map((index) => [index, 1, index * 10]),
  });
  const applied = (index: number) => ({ kind: "etcd.applied", index, revision: index, hash: 0 });

  it("holds where each entry was on the member's own disk before, or came with a snapshot", () => {
    const history = told()
      .fact("etcd/0", persisted(1, 2))
      .fact("etcd/0", applied(1))
      .fact("etcd/0", applied(2))
      .fact("etcd/1", { kind: "raft.snapshot", index: 5, term: 1, how: "installed" })
      .fact("etcd/1", applied(5));
    expect(history.judge("raft-applied-durable")).toMatchObject({ verdict: "held", reached: 3 });
  });

  it("is violated by an entry that only another member has on disk", () => {
    const history = told().fact("etcd/0", persisted(1, 2)).fact("etcd/1", persisted(1)).fact("etcd/1", applied(2));
    expect(history.judge("raft-applied-durable").detail).toBe("etcd/1 applied entry 2, and its disk holds only those up to 1");
  });

  it("is violated by an entry that was truncated, or that a crash took before it was synced", () => {
    const truncated = told()
      .fact("etcd/0", persisted(1, 2, 3))
      .fact("etcd/0", { kind: "raft.truncated", fromIndex: 2 })
      .fact("etcd/0", applied(2));
    expect(truncated.judge("raft-applied-durable").detail).toBe("etcd/0 applied entry 2, and its disk holds only those up to 1");
    const recovered = { kind: "raft.recovered", term: 1, vote: "", snapshotIndex: 0, snapshotTerm: 0, lastIndex: 2 };
    const crashed = told()
      .fact("etcd/0", persisted(1, 2, 3))
      .died("etcd/0")
      .born("etcd/0")
      .fact("etcd/0", recovered)
      .fact("etcd/0", applied(3));
    expect(crashed.judge("raft-applied-durable").detail).toBe("etcd/0 applied entry 3, and its disk holds only those up to 2");
  });

  it("proves nothing where nothing was applied", () => {
    expect(told().fact("etcd/0", persisted(1)).judge("raft-applied-durable")).toMatchObject({ verdict: "violated", reached: 0 });
  });
});

describe("etcd-availability (Raft, section 2)", () => {
  const client = address("client", "registers-0");
  const say = (history: Told, seconds: number, fact: Fact): Told => {
    history.at(seconds);
    history.events.push({ type: "fact", atUs: seconds * 1e6, actor: client, host: "client-1", fact });
    return history;
  };
  const called = (member: string, call = "a") => ({
    kind: "register.called",
    call,
    request: "read",
    key: "x",
    value: "",
    serializable: false,
    member,
  });
  const returned = (outcome: string, call = "a") => ({
    kind: "register.returned",
    call,
    outcome,
    revision: 1,
    value: null,
    changed: false,
    detail: "timeout",
  });
  const asked = (history: Told, seconds: number, member: string, outcome: string): Told =>
    say(say(history, seconds, called(member)), seconds + 1, returned(outcome));

  it("holds where a majority serves, and where who was asked is ill", () => {
    const served = asked(three().at(5).fault("began", ["etcd-2"]), 15, "etcd/0", "done");
    expect(served.judge("etcd-availability")).toMatchObject({ verdict: "held", reached: 1 });
    expect(asked(served, 20, "etcd/2", "unknown").judge("etcd-availability").verdict).toBe("held");
  });

  it("holds where a majority is ill, where trouble is young, and where it came while the answer was waited for", () => {
    const served = () => asked(three(), 8, "etcd/0", "done");
    const minority = asked(served().at(10).fault("began", ["etcd-1", "etcd-2"]), 30, "etcd/0", "unknown");
    const young = asked(served().at(29).fault("began", ["etcd-2"]), 30, "etcd/0", "unknown");
    const meanwhile = say(say(served(), 30, called("etcd/0")).at(30.5).fault("began", ["etcd-2"]), 31, returned("unknown"));
    const clients = asked(served().at(10).fault("began", ["client-1"]), 30, "etcd/0", "unknown");
    for (const history of [minority, young, meanwhile, clients]) expect(history.judge("etcd-availability").verdict).toBe("held");
  });

  it("is violated by a failure while a majority has long been well", () => {
    const history = asked(three().at(5).fault("began", ["etcd-2"]), 15, "etcd/1", "unknown");
    expect(history.judge("etcd-availability")).toMatchObject({
      verdict: "violated",
      detail: "a failed at etcd/1 (timeout), though a majority has been well, and the others as they are, for more than 5s",
    });
  });
});

describe("member-changes (etcd: learners, runtime reconfiguration)", () => {
  const asks = (change: "add" | "remove" | "promote" | "update", member: string, learner = false) => ({
    kind: "etcd.memberChange",
    change,
    member,
    learner,
  });
  const is = (index: number, voters: readonly string[], learners: readonly string[] = [], outgoing: readonly string[] = []) => ({
    kind: "raft.configuration",
    index,
    voters,
    outgoing,
    learners,
  });
  const [a, b, c] = ["etcd/0", "etcd/1", "etcd/2"];
  const history = (...facts: readonly Fact[]) =>
    [is(0, [a, b]), ...facts].reduce((all, fact) => all.fact(a, fact), told().at(1)).judge("member-changes");
  const added = [asks("add", c, true), is(5, [a, b], [c])];

  it("holds where each change was asked for, whoever tells of it and how late", () => {
    const promoted = [asks("promote", c), is(7, [a, b, c], [], [a, b]), is(8, [a, b, c]), is(5, [a, b], [c])];
    expect(history(...added, ...promoted, asks("remove", a), is(9, [b, c], [], [a, b, c]), is(10, [b, c]))).toMatchObject({
      verdict: "held",
      reached: 5,
    });
  });

  it("is violated by a voter, a learner or a loss that nobody asked for, and by a learner that leads", () => {
    expect(history(...added, asks("update", c), is(7, [a, b, c])).detail).toContain("the learner etcd/2 votes, and was not promoted");
    expect(history(is(7, [a, b, c])).detail).toContain("etcd/2 votes, and was not added as a voter");
    expect(history(is(7, [a, b], [c])).detail).toContain("etcd/2 is a learner, and was not added as one");
    expect(history(is(7, [a], [b])).detail).toContain("etcd/1 was a voter, and is a learner");
    expect(history(is(7, [a])).detail).toContain("etcd/1 is no member any more, and was not removed");
    const leads = added.reduce<Told>(
      (all, fact) => all.fact(a, fact as Fact),
      told()
        .at(1)
        .fact(a, is(0, [a, b])),
    );
    expect(leads.fact(c, { kind: "raft.leader", term: 3 }).judge("member-changes").detail).toContain("etcd/2 leads, and is a learner");
  });
});
