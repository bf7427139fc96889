import { ApiClient, deployments, namespaces, pods } from "../../actors/client";
import { pathOf, resultOf } from "../../actors/client/api-client";
import { decodeObject } from "../../actors/client/decode";
import { Expectations } from "../../actors/client/expectations";
import { Store } from "../../actors/client/store";
import { address } from "../../protocol/address";
import type { ApiMessage, ApiRequest, ApiResponse } from "../../protocol/api";
import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { modifiedConflict, notFound } from "../../protocol/status";
import type { Actor } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";
import { tank, tester } from "./tank";

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const answered = (code: number, body: object) =>
  ({
    ok: true,
    body: { kind: "api.response", code, contentType: "application/json", headers: [], body: bytes(body) } as ApiResponse,
  }) as const;

test.each([
  [pods, { namespace: "shop", name: "web-1", subresource: "status" }, "/api/v1/namespaces/shop/pods/web-1/status"],
  [deployments, { namespace: "shop", name: "" }, "/apis/apps/v1/namespaces/shop/deployments"],
  [pods, { namespace: "", name: "" }, "/api/v1/pods"],
  [namespaces, { namespace: "shop", name: "shop", subresource: "finalize" }, "/api/v1/namespaces/shop/finalize"],
] as const)("the path of %j", (resource, target, path) => {
  expect(pathOf(resource, target)).toBe(path);
});

describe("what became of a request", () => {
  test("a Status is handed on as it came", () => {
    const status = modifiedConflict({ group: "", resource: "pods", name: "web-1" });
    expect(resultOf(answered(409, status), "update")).toEqual({ ok: false, status, unknown: false });
  });

  test.each([
    ["create", "timeout", true],
    ["create", "unreachable", true],
    ["create", "crashed", true],
    ["create", "refused", false],
    ["get", "timeout", false],
    ["list", "unreachable", false],
  ] as const)("a %s that ended with %s is unknown: %s", (verb, error, unknown) => {
    expect(resultOf({ ok: false, error, detail: "" }, verb)).toMatchObject({ ok: false, unknown });
  });

  test.each([
    [404, false],
    [409, false],
    [500, true],
    [503, true],
    [504, true],
    [501, false],
  ] as const)("a write that was answered %i is unknown: %s", (code, unknown) => {
    expect(resultOf(answered(code, { ...notFound({ group: "", resource: "pods" }), code }), "create")).toMatchObject({
      ok: false,
      unknown,
    });
  });

  test("an answer that is no Status is a failure of the server", () => {
    expect(
      resultOf(
        { ok: true, body: { kind: "api.response", code: 502, contentType: "text/plain", headers: [], body: Buffer.from("bad gateway") } },
        "get",
      ),
    ).toMatchObject({
      ok: false,
      status: { reason: "InternalError", code: 502 },
    });
  });
});

test("a request goes to the first server that answers, and the client stays with it", () => {
  const seen: string[] = [];
  const asker = tester("asker", (client, ctx) => {
    const ask = (times: number, later: typeof ctx): undefined => {
      if (times === 0) return undefined;
      const server = client.server;
      client.get(later, pods, { namespace: "shop", name: "web-1" }, (_state, result, last) => {
        seen.push(`${server} ${result.ok ? "ok" : result.status.reason}`);
        return ask(times - 1, last);
      });
      return undefined;
    };
    const timer = client.timers.claim("go", (later) => ask(3, later));
    ctx.setTimer(timer, 1000);
  });
  const { simulation, store } = tank([asker]);
  store.put("pods", "ADDED", { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "web-1", uid: "u" } });
  simulation.crashHost("apiserver-0");
  simulation.runFor(20_000);
  expect(seen).toEqual(["apiserver/0 ServiceUnavailable", "apiserver/1 ok", "apiserver/1 ok"]);
});

test("a server that goes has done nothing with a request: the next one is given it, once each, and the client stays there", () => {
  const asked: string[] = [];
  const server: Actor<{ readonly goes: boolean }, { readonly goes: boolean }, ApiMessage> = {
    role: "apiserver",
    start: (config) => config,
    receive({ goes }, input, ctx) {
      if (input.type !== "request") return undefined;
      asked.push(`${ctx.self} ${(input.body as ApiRequest).verb}`);
      const headers: ApiResponse["headers"] = goes ? [["Connection", "close"]] : [];
      const body = goes ? Buffer.from("shutting down\n") : bytes({ kind: "Pod" });
      const answer: ApiResponse = { kind: "api.response", code: goes ? 429 : 201, contentType: "", headers, body };
      ctx.reply(input.request, answer);
      return undefined;
    },
  };
  const outcomes = (goes: readonly boolean[]): readonly unknown[] => {
    const seen: unknown[] = [];
    const asker = tester("asker", (client, ctx) => {
      const write = (later: typeof ctx, then: () => undefined) =>
        client.create(later, pods, "shop", {}, (_state, result) => {
          seen.push(result.ok || [result.status.code, result.unknown]);
          return then();
        });
      const timer = client.timers.claim("go", (later) => {
        write(later, () => undefined);
        return undefined;
      });
      ctx.setTimer(timer, 1000);
    });
    const simulation = new Simulation({ seed: 1, actors: [server, asker] });
    for (const [i, one] of goes.entries()) {
      simulation.addHost({ name: `apiserver-${i}`, zone: "a" });
      simulation.place(`apiserver-${i}`, address("apiserver", i), { goes: one });
    }
    simulation.addHost({ name: "asker-0", zone: "a" });
    simulation.place("asker-0", address("asker", 0), null);
    simulation.start();
    simulation.runFor(5_000);
    return seen;
  };
  expect([outcomes([true, false]), asked.splice(0)]).toEqual([[true], ["apiserver/0 create", "apiserver/1 create"]]);
  expect([outcomes([true, true]), asked.splice(0)]).toEqual([[[429, false]], ["apiserver/0 create", "apiserver/1 create"]]);
});

test("a client without servers is refused", () => {
  expect(() => new ApiClient({ apiServers: [], userAgent: "x" })).toThrow("at least one API server");
  expect(new ApiClient({ apiServers: [address("apiserver", 0)], userAgent: "x" }).server).toBe("apiserver/0");
});

describe("decoding", () => {
  test("the same bytes give the same frozen object, other bytes another", () => {
    const first = decodeObject(bytes({ kind: "Pod", metadata: { name: "a" } }));
    expect(decodeObject(bytes({ kind: "Pod", metadata: { name: "a" } }))).toBe(first);
    expect(decodeObject(bytes({ kind: "Pod", metadata: { name: "b" } }))).toEqual({ kind: "Pod", metadata: { name: "b" } });
    expect(Object.isFrozen(first.metadata)).toBe(true);
  });

  test("a list's items get the apiVersion and kind that lists leave out", () => {
    const list = decodeObject(bytes({ kind: "PodList", apiVersion: "v1", metadata: {}, items: [{ metadata: { name: "a" } }] }));
    expect(list.items).toEqual([{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }]);
  });

  test.each(["", "null", "[]", "3", "{"])("%j is no object", (text) => {
    expect(() => decodeObject(Buffer.from(text))).toThrow(SyntaxError);
  });
});

describe("expectations end when the cache shows what was written, never because time has passed", () => {
  const cached = (resourceVersion: number, ...objects: readonly Stored<Pod>[]) => {
    const store = new Store<unknown>();
    for (const object of objects) store.set(object);
    return () => ({ resourceVersion, store });
  };
  const pod = (uid: string, deletionTimestamp?: string) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "shop", name: "web-1", uid, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    }) as unknown as Stored<Pod>;

  test("a write waits for its resourceVersion, and only its own key does", () => {
    const expectations = new Expectations();
    expectations.wrote("shop/web", "pods", 7);
    expectations.wrote("shop/web", "pods", 5);
    expect(expectations.settled("shop/web", cached(6))).toBe(false);
    expect(expectations.settled("shop/db", cached(6))).toBe(true);
    expect(expectations.settled("shop/web", cached(7))).toBe(true);
    expect(expectations.settled("shop/web", cached(0))).toBe(true);
  });

  test.each([
    ["the object is still there", [pod("u1")], false],
    ["it is shown as being deleted", [pod("u1", "2026-01-01T00:00:00Z")], true],
    ["it is gone", [], true],
    ["another has its name", [pod("u2")], true],
  ] as const)("after a deletion, %s", (_name, objects, settled) => {
    const expectations = new Expectations();
    expectations.deleted("shop/web", "pods", "shop/web-1", "u1");
    expect(expectations.settled("shop/web", cached(9, ...objects))).toBe(settled);
  });
});
