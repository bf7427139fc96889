import type { JsonObject } from "../../../protocol/kinds/object";
import { pod, told } from "./told";

describe("revision-hash (one history for all)", () => {
  const applied = (index: number, revision: number, hash: number) => ({ kind: "etcd.applied", index, revision, hash });
  const member = (actor: string, hash: number, compacted = 0) => ({
    actor,
    revision: 5,
    compacted,
    modRevisionOf: () => undefined,
    hashKv: () => hash,
  });
  const agreed = () =>
    told()
      .fact("etcd/0", applied(1, 2, 7))
      .fact("etcd/1", applied(3, 2, 7));

  it("holds for the same revision reached at different times", () => {
    const members = [member("etcd/0", 9), member("etcd/1", 9), member("etcd/2", 8, 3)];
    expect(agreed().judge("revision-hash", {}, { members })).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("is violated by different histories at one revision, also where entries were skipped", () => {
    expect(
      told()
        .fact("etcd/0", applied(1, 2, 7))
        .fact("etcd/1", applied(3, 2, 8))
        .judge("revision-hash").detail,
    ).toBe("at revision 2 the histories of etcd/0 and etcd/1 differ");
  });

  it("is violated by members that hold something else than they think", () => {
    const members = [member("etcd/0", 9), member("etcd/1", 8)];
    expect(agreed().judge("revision-hash", {}, { members }).detail).toBe("at revision 5 etcd/0 and etcd/1 hold different keys");
  });
});

describe("client-never-back (resource versions)", () => {
  const listed = (resourceVersion: number, resource = "pods") => ({ kind: "informer.listed", resource, resourceVersion });

  it("holds for lists and watches that go on", () => {
    const history = told()
      .fact("kubelet/node-0", listed(5))
      .fact("kubelet/node-0", { ...listed(5), kind: "informer.watching" })
      .fact("kubelet/node-0", listed(3, "services"))
      .fact("kubelet/node-1", listed(4));
    expect(history.judge("client-never-back")).toMatchObject({ verdict: "held", reached: 4 });
  });

  it("is violated by a list from a server that lags, also in the client's next life", () => {
    const history = told()
      .fact("kubelet/node-0", listed(5))
      .died("kubelet/node-0")
      .born("kubelet/node-0")
      .fact("kubelet/node-0", listed(4));
    expect(history.judge("client-never-back").detail).toBe(
      "kubelet/node-0 was given a list of pods at resourceVersion 4, after it had seen 5",
    );
  });
});

describe("namespace-deletion (it ends)", () => {
  const namespace = (deleting: boolean): JsonObject => ({
    kind: "Namespace",
    metadata: { name: "shop", uid: "shop", ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
  });
  const begin = () => told().object(namespace(false)).object(pod("a")).act("calm").object(namespace(true));

  it("holds where it and all that is in it goes", () => {
    expect(begin().at(20).gone("Pod shop/a").gone("Namespace shop").judge("namespace-deletion")).toMatchObject({
      verdict: "held",
      reached: 1,
    });
  });

  it("is violated by one that stays Terminating", () => {
    expect(begin().at(90).act("end").judge("namespace-deletion").detail).toBe(
      "namespace shop has been Terminating for 90 s without a fault",
    );
  });

  it("gives it time after the storm", () => {
    const history = told().object(namespace(false)).act("storm").object(namespace(true)).at(300).act("calm").at(320).gone("Namespace shop");
    expect(history.judge("namespace-deletion").verdict).toBe("held");
  });

  it("is violated by what is left in a namespace that is gone", () => {
    expect(begin().at(20).gone("Namespace shop").judge("namespace-deletion").detail).toBe(
      "Pod shop/a is left, though its namespace is gone",
    );
  });
});
