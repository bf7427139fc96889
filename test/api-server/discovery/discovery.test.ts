import { discover } from "../../../actors/api-server/discovery/discovery";
import { type DocumentCache, fingerprint, type ServedDocument } from "../../../actors/api-server/discovery/document";
import { allKinds, apiVersionOf, groupVersions } from "../../../protocol/kinds/registry";

const options = () => ({ serverAddress: "127.0.0.1:6443", cache: new Map() as DocumentCache });
const read = (path: string, accept = "application/json", given = options()) => {
  const document = discover(path, accept, given) as ServedDocument;
  return { ...document, json: JSON.parse(new TextDecoder().decode(document.body)) };
};

const preferAggregated =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

// Source: Kubernetes API concepts, "API Discovery".
test("a client that prefers aggregated discovery gets it, under the content type it asked for", () => {
  const core = read("/api", preferAggregated);
  expect(core.contentType).toBe("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  expect(core.json).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
  expect(core.json.items.map((i: { metadata: object }) => i.metadata)).toEqual([{ creationTimestamp: null }]);

  const groups = read("/apis", preferAggregated);
  expect(groups.json.items).toHaveLength(new Set(groupVersions().map((g) => g.group)).size - 1);
  const older = read("/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json");
  expect(older.json.apiVersion).toBe("apidiscovery.k8s.io/v2beta1");
});

test("a client that knows nothing of aggregated discovery, or likes plain JSON better, gets the older documents", () => {
  for (const accept of [
    "",
    "application/json, */*",
    "application/vnd.kubernetes.protobuf,application/json",
    `application/json;q=0.9,${preferAggregated.replaceAll(",", ";q=0.1,")}`,
  ]) {
    expect(read("/api", accept).json.kind).toBe("APIVersions");
    expect(read("/apis", accept).json.kind).toBe("APIGroupList");
  }
});

test("every kind is listed by its group version, with its subresources, in both discoveries alike", () => {
  const aggregated = [...read("/api", preferAggregated).json.items, ...read("/apis", preferAggregated).json.items];
  for (const kind of allKinds()) {
    const list = read(kind.group === "" ? "/api/v1" : `/apis/${apiVersionOf(kind)}`).json;
    expect(list).toMatchObject({ kind: "APIResourceList", groupVersion: apiVersionOf(kind) });
    const entry = list.resources.find((r: { name: string }) => r.name === kind.plural);
    expect(entry).toMatchObject({ kind: kind.kind, namespaced: kind.namespaced, singularName: kind.singular, verbs: kind.verbs });

    const group = aggregated.find((g) => (g.metadata.name ?? "") === kind.group);
    const version = group.versions.find((v: { version: string }) => v.version === kind.version);
    const resource = version.resources.find((r: { resource: string }) => r.resource === kind.plural);
    expect(resource.responseKind.kind).toBe(kind.kind);
    expect(resource.scope).toBe(kind.namespaced ? "Namespaced" : "Cluster");
    const below = list.resources.filter((r: { name: string }) => r.name.startsWith(`${kind.plural}/`));
    expect(below.map((r: { name: string }) => r.name.split("/")[1])).toEqual(
      (resource.subresources ?? []).map((s: { subresource: string }) => s.subresource),
    );
  }
});

test("a subresource with a body of another group says so", () => {
  const scale = read("/apis/apps/v1").json.resources.find((r: { name: string }) => r.name === "deployments/scale");
  expect(scale).toEqual({
    ...{ name: "deployments/scale", singularName: "", namespaced: true, group: "autoscaling", version: "v1", kind: "Scale" },
    verbs: ["get", "patch", "update"],
  });
});

test("a group lists its versions, the preferred one first", () => {
  expect(read("/apis/autoscaling").json).toMatchObject({
    ...{ kind: "APIGroup", apiVersion: "v1", name: "autoscaling" },
    versions: [{ groupVersion: "autoscaling/v2" }, { groupVersion: "autoscaling/v1" }],
    preferredVersion: { groupVersion: "autoscaling/v2", version: "v2" },
  });
});

test("what is not served is not discovered", () => {
  for (const path of ["/apis/nosuch", "/apis/apps/v9", "/api/v2", "/apis/v1", "/api/apps/v1", "/apis/apps/v1/deployments", "/metrics"])
    expect(discover(path, "", options())).toBeUndefined();
});

test("a client that does not accept JSON is refused", () => {
  expect(discover("/apis", "text/html", options())).toMatchObject({ kind: "Status", code: 406, reason: "NotAcceptable" });
});

test("/version says which Kubernetes API is emulated", () => {
  expect(read("/version").json).toMatchObject({ major: "1", minor: "36", gitVersion: expect.stringMatching(/^v1\.36\.\d+\+/) });
});

test("documents are made once, and the entity tag is that of the body", () => {
  const given = options();
  const first = read("/apis", preferAggregated, given);
  const second = read("/apis", preferAggregated, given);
  expect(second.body).toBe(first.body);
  const etag = ({ headers }: ServedDocument) => new Map(headers).get("etag");
  expect(etag(read("/apis", preferAggregated))).toBe(etag(first));
  expect(etag(first)).toMatch(/^"[0-9A-F]{32}"$/);
  expect(etag(read("/api", preferAggregated))).not.toBe(etag(first));
});

test("fingerprints of bodies that differ in one byte differ", () => {
  const sums = new Set(Array.from({ length: 256 }, (_, i) => fingerprint(Uint8Array.of(1, 2, i))));
  expect(sums.size).toBe(256);
});
