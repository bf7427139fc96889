import type { KnownFact } from "../../../protocol/facts";
import { type Transaction, wrongWithLists } from "../../../scenarios/checks/txn/list-graph";
import type { HistoryEvent } from "../../../scenarios/history";
import { runScenario } from "../../../scenarios/run";
import { tinyCluster, tinyInput } from "../tiny";
import { type Told, told } from "./told";

type Called = Extract<KnownFact, { readonly kind: "txn.called" }>;

/** Calls of one workload, told by hand. */
class TxnTold {
  readonly told: Told = told();
  private revision = 1;

  constructor(private readonly workload: Called["workload"]) {}

  call(call: string, action: Called["action"], value = "", ...keys: readonly string[]): this {
    return this.fact({
      kind: "txn.called",
      call,
      workload: this.workload,
      action,
      member: "etcd/0",
      keys: keys.length > 0 ? keys : ["k"],
      value,
    });
  }

  answer(call: string, ...seen: readonly (string | null)[]): this {
    return this.fact({ kind: "txn.returned", call, outcome: "done", revision: this.revision, seen, detail: "" });
  }

  fail(call: string, outcome: "refused" | "unknown"): this {
    return this.fact({ kind: "txn.returned", call, outcome, revision: 0, seen: [], detail: "" });
  }

  commit(changes: Readonly<Record<string, string>>): this {
    this.revision++;
    for (const [key, value] of Object.entries(changes))
      this.told.events.push({ type: "store", atUs: 0, revision: this.revision, key, deleted: false, value });
    return this;
  }

  judge(check: string) {
    return this.told.judge(check);
  }

  private fact(fact: KnownFact): this {
    this.told.fact("client/x", fact as never);
    return this;
  }
}

describe("set-full (Jepsen)", () => {
  const added = () => new TxnTold("sets").call("a", "add", "1").answer("a").call("b", "add", "2").fail("b", "unknown");

  it("holds where all that was acknowledged is read, and what was unknown may be", () => {
    expect(added().call("r", "read").answer("r", "1").call("s", "read").answer("s", "1", "2").judge("set-full")).toMatchObject({
      verdict: "held",
      reached: 2,
    });
  });

  it("does not ask of a read what was acknowledged after it began", () => {
    const early = new TxnTold("sets").call("r", "read").call("a", "add", "1").answer("a").answer("r");
    expect(early.call("s", "read").answer("s", "1").judge("set-full").verdict).toBe("held");
  });

  it("is violated by an element that is lost, one that vanishes again, and one that nobody added", () => {
    expect(added().call("r", "read").answer("r").judge("set-full").detail).toBe(
      "r did not read 1, which had been acknowledged or read before it began",
    );
    expect(added().call("r", "read").answer("r", "1", "2").call("s", "read").answer("s", "1").judge("set-full").detail).toMatch(
      /did not read 2/,
    );
    expect(added().call("r", "read").answer("r", "1", "9").judge("set-full").detail).toBe("r read 9, which nobody had added");
  });
});

describe("counter-bounds (Jepsen)", () => {
  const counted = () => new TxnTold("counters").call("a", "increment").commit({ k: "1" }).answer("a", null);

  it("holds for reads between what was acknowledged and what was asked for", () => {
    const history = counted().call("b", "increment").fail("b", "unknown").call("r", "read").answer("r", "1").commit({ k: "2" });
    expect(history.call("s", "read").answer("s", "2").judge("counter-bounds")).toMatchObject({ verdict: "held", reached: 3 });
  });

  it("is violated by a read of too little, of too much, and by an end that lost one", () => {
    expect(counted().call("r", "read").answer("r", null).judge("counter-bounds").detail).toBe(
      "r read 0 from k, and 1 increments had been acknowledged before",
    );
    expect(counted().call("r", "read").answer("r", "2").judge("counter-bounds").detail).toBe(
      "r read 2 from k, and only 1 increments can have happened",
    );
    const refused = counted().call("b", "increment").fail("b", "refused").call("r", "read").answer("r", "2");
    expect(refused.judge("counter-bounds").verdict).toBe("violated");
    expect(counted().call("b", "increment").answer("b", "1").judge("counter-bounds").detail).toBe(
      "k ended at 1, and between 2 and 2 increments happened",
    );
  });
});

describe("bank-total (Jepsen)", () => {
  const opened = () => new TxnTold("bank").call("r", "read", "", "a", "b").answer("r", "100", "100");

  it("holds where money only moves", () => {
    const history = opened().call("t", "transfer", "30", "a", "b").commit({ a: "70", b: "130" }).answer("t", "100", "100");
    expect(history.call("s", "read", "", "a", "b").answer("s", "70", "130").judge("bank-total")).toMatchObject({
      verdict: "held",
      reached: 2,
    });
  });

  it("is violated by a read that is torn, by half a transfer, and by a debt", () => {
    expect(opened().call("s", "read", "", "a", "b").answer("s", "70", "100").judge("bank-total").detail).toBe(
      "s read accounts that come to 170 at revision 1, and the total is 200",
    );
    expect(opened().commit({ a: "70" }).judge("bank-total").detail).toBe("revision 2 changed the total of all accounts by -30");
    expect(opened().call("s", "read", "", "a", "b").answer("s", "-10", "210").judge("bank-total").detail).toMatch(/below zero/);
  });
});

describe("list-append (Elle)", () => {
  let moment = 0;
  const at = () => ++moment;
  /** One after the other in real time, unless told. */
  const txn = (call: string, appended: string, reads: Readonly<Record<string, string>>, more: Partial<Transaction> = {}): Transaction => ({
    call,
    acknowledged: true,
    appended,
    reads: Object.entries(reads).map(([key, elements]) => ({ key, elements: elements === "" ? [] : elements.split(" ") })),
    calledAt: at(),
    returnedAt: at(),
    ...more,
  });
  const judge = (transactions: readonly Transaction[], ends: Readonly<Record<string, string>>, refused: readonly string[] = []) =>
    wrongWithLists(transactions, new Map(Object.entries(ends).map(([key, elements]) => [key, elements.split(" ")])), new Set(refused))
      ?.text;
  const together = { calledAt: 0, returnedAt: 1_000 };

  it("holds for what happened one after the other", () => {
    expect(judge([txn("a", "1", { x: "" }), txn("b", "2", { x: "1", y: "" }), txn("r", "", { x: "1 2" })], { x: "1 2" })).toBeUndefined();
  });

  it("holds for one whose outcome is unknown, whether it happened or not", () => {
    const unknown = { acknowledged: false, reads: [], returnedAt: Number.POSITIVE_INFINITY } as const;
    expect(judge([txn("a", "1", {}, unknown), txn("b", "2", { x: "" })], { x: "2" })).toBeUndefined();
    expect(judge([txn("a", "1", {}, unknown), txn("b", "2", { x: "1" })], { x: "1 2" })).toBeUndefined();
  });

  it("is violated by an element that is there twice, was refused, is lost, or stood elsewhere", () => {
    expect(judge([txn("a", "1", { x: "" })], { x: "1 1" })).toBe("x holds 1 twice");
    expect(judge([], { x: "1" }, ["1"])).toBe("x holds 1, which was refused");
    expect(judge([txn("a", "1", { x: "" })], {})).toBe("a was acknowledged, and 1 is in none of its lists");
    const lost = [txn("a", "1", { x: "" }), txn("b", "2", { x: "1" }), txn("r", "", { x: "2" })];
    expect(judge(lost, { x: "1 2" })).toBe("r read 2 at place 0 of x, where 1 is in the end");
  });

  it("is violated by a read that is older than an answer before it: a cycle with real time", () => {
    for (const between of [[], [txn("m", "", { y: "" })]])
      expect(judge([txn("a", "1", { x: "" }), ...between, txn("r", "", { x: "" })], { x: "1" })).toBe(
        "no order explains these (G-single-realtime): a: it had been answered before the call of r: it read x without what was appended by a",
      );
  });

  it("is violated by write skew: each read without what the other wrote", () => {
    const skew = [txn("a", "1", { x: "", y: "" }, together), txn("b", "2", { y: "", x: "" }, together)];
    expect(judge(skew, { x: "1", y: "2" })).toBe(
      "no order explains these (G2): a: it read y without what was appended by b: it read x without what was appended by a",
    );
  });

  it("is violated by two readers who saw two writes in different orders (long fork)", () => {
    const fork = [
      txn("a", "1", { x: "" }, together),
      txn("b", "2", { y: "" }, together),
      txn("r", "", { x: "1", y: "" }, together),
      txn("s", "", { x: "", y: "2" }, together),
    ];
    expect(judge(fork, { x: "1", y: "2" })).toMatch(/no order explains these \(G2\)/);
  });

  it("explains a cycle: the shortest one, what each transaction did, and why it comes before the next", () => {
    // a → b → c → a in what was read and written; d, e and f only make longer ways.
    const cycle = [
      txn("a", "1", { x: "", y: "3" }, together),
      txn("b", "2", { x: "1" }, together),
      txn("c", "3", { x: "1 2", y: "" }, together),
      txn("d", "4", { x: "1 2" }, together),
      txn("e", "5", { x: "1 2 4" }, together),
    ];
    const lists = new Map([
      ["x", "1 2 4 5".split(" ")],
      ["y", ["3"]],
    ]);
    expect(wrongWithLists(cycle, lists, new Set())?.cycle).toEqual({
      name: "G1c",
      steps: [
        { call: "a", did: "read x: nothing; read y: 3; appended 1", kind: "ww", why: "its element of x stands before" },
        { call: "b", did: "read x: 1; appended 2", kind: "wr", why: "what it appended to x was read by" },
        { call: "c", did: "read x: 1 2; read y: nothing; appended 3", kind: "wr", why: "what it appended to y was read by" },
      ],
    });
  });

  it("is put to the test by a workload whose transactions are over several lists, however few there are", () => {
    const keys = new Set<string>();
    const onEvent = (event: HistoryEvent) => {
      if (event.type === "fact" && event.fact.kind === "txn.called") keys.add((event.fact.keys as readonly string[]).join(" "));
    };
    const load = "load: [{ workload: lists, requestsPerSecond: 20, processes: 2, lists: 2 }]\nstormFor: 2s\nexpect: [list-append]\n";
    expect(runScenario({ ...tinyInput(`${tinyCluster}${load}`), onEvent }).verdict).toBe("held");
    expect([...keys].sort()).toEqual(["lists/0", "lists/0 lists/1", "lists/1", "lists/1 lists/0"]);
  });

  it("reads its transactions off the history", () => {
    const history = new TxnTold("lists").call("a", "append", "1", "x").commit({ x: "1" }).answer("a", null).call("r", "read", "", "x");
    expect(history.answer("r", "1").judge("list-append")).toMatchObject({ verdict: "held", reached: 2 });
    const stale = new TxnTold("lists").call("a", "append", "1", "x").commit({ x: "1" }).answer("a", null).call("r", "read", "", "x");
    expect(stale.answer("r", null).judge("list-append").verdict).toBe("violated");
    const gone = new TxnTold("lists").call("a", "append", "1", "x").fail("a", "refused").call("r", "read", "", "x").answer("r", null);
    expect(gone.commit({ x: "1" }).judge("list-append").detail).toBe("x holds 1, which was refused");
  });
});

describe("lock-exclusion (leases and fences)", () => {
  const held = (holder: string, fence: number, nowSeconds: number, untilSeconds: number) => ({
    kind: "lock.held",
    lock: "locks/",
    holder,
    fence,
    nowUs: nowSeconds * 1e6,
    untilUs: untilSeconds * 1e6,
  });
  const released = (holder: string) => ({ kind: "lock.released", lock: "locks/", holder, why: "done" });
  const first = () =>
    told()
      .fact("client/x", held("a", 5, 10, 13))
      .fact("client/x", held("a", 5, 11, 14));
  const wrote = (history: Told, revision: number, fence: number): Told => {
    history.events.push({ type: "store", atUs: 0, revision, key: "locks/guarded", deleted: false, value: String(fence) });
    return history;
  };

  it("holds where the next comes after a release, or after the lease may be over", () => {
    expect(
      first()
        .fact("client/x", released("a"))
        .fact("client/x", held("b", 7, 12, 15))
        .judge("lock-exclusion"),
    ).toMatchObject({
      verdict: "held",
      reached: 2,
    });
    expect(
      first()
        .fact("client/x", held("b", 7, 14, 17))
        .judge("lock-exclusion").verdict,
    ).toBe("held");
  });

  it("is violated by a second holder while the first may count on its renewed lease", () => {
    expect(
      first()
        .fact("client/x", held("b", 7, 13.5, 16))
        .judge("lock-exclusion").detail,
    ).toBe("b holds locks/, while a may count on its lease for another 0.5 s");
  });

  it("is violated by a fence that is not higher, and by a write that passes a later one", () => {
    expect(
      first()
        .fact("client/x", released("a"))
        .fact("client/x", held("b", 5, 20, 23))
        .judge("lock-exclusion").detail,
    ).toBe("b holds locks/ with fence 5, and one before it had 5");
    expect(wrote(wrote(first(), 8, 7), 9, 5).judge("lock-exclusion").detail).toBe("locks/guarded was written with fence 5 after 7");
  });
});

describe("election-safety (terms, leases and who is told)", () => {
  const leads = (leader: string, term: number, nowSeconds: number, untilSeconds: number) => ({
    ...{ kind: "election.leads", election: "e/", leader, term },
    nowUs: nowSeconds * 1e6,
    untilUs: untilSeconds * 1e6,
  });
  const ended = (leader: string) => ({ kind: "election.ended", election: "e/", leader, why: "done" });
  const asked = (call: string) => ({ kind: "election.asked", election: "e/", call });
  const seen = (call: string, leader: string, term: number) => ({ kind: "election.seen", election: "e/", call, leader, term });
  const history = (...facts: readonly { readonly kind: string }[]) => {
    const history = told();
    for (const fact of facts) history.fact("client/x", fact);
    return history;
  };

  it("holds where a leader comes after the other's end, and an old answer to an old question comes late", () => {
    const facts = [leads("a", 5, 10, 13), asked("1"), ended("a"), leads("b", 8, 12, 15), asked("2"), seen("1", "a", 5), seen("2", "b", 8)];
    expect(history(...facts).judge("election-safety")).toMatchObject({ verdict: "held", reached: 2 });
    expect(history(leads("a", 5, 10, 13), asked("1"), seen("1", "", 0)).judge("election-safety").verdict).toBe("held");
  });

  it.each([
    [
      "a second leader within the lease",
      [leads("a", 5, 10, 13), leads("b", 8, 12, 15)],
      "b leads e/, while a may count on its lease for another 1.0 s",
    ],
    [
      "a term that does not rise",
      [leads("a", 5, 10, 13), ended("a"), leads("b", 4, 20, 23)],
      "b leads e/ with term 4, and one before it had 5",
    ],
    ["a term with two leaders", [leads("a", 5, 10, 13), asked("1"), seen("1", "b", 5)], "term 5 of e/ has two leaders, a and b"],
    [
      "an answer that takes back",
      [asked("0"), seen("0", "b", 8), asked("1"), seen("1", "a", 5)],
      "1 was told that a leads e/ in term 5, after term 8 had been seen",
    ],
  ])("is violated by %s", (_, facts, detail) => {
    expect(history(...facts).judge("election-safety")).toMatchObject({ verdict: "violated", detail });
  });

  it("is violated by a proclamation of an older term after one of a newer", () => {
    const one = history(leads("a", 5, 10, 13));
    const proclaimed = (revision: number, term: number) =>
      one.events.push({ type: "store", atUs: 0, revision, key: "e/proclaimed", deleted: false, value: String(term) });
    proclaimed(9, 8);
    expect(one.judge("election-safety").verdict).toBe("held");
    proclaimed(10, 5);
    expect(one.judge("election-safety").detail).toBe("e/proclaimed was written with term 5 after 8");
  });
});

describe("lease-life (grants, renewals, leaders)", () => {
  type Asked = Extract<KnownFact, { readonly kind: "lease.called" }>["action"];
  const called = (call: string, action: Asked, lease = 7, key = "") => ({ kind: "lease.called", call, action, lease, key });
  const answered = (call: string, ttlSeconds = 10, outcome = "done") => ({
    kind: "lease.returned",
    call,
    outcome,
    lease: 7,
    ttlSeconds,
    detail: "",
  });
  const store = (history: Told, revision: number, key: string, deleted = false): Told => {
    const atUs = history.events.at(-1)!.atUs;
    history.events.push({ type: "store", atUs, revision, key, deleted, value: deleted ? null : "x" });
    return history;
  };
  /** Lease 7, of ten seconds, granted at second 1 by the leader of term 1, with two keys. */
  const granted = () => {
    const history = told()
      .at(1)
      .fact("etcd/0", { kind: "raft.leader", term: 1 })
      .fact("client/x", called("g", "grant", 0))
      .fact("client/x", answered("g"));
    for (const [i, key] of ["a", "b"].entries()) store(history.fact("client/x", called(key, "put", 7, key)), 2 + i, key);
    return history;
  };
  const commits = (history: Told, ...seconds: readonly number[]) => {
    for (const second of seconds) history.at(second).fact("etcd/0", { kind: "raft.committed", entries: [] });
    return history;
  };
  const ends = (history: Told, second: number) =>
    store(store(history.at(second).fact("etcd/0", { kind: "x" }), 9, "a", true), 9, "b", true);
  const judge = (history: Told) => history.judge("lease-life", { checkpointInterval: "1s" });

  it("holds where it ends at its time, or earlier because it was revoked, or later because it was renewed", () => {
    expect(judge(ends(granted(), 11.1))).toMatchObject({ verdict: "held", reached: 1 });
    expect(judge(ends(granted().at(3).fact("client/x", called("r", "revoke")), 3.1)).verdict).toBe("held");
    const renewed = granted().at(8).fact("client/x", called("k", "keepAlive")).fact("client/x", answered("k"));
    expect(judge(ends(commits(renewed, 12, 17), 18.1)).verdict).toBe("held");
  });

  it("is violated where it ends early, part by part, or is used after its end", () => {
    expect(judge(ends(granted(), 9)).detail).toContain("ended 2.0 s before its time");
    const renewed = granted().at(8).fact("client/x", called("k", "keepAlive")).fact("client/x", answered("k"));
    expect(judge(ends(renewed, 12)).detail).toContain("ended 6.0 s before its time");
    const part = store(granted().at(12).fact("etcd/0", { kind: "x" }), 9, "a", true);
    expect(judge(part).detail).toContain("b stayed");
    expect(judge(store(part, 10, "b", true)).detail).toContain("ended at revisions 9 and 10");
    const after = ends(granted(), 12).fact("client/x", called("p", "put", 7, "c"));
    expect(judge(store(after, 10, "c")).detail).toContain("c was put under lease 7 at revision 10, which had ended at 9");
  });

  it("is violated where it goes on, or is said to, long after its time; a new leader may cost it an interval and the time without one", () => {
    expect(judge(commits(granted(), 5, 10, 13.5)).detail).not.toContain("should have ended");
    expect(judge(commits(granted(), 5, 10, 15)).detail).toContain("lease 7 should have ended");
    const anew = () => commits(granted(), 4).at(6).fact("etcd/1", { kind: "raft.leader", term: 2 });
    expect(judge(commits(anew(), 18.5)).detail).not.toContain("should have ended");
    expect(judge(commits(anew(), 25)).detail).toContain("lease 7 should have ended");
    // What is overdue when the leader's host wakes up has its grace yet.
    const frozen = () => granted().at(10).fault("began", ["etcd-0"], "pause").at(20).fault("ended", ["etcd-0"], "pause");
    expect(judge(commits(frozen(), 22)).detail).not.toContain("should have ended");
    expect(judge(commits(frozen(), 24)).detail).toContain("lease 7 should have ended 13.0 s ago");
    const said = (seconds: number) => anew().fact("client/x", called("t", "timeToLive")).fact("client/x", answered("t", seconds));
    expect(judge(said(10)).verdict).toBe("held");
    expect(judge(said(15)).detail).toContain("lease 7 was said to have 15 s left");
  });
});
