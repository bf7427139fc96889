import { encodeStored } from "../../../actors/api-server/storage/entry";
import { resourceNamed } from "../../../actors/api-server/storage/keys";
import type { Listing } from "../../../actors/api-server/storage/past-view";
import { ResourceCache } from "../../../actors/api-server/storage/resource-cache";
import { configMap, type Json, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

describe("list (Kubernetes API concepts: resource versions, retrieving large results sets in chunks)", () => {
  const tank = new Tank({ knobs: { "etcd-compaction-interval": 30_000 } });
  for (const name of ["a", "b", "c", "d", "e"])
    tank.create(maps, configMap(name, {}, { labels: { half: name < "c" ? "first" : "second" } }));
  const names = (reply: { readonly body: { items: { metadata: { name: string } }[] } }) =>
    reply.body.items.map(({ metadata }) => metadata.name);

  test("a list is in the order of names and carries the revision it shows", () => {
    const reply = tank.get(maps);
    expect(reply.body).toMatchObject({
      kind: "ConfigMapList",
      apiVersion: "v1",
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
    expect(names(reply)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("a list that is asked for again is as new as a first one, in each form and namespace", () => {
    const long = "x".repeat(5_000);
    tank.create(maps, configMap("zz", { long }));
    const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const last = (path: string, options = {}) => tank.get(path, options).body.items.find((item: Json) => item.metadata.name === "zz");
    for (let round = 0; round < 2; round++)
      for (const path of [maps, "/api/v1/configmaps", `${maps}?resourceVersion=0`]) {
        expect(last(path)).toMatchObject({ data: { long } });
        expect(last(path, { accept })).toEqual({
          kind: "PartialObjectMetadata",
          apiVersion: "meta.k8s.io/v1",
          metadata: expect.anything(),
        });
      }
    tank.delete(`${maps}/zz`);
    expect(last(maps)).toBeUndefined();
    expect(names(tank.get(maps))).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("pages show the revision of the first, whatever is written between them, and say how much remains", () => {
    const first = tank.get(`${maps}?limit=2`);
    expect(names(first)).toEqual(["a", "b"]);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    tank.create(maps, configMap("bb"));
    tank.delete(`${maps}/c`);
    const second = tank.get(`${maps}?limit=2&continue=${encodeURIComponent(first.body.metadata.continue)}`);
    expect(names(second)).toEqual(["c", "d"]);
    expect(second.body.metadata).toMatchObject({ resourceVersion: first.body.metadata.resourceVersion, remainingItemCount: 1 });
    const third = tank.get(`${maps}?limit=2&continue=${encodeURIComponent(second.body.metadata.continue)}`);
    expect(names(third)).toEqual(["e"]);
    expect(third.body.metadata.continue).toBeUndefined();
    tank.create(maps, configMap("c", {}, { labels: { half: "second" } }));
    tank.delete(`${maps}/bb`);
  });

  test("a cache tells its past as it was, page by page, until too much has changed", () => {
    const prefix = "/registry/configmaps/";
    const cache = new ResourceCache(resourceNamed("", "v1", "configmaps"), 200);
    const pasts: string[][] = [[]];
    const all = (listing: Listing) => listing.list(prefix).map(({ key, revision }) => `${key} ${revision}`);
    for (let revision = 1; revision <= 400; revision++) {
      const n = (revision * 7_919) % 23;
      const goes = revision % 3 === 0 && cache.get(`${prefix}default/m${n}`) !== undefined;
      cache.apply(`${prefix}default/m${n}`, revision, goes ? undefined : encodeStored(configMap(`m${n}`) as never));
      pasts.push(all(cache));
    }
    expect(new Set(pasts.map(({ length }) => length)).size).toBeGreaterThan(5);
    for (let revision = cache.oldestRevision; revision <= 400; revision++) {
      const past = cache.asOf(revision)!;
      const pages: string[] = [];
      for (let after = ""; ; ) {
        const page = past.list(prefix, after, 5);
        expect(past.count(prefix, after)).toBe(pasts[revision]!.length - pages.length);
        pages.push(...page.map(({ key, revision }) => `${key} ${revision}`));
        if (page.length < 5) break;
        after = page.at(-1)!.key;
      }
      expect([pages, all(past)]).toEqual([pasts[revision], pasts[revision]]);
    }
    expect(cache.oldestRevision).toBeGreaterThan(0);
    expect(cache.asOf(cache.oldestRevision - 1)).toBeUndefined();
  });

  test("pages of an earlier revision ask nothing of etcd while the cache knows what has changed", () => {
    const first = tank.get(`${maps}?limit=2`);
    tank.patch(`${maps}/e`, "merge", { data: { later: "0" } });
    tank.simulation.runFor(100);
    tank.simulation.pauseHost("etcd-0");
    const rest = tank.get(`${maps}?continue=${encodeURIComponent(first.body.metadata.continue)}`);
    tank.simulation.resumeHost("etcd-0");
    expect(names(rest)).toEqual(["c", "d", "e"]);
    expect(rest.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    expect(rest.body.items[2].data?.later).toBeUndefined();
  });

  test("a continue token whose revision is compacted is 410 with a token that goes on inconsistently", () => {
    const first = tank.get(`${maps}?limit=2`);
    tank.patch(`${maps}/e`, "merge", { data: { later: "1" } });
    tank.simulation.runFor(100_000);
    const expired = tank.get(`${maps}?limit=2&continue=${encodeURIComponent(first.body.metadata.continue)}`);
    expect(expired).toMatchObject({ code: 410, body: { reason: "Expired" } });
    const rest = tank.get(`${maps}?continue=${encodeURIComponent(expired.body.metadata.continue)}`);
    expect(names(rest)).toEqual(["c", "d", "e"]);
  });

  test("selectors choose, and then nothing is said of what remains", () => {
    expect(names(tank.get(`${maps}?labelSelector=half%3Dfirst`))).toEqual(["a", "b"]);
    expect(names(tank.get(`${maps}?fieldSelector=metadata.name%21%3Da,metadata.name%21%3Db`))).toEqual(["c", "d", "e"]);
    const page = tank.get(`${maps}?labelSelector=half%3Dsecond&limit=2`);
    expect(names(page)).toEqual(["c", "d"]);
    expect(page.body.metadata.remainingItemCount).toBeUndefined();
    expect(
      names(tank.get(`${maps}?labelSelector=half%3Dsecond&limit=2&continue=${encodeURIComponent(page.body.metadata.continue)}`)),
    ).toEqual(["e"]);
  });

  test("resourceVersionMatch=Exact shows the state at that revision", () => {
    const before = tank.get(maps).body.metadata.resourceVersion;
    tank.create(maps, configMap("f"));
    expect(names(tank.get(`${maps}?resourceVersion=${before}&resourceVersionMatch=Exact`))).toEqual(["a", "b", "c", "d", "e"]);
    tank.delete(`${maps}/f`);
  });

  test("a resourceVersion that the server has not reached is 504 with the cause ResourceVersionTooLarge", () => {
    expect(tank.get(`${maps}?resourceVersion=99999999`)).toMatchObject({
      code: 504,
      body: { reason: "Timeout", details: { causes: [{ reason: "ResourceVersionTooLarge" }] } },
    });
  });

  test.each([
    [
      "resourceVersionMatch=Exact",
      422,
      "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    ],
    [
      "resourceVersionMatch=Some",
      422,
      '[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""]',
    ],
    ["resourceVersion=0&resourceVersionMatch=Exact", 422, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    [
      "resourceVersion=x",
      400,
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    ["continue=no nsense", 400, "invalid continue token: continue key is not valid: illegal base64 data at input byte 2"],
    ["continue=e30", 400, "invalid continue token: continue key is not valid: server does not recognize this encoded version "],
    ["labelSelector=%21%21", 400, "unable to parse requirement: found '!', expected: identifier"],
    ["fieldSelector=spec.nothing%3D1", 400, `"spec.nothing" is not a known field selector: only "metadata.name", "metadata.namespace"`],
    ["limit=few", 400, 'strconv.ParseInt: parsing "few": invalid syntax'],
    ["timeoutSeconds=soon", 400, 'strconv.ParseInt: parsing "soon": invalid syntax'],
  ])("%s is refused with %d: %s", (query, code, message) => {
    const reply = tank.get(`${maps}?${query}`);
    expect([reply.code, reply.body.message]).toEqual([code, expect.stringContaining(message)]);
  });

  test("parameters of writes are refused with the words of a real server", () => {
    const said = (reply: { readonly body: Json }) => reply.body.message;
    expect(said(tank.create(`${maps}?fieldManager=${"m".repeat(129)}`, configMap("new")))).toBe(
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    );
    expect(said(tank.patch(`${maps}/a?fieldManager=a%0Ab`, "merge", {}))).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\nb": should only contain printable characters',
    );
    expect(said(tank.delete(`${maps}/a?gracePeriodSeconds=soon`))).toBe('strconv.ParseInt: parsing "soon": invalid syntax');
  });

  test("a limit below zero is none, and nothing is created at an object's own address", () => {
    expect(tank.get(`${maps}?limit=-1`)).toMatchObject({ code: 200, body: { items: { length: 5 } } });
    expect(tank.create(`${maps}/a`, configMap("a")).code).toBe(405);
  });

  test("a list as Table and as PartialObjectMetadataList", () => {
    expect(tank.get(maps, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }).body).toMatchObject({
      kind: "Table",
      rows: { length: 5 },
    });
    const partial = tank.get(maps, { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" }).body;
    expect(partial).toMatchObject({ kind: "PartialObjectMetadataList", items: { length: 5 } });
    expect(partial.items[0].data).toBeUndefined();
    expect(tank.get(maps, { accept: "application/vnd.kubernetes.protobuf" }).code).toBe(406);
  });

  test("deletecollection deletes what a selector selects and answers with it", () => {
    const deleted = tank.delete(`${maps}?labelSelector=half%3Dfirst`);
    expect(names(deleted)).toEqual(["a", "b"]);
    expect(names(tank.get(maps))).toEqual(["c", "d", "e"]);
  });
});
