import { type Told, told } from "./told";

type Run = readonly [first: number, last: number, term: number];

/** Steps of three members of etcd, told by hand. */
class RaftTold {
  readonly told: Told = told();

  constructor() {
    for (const member of [0, 1, 2]) {
      this.fact(member, { kind: "raft.configuration", index: 0, voters: ["etcd/0", "etcd/1", "etcd/2"], outgoing: [], learners: [] });
      this.recovered(member, 0);
    }
  }

  fact(member: number, fact: { readonly kind: string; readonly [field: string]: unknown }): this {
    this.told.fact(`etcd/${member}`, fact);
    return this;
  }

  recovered(member: number, lastIndex: number, term = 0, vote = ""): this {
    return this.fact(member, { kind: "raft.recovered", term, vote, snapshotIndex: 0, snapshotTerm: 0, lastIndex });
  }

  role(member: number, role: string, term: number): this {
    return this.fact(member, { kind: "raft.role", role, term });
  }

  appended(member: number, ...runs: readonly Run[]): this {
    return this.fact(member, { kind: "raft.appended", runs });
  }

  persisted(member: number, ...runs: readonly Run[]): this {
    const entries = runs.flatMap(([first, last, term]) =>
      Array.from({ length: last - first + 1 }, (_, i) => [first + i, term, 100 * (first + i) + term]),
    );
    return this.fact(member, { kind: "raft.persisted", entries });
  }

  /** In memory and on disk. */
  stored(member: number, ...runs: readonly Run[]): this {
    return this.appended(member, ...runs).persisted(member, ...runs);
  }

  committed(member: number, index: number, term: number): this {
    return this.fact(member, { kind: "raft.committed", entries: [[index, term, 100 * index + term]] });
  }

  died(member: number): this {
    this.told.died(`etcd/${member}`);
    return this;
  }

  detail(check: string): string {
    return this.told.judge(check).detail;
  }

  verdict(check: string): string {
    return this.told.judge(check).verdict;
  }
}

const three = () => new RaftTold();
/** etcd/0 leads term 1 and committed an entry with etcd/1. */
const led = () => three().stored(0, [1, 1, 1]).role(0, "leader", 1).stored(1, [1, 1, 1]).committed(0, 1, 1);

const all = [
  "raft-log-inv",
  "raft-more-than-one-leader",
  "raft-election-safety-inv",
  "raft-quorum-log",
  "raft-more-up-to-date-correct",
  "raft-leader-completeness",
  "raft-committed-is-durable",
  "raft-invariants",
];

describe("the invariants of etcd's Raft (etcd-io/raft, tla/etcdraft.tla)", () => {
  it.each(all)("%s holds where a leader goes, another comes, and a follower's surplus is replaced", (check) => {
    const history = led()
      .stored(2, [1, 1, 1])
      .stored(0, [2, 3, 1])
      .died(0)
      .stored(1, [2, 2, 2])
      .role(1, "leader", 2)
      .stored(2, [2, 2, 2])
      .committed(1, 2, 2)
      .recovered(0, 3, 1)
      .persisted(0, [1, 3, 1])
      .role(0, "follower", 2)
      .fact(0, { kind: "raft.truncated", fromIndex: 2 })
      .stored(0, [2, 2, 2]);
    expect(history.told.judge(check)).toMatchObject({ verdict: "held", reached: 2 });
  });

  it.each(all)("%s proves nothing where nothing was committed", (check) => {
    expect(three().told.judge(check)).toMatchObject({ verdict: "violated", reached: 0 });
  });

  it("LogInv: violated by two entries committed at one index", () => {
    expect(led().stored(2, [1, 1, 2]).committed(2, 1, 2).detail("raft-log-inv")).toBe(
      "etcd/2 holds entry 1 of term 2 for committed, and another member the one of term 1",
    );
  });

  it("MoreThanOneLeaderInv: violated by two leaders of a term at a time, not one after the other", () => {
    expect(led().role(1, "leader", 1).detail("raft-more-than-one-leader")).toBe("etcd/0 and etcd/1 both lead in term 1");
    expect(led().role(0, "follower", 1).role(1, "leader", 1).verdict("raft-more-than-one-leader")).toBe("held");
    expect(led().died(0).role(1, "leader", 1).verdict("raft-more-than-one-leader")).toBe("held");
  });

  it("ElectionSafetyInv: violated by an entry of a term that its leader does not have", () => {
    expect(led().appended(1, [2, 2, 1]).detail("raft-election-safety-inv")).toBe(
      "etcd/1 has entry 2 of term 1, and etcd/0, which leads it, only 1",
    );
    expect(led().appended(0, [2, 2, 1]).appended(1, [2, 2, 1]).verdict("raft-election-safety-inv")).toBe("held");
  });

  it("QuorumLogInv: violated by a commitment that only its leader has, and by a truncation that takes it away", () => {
    expect(three().stored(0, [1, 1, 1]).committed(0, 1, 1).detail("raft-quorum-log")).toBe(
      "etcd/1 and etcd/2 are a quorum, and none of them has all committed entries up to 1",
    );
    expect(led().fact(1, { kind: "raft.truncated", fromIndex: 1 }).verdict("raft-quorum-log")).toBe("violated");
    const joint = {
      kind: "raft.configuration",
      index: 1,
      voters: ["etcd/3", "etcd/4"],
      outgoing: ["etcd/0", "etcd/1", "etcd/2"],
      learners: [],
    };
    expect(led().fact(0, joint).verdict("raft-quorum-log")).toBe("held");
    expect(
      led()
        .fact(0, { ...joint, outgoing: [] })
        .verdict("raft-quorum-log"),
    ).toBe("violated");
  });

  it("MoreUpToDateCorrectInv: violated by a longer log that lacks what is committed", () => {
    const history = led().fact(1, { kind: "raft.committed", entries: [[1, 1, 101]] });
    expect(history.appended(2, [1, 2, 3]).detail("raft-more-up-to-date-correct")).toBe(
      "the log of etcd/2 ends with entry 2 of term 3, so etcd/0 would vote for it, but it lacks entry 1, and etcd/0 knows that it is committed",
    );
  });

  it("LeaderCompletenessInv: violated by a later leader without it, also where the commitment becomes known afterwards (figure 8)", () => {
    expect(led().role(2, "leader", 2).detail("raft-leader-completeness")).toBe(
      "etcd/2 leads term 2 without entry 1 of term 1, which is committed",
    );
    const late = three().stored(0, [1, 1, 1]).stored(1, [1, 1, 1]).stored(2, [1, 1, 3]).role(2, "leader", 3);
    expect(late.committed(0, 1, 1).verdict("raft-leader-completeness")).toBe("violated");
  });

  it("CommittedIsDurableInv: violated by an answer that did not wait for the disk, and by a disk that lost what it had", () => {
    const early = three().stored(0, [1, 1, 1]).appended(1, [1, 1, 1]).committed(0, 1, 1);
    expect(early.verdict("raft-quorum-log")).toBe("held");
    expect(early.detail("raft-committed-is-durable")).toBe(
      "entry 1 is committed, and a quorum does not have it on disk: etcd/1 up to 0, etcd/2 up to 0",
    );
    expect(led().died(1).recovered(1, 0, 1).verdict("raft-committed-is-durable")).toBe("violated");
    expect(led().died(1).recovered(1, 1, 1).persisted(1, [1, 1, 1]).verdict("raft-committed-is-durable")).toBe("held");
  });

  it("knows what a snapshot stands for", () => {
    const history = led().stored(0, [2, 9, 1]).stored(1, [2, 9, 1]);
    for (let index = 2; index <= 9; index++) history.committed(0, index, 1);
    history
      .fact(2, { kind: "raft.snapshot", index: 9, term: 1, how: "received" })
      .fact(2, { kind: "raft.snapshot", index: 9, term: 1, how: "installed" });
    expect(history.died(1).recovered(1, 0, 1).role(2, "leader", 2).verdict("raft-invariants")).toBe("held");
  });
});

describe("raft-vote-durable (Raft, figure 2 and section 5.2)", () => {
  const voted = (term: number, candidate: number) => ({ kind: "raft.voted", term, candidate: `etcd/${candidate}` });
  const granted = (term: number, candidate: number) => ({ kind: "raft.granted", term, candidate: `etcd/${candidate}` });

  it("holds for a vote on disk, given twice to the same candidate", () => {
    const history = three().fact(1, voted(2, 0)).fact(1, granted(2, 0)).died(1).recovered(1, 0, 2, "etcd/0").fact(1, granted(2, 0));
    expect(history.told.judge("raft-vote-durable")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by a vote that is not on disk yet", () => {
    expect(three().fact(1, granted(2, 0)).fact(1, voted(2, 0)).detail("raft-vote-durable")).toBe(
      "etcd/1 in term 2 said yes to etcd/0 before that was on its disk",
    );
  });

  it("is violated by a second vote in a term", () => {
    const history = three().fact(1, voted(2, 0)).fact(1, granted(2, 0)).fact(1, voted(2, 2)).fact(1, granted(2, 2));
    expect(history.detail("raft-vote-durable")).toBe("etcd/1 in term 2 said yes to etcd/0 and to etcd/2");
  });

  it("is violated by a vote that a crash has taken away, before it is given again", () => {
    expect(three().fact(1, voted(2, 0)).died(1).recovered(1, 0, 2).detail("raft-vote-durable")).toBe(
      "etcd/1 had voted for etcd/0 in term 2 and begins its next life with a vote for nobody",
    );
  });

  it("holds where the disk has kept a vote that the life before was not told of", () => {
    const history = three().recovered(1, 0, 2).died(1).recovered(1, 0, 2, "etcd/0").fact(1, granted(2, 0));
    expect(history.verdict("raft-vote-durable")).toBe("held");
  });

  it("is violated by a term that goes back", () => {
    expect(three().fact(1, voted(2, 0)).died(1).recovered(1, 0, 1).detail("raft-vote-durable")).toBe(
      "etcd/1 had voted in term 2 and begins its next life in term 1",
    );
  });
});
