import type { KnownFact } from "../../../protocol/facts";
import { type Told, told } from "./told";

type Called = Extract<KnownFact, { readonly kind: "register.called" }>;
type Returned = Extract<KnownFact, { readonly kind: "register.returned" }>;
type Responded = Extract<KnownFact, { readonly kind: "watch.response" }>;
type EventFact = Responded["events"][number];

const client = "client/registers-0";

/** Histories of the registers and watches workloads, told by hand. */
class EtcdTold {
  readonly told: Told = told();

  call(call: string, request: Called["request"], more: Partial<Called> = {}): this {
    const plain = { member: "etcd/0", keys: ["r/a"], value: null, expected: null, serializable: false };
    return this.fact({ kind: "register.called", call, request, ...plain, ...more });
  }

  answer(call: string, revision: number, more: Partial<Returned> = {}): this {
    const plain = { outcome: "done", value: null, changed: false, detail: "" } as const;
    return this.fact({ kind: "register.returned", call, revision, ...plain, ...more });
  }

  /** Keys change together in one revision. */
  commit(revision: number, changes: Readonly<Record<string, string | null>>): this {
    for (const [key, value] of Object.entries(changes))
      this.told.events.push({ type: "store", atUs: 0, revision, key, deleted: value === null, value });
    return this;
  }

  open(startRevision: number, number = 1): this {
    return this.fact({ kind: "watch.opened", watch: "w", number, member: "etcd/0", prefix: "r/", startRevision });
  }

  response(revision: number, more: Partial<Responded> = {}): this {
    return this.fact({ kind: "watch.response", watch: "w", number: 1, revision, created: false, compactRevision: 0, events: [], ...more });
  }

  died(member: string): this {
    this.told.died(member);
    return this;
  }

  tell(...events: readonly EventFact[]): this {
    return this.response(events.at(-1)!.revision, { events });
  }

  fact(fact: KnownFact): this {
    this.told.fact(client, fact as never);
    return this;
  }

  judge(check: string, atUs = 0) {
    return this.told.judge(check, {}, { atUs });
  }
}

const etcd = () => new EtcdTold();
const put = (revision: number, key = "r/a", value = `v${revision}`, more: Partial<EventFact> = {}): EventFact => ({
  type: "put",
  key,
  revision,
  value,
  createRevision: 2,
  version: revision - 1,
  previousRevision: 0,
  previousValue: null,
  ...more,
});
/** Three revisions of which the second has two keys. */
const threeRevisions = () =>
  etcd().commit(2, { "r/a": "v2" }).commit(3, { "r/a": "v3", "r/b": "v3" }).commit(4, { "r/a": "v4", other: "v4" });
const all = [put(2), put(3), put(3, "r/b"), put(4)] as const;

describe("linearizability (etcd documentation, KV API guarantees)", () => {
  const written = () => etcd().call("p1", "put", { value: "v2" }).commit(2, { "r/a": "v2" }).answer("p1", 2, { changed: true });

  it("holds where reads see what was written, also by writes without an answer", () => {
    const history = written()
      .call("p2", "put", { value: "v3" })
      .answer("p2", 0, { outcome: "unknown" })
      .commit(3, { "r/a": "v3" })
      .call("g", "get")
      .answer("g", 3, { value: "v3" });
    expect(history.judge("linearizability")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by a read that is older than an answer before it", () => {
    const history = written()
      .call("p2", "put", { value: "v3" })
      .commit(3, { "r/a": "v3" })
      .answer("p2", 3, { changed: true })
      .call("g", "get")
      .answer("g", 2, { value: "v2" });
    expect(history.judge("linearizability").detail).toBe(
      "g read r/a at revision 2, and before it began somebody had been shown revision 3",
    );
  });

  it("is violated by an acknowledged write that was never committed", () => {
    const history = written().call("p2", "put", { value: "v3" }).answer("p2", 3, { changed: true });
    expect(history.judge("linearizability").detail).toContain("p2 was answered at revision 3");
  });

  it("is violated by a refused write that was committed, and by one that was committed twice", () => {
    const refused = written()
      .call("p2", "put", { value: "v3" })
      .answer("p2", 0, { outcome: "refused" })
      .commit(3, { "r/a": "v3" })
      .call("g", "get");
    expect(refused.judge("linearizability").detail).toContain("revision 3 holds v3, which nobody was writing");
    const twice = written().commit(3, { "r/a": "v2" }).call("g", "get");
    expect(twice.judge("linearizability").detail).toContain("revision 3 holds v2, which nobody was writing");
  });

  it("is violated by a swap that found what nobody had written", () => {
    const history = written().call("s", "swap", { value: "x" }).answer("s", 2, { value: "z" });
    expect(history.judge("linearizability").detail).toBe("s found z in r/a at revision 2, where it held v2");
  });
});

describe("serializable-reads (etcd documentation, KV API guarantees)", () => {
  const read = { serializable: true } as const;

  it("holds where a read is old but right", () => {
    const history = threeRevisions()
      .call("g1", "get", read)
      .answer("g1", 2, { value: "v2" })
      .call("g2", "get", read)
      .answer("g2", 4, { value: "v4" });
    expect(history.judge("serializable-reads")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by a value that the key never held at that revision", () => {
    const history = threeRevisions().call("g", "get", read).answer("g", 3, { value: "v2" });
    expect(history.judge("serializable-reads").detail).toBe("g read r/a at revision 3 from etcd/0 and saw v2, where it held v3");
  });

  it("is violated by going back on one member, and not by going from one to another", () => {
    const went = (member: string) =>
      threeRevisions()
        .call("g1", "get", read)
        .answer("g1", 4, { value: "v4" })
        .call("g2", "get", { ...read, member })
        .answer("g2", 2, { value: "v2" });
    expect(went("etcd/0").judge("serializable-reads").detail).toContain("which had shown it revision 4 before");
    expect(went("etcd/1").judge("serializable-reads").verdict).toBe("held");
  });
});

describe("the promises of the watch API (etcd documentation, Watch API guarantees)", () => {
  const watched = () => threeRevisions().open(2).response(4, { created: true });

  it("Ordered: violated by an older revision after a newer", () => {
    expect(
      watched()
        .tell(...all)
        .judge("watch-ordered"),
    ).toMatchObject({ verdict: "held", reached: 4 });
    expect(watched().tell(put(3)).tell(put(2)).judge("watch-ordered").detail).toContain("at revision 2 after revision 3");
  });

  it("Unique: violated by a change that is told again after a break", () => {
    expect(
      watched()
        .tell(...all)
        .judge("watch-unique"),
    ).toMatchObject({ verdict: "held", reached: 4 });
    expect(watched().tell(put(2)).open(2, 2).tell(put(2)).judge("watch-unique").detail).toBe("w was told twice of r/a at revision 2");
  });

  it("Reliable: violated by a change that is left out, and by one that never comes", () => {
    expect(watched().tell(put(2)).tell(put(3), put(3, "r/b"), put(4)).judge("watch-reliable")).toMatchObject({
      verdict: "held",
      reached: 3,
    });
    expect(watched().tell(put(2)).tell(put(4)).judge("watch-reliable").detail).toBe(
      "w was told of revision 4 and never of r/a at revision 3",
    );
    expect(watched().tell(put(2)).judge("watch-reliable", 60e6).detail).toBe("w was never told of r/a at revision 3");
    // Of a member that died without a word nobody hears.
    expect(watched().tell(put(2)).tell(put(3), put(3, "r/b")).died("etcd/0").judge("watch-reliable", 60e6).verdict).toBe("held");
  });

  it("Atomic: violated by a revision that is split", () => {
    expect(
      watched()
        .tell(...all)
        .judge("watch-atomic"),
    ).toMatchObject({ verdict: "held", reached: 1 });
    expect(watched().tell(put(2), put(3)).tell(put(3, "r/b"), put(4)).judge("watch-atomic").detail).toContain(
      "1 of the 2 changes of revision 3",
    );
  });

  it("Resumable: violated by a gap after a break, and by compaction that was none", () => {
    expect(
      watched()
        .tell(put(2))
        .open(3, 2)
        .tell(...all.slice(1))
        .judge("watch-resumable"),
    ).toMatchObject({ verdict: "held", reached: 2 });
    expect(watched().tell(put(2)).open(3, 2).tell(put(4)).judge("watch-resumable").detail).toContain(
      "began at revision 3 with revision 4, and r/a had changed at 3",
    );
    expect(watched().response(4, { compactRevision: 3 }).judge("watch-resumable").detail).toContain("and only 0 is");
    const compacted = () => watched().fact({ kind: "etcd.compacted", revision: 3 });
    expect(
      compacted()
        .response(4, { compactRevision: 3 })
        .open(3, 2)
        .tell(...all.slice(1))
        .judge("watch-resumable").verdict,
    ).toBe("held");
  });

  it("Bookmarkable: violated by progress ahead of events, and by events behind progress (etcd-io/etcd#15220)", () => {
    expect(
      watched()
        .tell(...all)
        .response(4)
        .judge("watch-bookmarkable"),
    ).toMatchObject({ verdict: "held", reached: 1 });
    expect(watched().tell(put(2)).response(4).judge("watch-bookmarkable").detail).toContain(
      "everything up to revision 4, and not of r/a at 3",
    );
    expect(watched().tell(put(2)).response(2).tell(put(2)).judge("watch-bookmarkable").detail).toContain(
      "all before 3 was said to be told",
    );
  });

  it("prev_kv: violated by another value, by none, and by one where there was nothing", () => {
    const before = { previousRevision: 2, previousValue: "v2" };
    expect(
      watched()
        .tell(put(2), put(3, "r/a", "v3", before))
        .judge("watch-previous-value"),
    ).toMatchObject({ verdict: "held", reached: 2 });
    expect(watched().tell(put(3)).judge("watch-previous-value").detail).toContain("comes without v2 of revision 2");
    expect(watched().fact({ kind: "etcd.compacted", revision: 3 }).tell(put(3)).judge("watch-previous-value").verdict).toBe("held");
    expect(
      watched()
        .tell(put(4, "r/a", "v4", before))
        .judge("watch-previous-value").detail,
    ).toContain("it held v3 of revision 3");
    expect(
      watched()
        .tell(put(3, "r/b", "v3", before))
        .judge("watch-previous-value").detail,
    ).toContain("and there was nothing");
    expect(
      watched()
        .tell(put(2, "r/a", "else"))
        .judge("watch-previous-value").detail,
    ).toContain("holds v2, not else");
  });

  it("isCreate: violated by a change that comes as new, by a new key that comes as a change, and by another count", () => {
    const judged = (...events: readonly EventFact[]) => {
      const history = etcd().commit(2, { "r/a": "v2" }).commit(3, { "r/a": "v3" }).commit(4, { "r/a": null }).commit(5, { "r/a": "v5" });
      return history
        .open(1)
        .tell(...events)
        .judge("watch-is-create");
    };
    const again = put(5, "r/a", "v5", { createRevision: 5, version: 1 });
    expect(judged(put(2), put(3), again)).toMatchObject({ verdict: "held", reached: 3 });
    const asNew = put(3, "r/a", "v3", { createRevision: 3, version: 1 });
    expect(judged(put(2), asNew).detail).toContain("comes as version 1 of what was made at 3, and is version 2 of what was made at 2");
    expect(judged(put(2), put(5)).verdict).toBe("violated");
    expect(judged(put(3, "r/a", "v3", { version: 3 })).verdict).toBe("violated");
  });

  it("filter: violated by a key outside the range, and by a revision before the first", () => {
    expect(
      watched()
        .tell(...all)
        .judge("watch-filter"),
    ).toMatchObject({ verdict: "held", reached: 4 });
    expect(watched().tell(put(4, "other")).judge("watch-filter").detail).toBe("w watches r/ and was told of other");
    expect(threeRevisions().open(0).response(3, { created: true }).tell(put(3)).judge("watch-filter").detail).toContain(
      "begins at revision 4",
    );
  });
});
