import { addressAt, cidrOf, contains } from "../../../actors/api-server/registry/cidr";
import { decodeContinue, encodeContinue } from "../../../actors/api-server/registry/continue-token";
import { toServed, toStored } from "../../../actors/api-server/registry/conversion";
import { deletion } from "../../../actors/api-server/registry/delete";
import { WatcherIndex } from "../../../actors/api-server/registry/watcher-index";
import { Entry, encodeStored, withRevision } from "../../../actors/api-server/storage/entry";
import { keyOfObject, resourceNamed, resourceOfKey, storedResourceOf, storedResources } from "../../../actors/api-server/storage/keys";
import { ResourceCache } from "../../../actors/api-server/storage/resource-cache";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import type { Json } from "./tank";

const pods = resourceNamed("", "v1", "pods");
const bytes = (name: string, nodeName = "") =>
  encodeStored({ apiVersion: "v1", kind: "Pod", metadata: { name, uid: name }, spec: { nodeName } } as unknown as ApiObject);

describe("what lies in etcd", () => {
  test("the keys are those of Kubernetes, and each leads back to its resource", () => {
    expect(keyOfObject(resourceNamed("apps", "v1", "deployments"), "shop", "web")).toBe("/registry/deployments/shop/web");
    expect(keyOfObject(resourceNamed("", "v1", "services"), "shop", "web")).toBe("/registry/services/specs/shop/web");
    expect(keyOfObject(resourceNamed("", "v1", "endpoints"), "shop", "web")).toBe("/registry/services/endpoints/shop/web");
    expect(keyOfObject(resourceNamed("", "v1", "nodes"), "", "node-0")).toBe("/registry/minions/node-0");
    expect(keyOfObject(resourceNamed("coordination.k8s.io", "v1", "leases"), "kube-system", "l")).toBe("/registry/leases/kube-system/l");
    for (const resource of storedResources()) expect(resourceOfKey(keyOfObject(resource, "ns", "name"))).toBe(resource);
    expect(resourceOfKey("/registry/masterleases/172.18.0.10")).toBeUndefined();
  });

  test("stored bytes have no resourceVersion; served bytes have it and are otherwise the same", () => {
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a", uid: "u", resourceVersion: "3" },
      spec: { metadata: { a: 1 } },
    } as unknown as ApiObject;
    const stored = encodeStored(object);
    expect(Buffer.from(stored).toString()).toBe(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","uid":"u"},"spec":{"metadata":{"a":1}}}',
    );
    expect(JSON.parse(Buffer.from(withRevision(stored, 17)).toString())).toEqual({
      ...object,
      metadata: { name: "a", uid: "u", resourceVersion: "17" },
    });
  });

  test("an entry gives back the very bytes that were stored, also after it was served", () => {
    const entry = new Entry("/registry/pods/shop/a", 5, bytes("a"));
    expect(Buffer.from(entry.stored).equals(bytes("a"))).toBe(true);
    expect(Buffer.from(entry.served).toString()).toContain('"metadata":{"resourceVersion":"5","name":"a"');
    expect(Buffer.from(entry.stored).equals(bytes("a"))).toBe(true);
  });

  test("a decoded object cannot be changed by anybody", () => {
    const entry = new Entry("/registry/pods/shop/a", 5, bytes("a"));
    expect(() => {
      (entry.object as Json).spec.nodeName = "x";
    }).toThrow(TypeError);
    expect(entry.object).toBe(entry.object);
  });
});

describe("the watch cache", () => {
  const key = (name: string) => `/registry/pods/shop/${name}`;

  test("lists in the order of keys, by prefix, from behind a key", () => {
    const cache = new ResourceCache(pods, 10);
    for (const [revision, name] of ["c", "a", "b"].entries()) cache.apply(key(name), revision + 1, bytes(name));
    cache.apply("/registry/pods/other/z", 4, bytes("z"));
    expect(cache.list("/registry/pods/shop/").map((entry) => entry.object.metadata.name)).toEqual(["a", "b", "c"]);
    expect(cache.list("/registry/pods/shop/", key("a")).map((entry) => entry.object.metadata.name)).toEqual(["b", "c"]);
    expect(cache.list(pods.prefix)).toHaveLength(4);
  });

  test("an event that was seen already changes nothing, and a deletion carries the last state under its own revision", () => {
    const cache = new ResourceCache(pods, 10);
    cache.apply(key("a"), 5, bytes("a"));
    expect(cache.apply(key("a"), 5, bytes("a"))).toBeUndefined();
    expect(cache.apply(key("b"), 6, undefined)).toBeUndefined();
    const change = cache.apply(key("a"), 7, undefined)!;
    expect(change).toMatchObject({ deleted: true, revision: 7 });
    expect(change.entry.object.metadata).toMatchObject({ name: "a", resourceVersion: "7" });
    expect(cache.get(key("a"))).toBeUndefined();
  });

  test("changes after a revision are all there or it says that some are missing", () => {
    const cache = new ResourceCache(pods, 5);
    cache.replace([], 100);
    expect(cache.changesAfter(99)).toBeUndefined();
    expect(cache.changesAfter(100)).toEqual([]);
    for (let i = 1; i <= 200; i++) cache.apply(key("a"), 100 + i, bytes("a"));
    for (let after = 100; after <= 300; after++) {
      const changes = cache.changesAfter(after);
      if (after < cache.oldestRevision) expect(changes).toBeUndefined();
      else expect(changes!.map(({ revision }) => revision)).toEqual(Array.from({ length: 300 - after }, (_, i) => after + 1 + i));
    }
    expect(cache.changesAfter(295)).toBeDefined();
  });

  test("a change concerns the watchers of the node an object is on and was on, and those that ask for none", () => {
    const cache = new ResourceCache(pods, 10);
    const index = new WatcherIndex<string>();
    for (const [watcher, node] of [
      ["all", undefined],
      ["on-a", "a"],
      ["on-b", "b"],
      ["on-c", "c"],
      ["unbound", ""],
    ] as const)
      index.add(watcher, node);
    const concerned = (change: ReturnType<ResourceCache["apply"]>) => [...index.concernedBy(change!)];
    expect(concerned(cache.apply(key("p"), 1, bytes("p")))).toEqual(["all", "unbound"]);
    expect(concerned(cache.apply(key("p"), 2, bytes("p", "a")))).toEqual(["all", "on-a", "unbound"]);
    expect(concerned(cache.apply(key("p"), 3, undefined))).toEqual(["all", "on-a"]);
    index.delete("on-a", "a");
    expect(index.size).toBe(4);
  });
});

describe("versions that are served but not stored", () => {
  test("an Event of events.k8s.io is a core Event under other names, both ways", () => {
    const kind = kindOf("events.k8s.io/v1", "Event")!;
    const resource = storedResourceOf(kind)!;
    const served = {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name: "e" },
      regarding: { kind: "Pod" },
      note: "n",
      reportingController: "c",
      deprecatedCount: 2,
    };
    const stored = toStored(kind, resource, served as ApiObject);
    expect(stored).toEqual({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: { kind: "Pod" },
      message: "n",
      reportingComponent: "c",
      count: 2,
    });
    expect(toServed(kind, resource, stored)).toEqual(served);
  });

  test("an autoscaling/v1 autoscaler is a v2 one, and nothing of v2 is lost on the way through v1", () => {
    const kind = kindOf("autoscaling/v1", "HorizontalPodAutoscaler")!;
    const resource = storedResourceOf(kind)!;
    const memory = { type: "Resource", resource: { name: "memory", target: { type: "Utilization", averageUtilization: 70 } } };
    const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
    const stored = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "h" },
      spec: { maxReplicas: 3, metrics: [cpu, memory], behavior: { scaleDown: {} } },
      status: {},
    };
    const served: Json = toServed(kind, resource, stored as ApiObject);
    expect(served.spec).toEqual({ maxReplicas: 3, targetCPUUtilizationPercentage: 50 });
    expect(toStored(kind, resource, served)).toEqual(stored);
  });
});

describe("small things", () => {
  test("a continue token says where to go on, and what is none is refused", () => {
    expect(decodeContinue(encodeContinue({ revision: 7, startAfter: "shop/web" }))).toEqual({ revision: 7, startAfter: "shop/web" });
    for (const wrong of ["", "x", Buffer.from("{}").toString("base64url"), encodeContinue({ revision: 1, startAfter: "../secrets/a" })])
      expect(decodeContinue(wrong)).toEqual(expect.any(String));
  });

  test("addresses of a network", () => {
    const cidr = cidrOf("10.96.0.0/12");
    expect(addressAt(cidr, 1)).toBe("10.96.0.1");
    expect(addressAt(cidr, 2 ** 20 - 1)).toBe("10.111.255.255");
    expect([contains(cidr, "10.111.0.1"), contains(cidr, "10.112.0.0"), contains(cidr, "10.96.0.256")]).toEqual([true, false, false]);
    expect(() => cidrOf("10.96.0.0")).toThrow("10.96.0.0/12");
  });

  test("a deletion with a shorter grace counts from when the first was asked for (pods: termination)", () => {
    const nowMs = Date.parse("2026-01-01T00:00:00Z");
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", uid: "u", resourceVersion: "1" },
      spec: { nodeName: "n", terminationGracePeriodSeconds: 30 },
    };
    const put = (object: object, seconds: number | undefined, atMs: number): Json => {
      const decision = deletion("pods", object as Stored<ApiObject>, seconds === undefined ? {} : { gracePeriodSeconds: seconds }, atMs);
      return decision.type === "put" ? JSON.parse(Buffer.from(decision.stored).toString()) : decision.type;
    };
    const first = put(pod, undefined, nowMs);
    expect(first.metadata).toMatchObject({ deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 });
    expect(put(first, undefined, nowMs + 5_000)).toBe("keep");
    expect(put(first, 60, nowMs + 5_000)).toBe("keep");
    expect(put(first, 10, nowMs + 5_000).metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:10Z",
      deletionGracePeriodSeconds: 10,
    });
    expect(put(first, 0, nowMs + 5_000)).toBe("delete");
    expect(put({ ...pod, status: { phase: "Succeeded" } }, undefined, nowMs)).toBe("delete");
  });
});
