import { type Gateway, startGateway } from "../../../actors/api-server/gateway/gateway";
import { portTo } from "../../../actors/api-server/gateway/port";
import { apiServer } from "../../../actors/api-server/server";
import { etcdMember } from "../../../actors/etcd/member";
import { address } from "../../../protocol/address";
import { adminCertificate, loadPki, servingCertificate } from "../../../runtime/live/pki";
import { LiveWorld } from "../../../runtime/live/world";
import { authority, begin, bytesOf, type Call, connectTo } from "./world";

/** A real API server with a real etcd behind it, in this process, asked as kubectl asks. */
const etcd = address("etcd", 0);
const server = address("apiserver", 0);
let world: LiveWorld;
let gateway: Gateway;
let admin: ReturnType<typeof adminCertificate>;

beforeAll(async () => {
  const pki = await loadPki(undefined);
  world = new LiveWorld({ actors: [apiServer, etcdMember], secrets: pki.secrets });
  const config = {
    etcd: [etcd],
    apiServers: [server],
    serviceCidr: "10.96.0.0/12",
    staticTokens: [{ token: "t", user: "jane", groups: [] }],
  };
  world.addHost({ name: "etcd-0", zone: "a", actors: [{ address: etcd, config: { members: [etcd] } }] });
  world.addHost({ name: "apiserver-0", zone: "a", actors: [{ address: server, config }] });
  world.start();
  const serving = servingCertificate(pki.authority, "kube-apiserver", []);
  const tls = { key: serving.key, cert: serving.certificate, ca: pki.authority.certificate };
  gateway = await startGateway({
    port: portTo(server, world.portal("apiserver-0", "apiserver-0")),
    listen: { host: "127.0.0.1", port: 0 },
    tls,
  });
  admin = adminCertificate(pki.authority);
  connectTo(pki.authority.certificate);
  while ((await call({ path: "/readyz" })).code !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
});
afterAll(async () => {
  connectTo(authority.certificate);
  await gateway.close();
  await world.close();
});

const call = (c: Call) => begin("HTTP/2", gateway.listenPort, { certificate: admin, ...c });
const json = async (c: Call) => {
  const reply = await call(c);
  return { code: reply.code, body: JSON.parse((await bytesOf(reply)).toString()) };
};
const configMaps = "/api/v1/namespaces/default/configmaps";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

test("an object that is created in YAML is listed in a Table, and a watcher in Tables sees it change", async () => {
  const watch = await call({ path: `${configMaps}?watch=true&resourceVersion=0`, headers: { accept: table } });
  const lines = linesOf(watch.stream);
  const created = await json({
    method: "POST",
    path: configMaps,
    headers: { "content-type": "application/yaml" },
    body: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n",
  });
  expect(created).toMatchObject({ code: 201, body: { metadata: { name: "c", uid: expect.any(String) }, data: { a: "b" } } });
  const listed = await json({ path: configMaps, headers: { accept: table } });
  expect(listed.body).toMatchObject({ kind: "Table", rows: [{ cells: ["c", 1, expect.stringMatching(/^\d+s$/)] }] });
  await json({ method: "DELETE", path: `${configMaps}/c` });
  const events = [JSON.parse(await lines()), JSON.parse(await lines())];
  expect(events.map((e) => [e.type, e.object.kind, e.object.rows[0].cells.slice(0, 2)])).toEqual([
    ["ADDED", "Table", ["c", 1]],
    ["DELETED", "Table", ["c", 1]],
  ]);
  expect(events.map((e) => e.object.columnDefinitions.length > 0)).toEqual([true, false]);
  watch.abort();
});

test("who may not is told so in the usual words, and who shows nothing good is not let in", async () => {
  const as = (authorization: string) => json({ path: "/api/v1/nodes", headers: { authorization }, certificate: undefined as never });
  expect(await as("Bearer t")).toMatchObject({
    code: 403,
    body: { message: 'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope' },
  });
  expect(await as("Bearer wrong")).toMatchObject({ code: 401, body: { reason: "Unauthorized" } });
});

test("reviews, discovery and OpenAPI answer through the same door", async () => {
  const review = {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    spec: { resourceAttributes: { verb: "list", resource: "pods" } },
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const headers = { "content-type": "application/json", "impersonate-user": "jane" };
  expect(await json({ method: "POST", path, body: JSON.stringify(review), headers })).toMatchObject({
    code: 201,
    body: { status: { allowed: false } },
  });
  expect((await json({ path: "/apis/apps/v1" })).body).toMatchObject({ kind: "APIResourceList", groupVersion: "apps/v1" });
  const index = (await json({ path: "/openapi/v3" })).body.paths["apis/apps/v1"].serverRelativeURL;
  expect((await json({ path: index })).body.openapi).toBe("3.0.0");
});

/** Reads a body line by line. */
function linesOf(stream: AsyncIterable<Uint8Array>): () => Promise<string> {
  let rest = "";
  const chunks = stream[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const end = rest.indexOf("\n");
      if (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        return line;
      }
      const next = await chunks.next();
      if (next.done) throw new Error("the stream ended");
      rest += Buffer.from(next.value).toString();
    }
  };
}
