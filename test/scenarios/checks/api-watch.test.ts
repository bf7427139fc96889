import type { KnownFact } from "../../../protocol/facts";
import { pod, type Told, told } from "./told";

type EventFact = Extract<KnownFact, { readonly kind: "api-watch.event" }>;

/** A watcher of pods, told by hand. Revisions are counted by the told objects: 2, 3, 4, … */
class Watched {
  readonly told: Told = told()
    .object(pod("a"))
    .object(pod("b"))
    .object(pod("a", { ready: false }))
    .gone("Pod shop/b");

  list(resourceVersion: number, objects: Readonly<Record<string, number>>): this {
    const entries = Object.entries(objects).map(([name, revision]) => [`shop/${name}`, revision] as const);
    return this.fact({ kind: "api-watch.listed", watch: "w", of: "Pod", namespace: "", resourceVersion, objects: entries });
  }

  open(resourceVersion: number, number = 1): this {
    return this.fact({ kind: "api-watch.opened", watch: "w", number, server: "apiserver/0", of: "Pod", namespace: "", resourceVersion });
  }

  close(): this {
    return this.fact({ kind: "api-watch.closed", watch: "w", number: 1, gone: false, detail: "" });
  }

  event(type: string, name: string, resourceVersion: number): this {
    const fact: EventFact = {
      kind: "api-watch.event",
      watch: "w",
      number: 1,
      type,
      object: name === "" ? "" : `shop/${name}`,
      resourceVersion,
    };
    return this.fact(fact);
  }

  judge(check: string, atUs = 0) {
    return this.told.judge(check, {}, { atUs });
  }

  private fact(fact: KnownFact): this {
    this.told.fact("client/w", fact as never);
    return this;
  }
}

const watched = () => new Watched();
const all = () => watched().open(1).event("ADDED", "a", 2).event("ADDED", "b", 3).event("MODIFIED", "a", 4).event("DELETED", "b", 5);

describe("watches of the Kubernetes API (API concepts, Efficient detection of changes)", () => {
  it("api-watch-ordered: violated by an event that is told twice, or after a later one", () => {
    expect(all().event("BOOKMARK", "", 5).judge("api-watch-ordered")).toMatchObject({ verdict: "held", reached: 5 });
    expect(watched().open(1).event("ADDED", "b", 3).event("ADDED", "a", 2).judge("api-watch-ordered").detail).toBe(
      "w was told ADDED shop/a at 2, after 3",
    );
    expect(all().event("DELETED", "b", 5).judge("api-watch-ordered").verdict).toBe("violated");
  });

  it("api-watch-complete: violated by a gap, on one stream and over a break", () => {
    expect(all().judge("api-watch-complete", 60e6)).toMatchObject({ verdict: "held", reached: 4 });
    expect(watched().open(1).event("ADDED", "a", 2).event("MODIFIED", "a", 4).judge("api-watch-complete").detail).toBe(
      "w was told of shop/a at 4 and never of ADDED shop/b at 3",
    );
    const broken = watched().open(1).event("ADDED", "a", 2).close().open(2, 2).event("MODIFIED", "a", 4);
    expect(broken.judge("api-watch-complete").verdict).toBe("violated");
  });

  it("api-watch-complete: violated by a change that never comes, one of another type, and one that was none", () => {
    expect(watched().open(1).event("ADDED", "a", 2).judge("api-watch-complete", 60e6).detail).toBe("w was never told ADDED shop/b at 3");
    expect(watched().open(1).event("MODIFIED", "a", 2).judge("api-watch-complete").detail).toBe(
      "w was told MODIFIED shop/a at 2, and it was ADDED shop/a",
    );
    expect(all().event("MODIFIED", "a", 9).judge("api-watch-complete").detail).toBe(
      "w was told MODIFIED shop/a at 9, where nothing changed",
    );
  });

  it("api-watch-complete: violated by a list that is not what there was", () => {
    expect(watched().list(3, { a: 2, b: 3 }).open(3).event("MODIFIED", "a", 4).judge("api-watch-complete").verdict).toBe("held");
    expect(watched().list(4, { a: 2, b: 3 }).judge("api-watch-complete").detail).toBe("w listed shop/a as of 2 at 4, where it is of 4");
    expect(watched().list(3, { a: 2 }).judge("api-watch-complete").detail).toBe("w listed shop/b not at all at 3, where it is of 3");
    expect(watched().list(5, { a: 4, b: 3 }).judge("api-watch-complete").detail).toBe("w listed shop/b at 5, where there is none");
  });

  it("api-watch-bookmarks: violated by one ahead of events, and by events behind one", () => {
    expect(all().event("BOOKMARK", "", 5).judge("api-watch-bookmarks")).toMatchObject({ verdict: "held", reached: 1 });
    expect(watched().open(1).event("ADDED", "a", 2).event("BOOKMARK", "", 4).judge("api-watch-bookmarks").detail).toBe(
      "w was told that it has all up to 4, and never of shop/b at 3",
    );
    expect(all().event("BOOKMARK", "", 9).event("MODIFIED", "a", 8).judge("api-watch-bookmarks").detail).toBe(
      "w was told of shop/a at 8, and all up to 9 was said to be told",
    );
  });

  it("api-watch-prompt: violated by a change that is long under way while one member of etcd is in trouble, and never when more is", () => {
    const late = (hosts: readonly string[]) => {
      const watch = watched().open(1).event("ADDED", "a", 2);
      watch.told.fault("began", hosts).at(20).rest().at(51).rest();
      return watch.judge("api-watch-prompt");
    };
    expect(late(["etcd-1"]).detail).toBe(
      "w has not been told ADDED shop/b at 3 51 s after it was written, though only etcd-1 was in trouble",
    );
    expect(late(["etcd-1", "etcd-2"]).verdict).toBe("held");
    expect(late(["apiserver-0"]).verdict).toBe("held");
    const afterwards = watched().open(1).event("ADDED", "a", 2);
    afterwards.told.fault("began", ["apiserver-0"]).at(40).fault("ended", ["apiserver-0"]).at(60).rest();
    afterwards.event("ADDED", "b", 3).event("MODIFIED", "a", 4).event("DELETED", "b", 5).told.at(90).rest();
    expect(afterwards.judge("api-watch-prompt")).toMatchObject({
      verdict: "held",
      reached: 4,
      detail: expect.stringMatching(/^4 events, each/),
    });
    expect(late(["apiserver-0"]).detail).toBe(
      "nothing to judge: no watch was open for 30 s with at most one member of etcd in trouble (1 events were told)",
    );
  });
});
