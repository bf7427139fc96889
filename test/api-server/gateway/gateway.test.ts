import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { gunzipSync } from "node:zlib";
import { apiGroupDiscoveryList } from "../../../actors/api-server/discovery/aggregated";
import { type Gateway, startGateway } from "../../../actors/api-server/gateway/gateway";
import { fromProtobuf } from "../../../actors/api-server/gateway/protobuf";
import { groupVersions } from "../../../protocol/kinds/registry";
import { Authority } from "../../../runtime/live/certificates";
import { authority, begin, bytesOf, type Call, clientCertificate, FakeServer, ok, type Protocol, response, serving } from "./world";

let server: FakeServer;
let gateway: Gateway;

beforeEach(async () => {
  server = new FakeServer();
  const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
  const limits = { body: { maxBytes: 64 * 1024, timeoutMs: 60_000 }, maxBufferedBytes: 1024 * 1024, maxInFlight: 2 };
  gateway = await startGateway({ port: server, listen: { host: "127.0.0.1", port: 0 }, tls, limits });
});
afterEach(() => gateway.close());

describe.each<Protocol>(["HTTP/1.1", "HTTP/2"])("over %s", (protocol) => {
  const call = (c: Call) => begin(protocol, gateway.listenPort, c);
  const json = async (c: Call) => {
    const reply = await call(c);
    return { code: reply.code, headers: reply.headers, body: JSON.parse((await bytesOf(reply)).toString() || "null") };
  };

  test("a request becomes a message and its answer a response", async () => {
    server.answer = () => ({
      ok: true,
      body: response(201, '{"a":1}', [
        ["Warning", '299 - "one"'],
        ["Warning", '299 - "two"'],
        ["X-Custom", "y"],
      ]),
    });
    const { code, headers, body } = await json({
      method: "POST",
      path: "/apis/apps/v1/namespaces/shop/deployments?fieldManager=test",
      headers: { accept: "application/json", "content-type": "application/json", "user-agent": "kubectl/v1.36" },
      body: '{"kind":"Deployment"}',
    });
    expect({ code, body }).toEqual({ code: 201, body: { a: 1 } });
    expect(headers).toMatchObject({ "content-type": "application/json", "x-custom": "y", "cache-control": "no-cache, private" });
    expect(String(headers.warning)).toMatch(/one.*two/);
    expect(headers["audit-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(server.requests).toEqual([
      {
        ...{ kind: "api.request", verb: "create", path: "/apis/apps/v1/namespaces/shop/deployments", isResource: true },
        ...{ group: "apps", version: "v1", resource: "deployments", subresource: "", namespace: "shop", name: "" },
        ...{ query: { fieldManager: "test" }, accept: "application/json", contentType: "application/json", userAgent: "kubectl/v1.36" },
        ...{ sourceIp: "127.0.0.1", auditId: headers["audit-id"] },
        ...{ credential: { type: "anonymous" }, impersonation: null, body: Buffer.from('{"kind":"Deployment"}') },
      },
    ]);
  });

  test("a client certificate of the cluster's authority, a bearer token or nothing is passed on as the credential", async () => {
    await json({ path: "/api", certificate: clientCertificate("jane", ["dev", "ops"]), headers: { authorization: "Bearer t" } });
    await json({ path: "/api", headers: { authorization: "Bearer  tok.en" } });
    await json({ path: "/api", headers: { authorization: "Basic abc" } });
    expect(server.requests.map((r) => r.credential)).toEqual([
      { type: "certificate", commonName: "jane", organizations: ["dev", "ops"] },
      { type: "bearer", token: "tok.en" },
      { type: "anonymous" },
    ]);
  });

  test("a certificate of another authority is refused before the server hears of it", async () => {
    const stranger = clientCertificate("root", ["system:masters"], Authority.create("stranger"));
    expect(await json({ path: "/api", certificate: stranger })).toMatchObject({ code: 401, body: { reason: "Unauthorized" } });
    expect(server.requests).toEqual([]);
  });

  // Source: "User impersonation": Impersonate-Group may come several times, and keys of extra fields are percent-encoded.
  test("impersonation headers are read one by one", async () => {
    const headers = {
      ...{ "impersonate-user": "jane", "impersonate-group": ["a,b", "c"], "impersonate-uid": "7" },
      "impersonate-extra-acme.com%2Fproject": ["x", "y"],
    };
    await json({ path: "/api", headers });
    expect(server.requests[0]!.impersonation).toEqual({
      user: "jane",
      uid: "7",
      groups: ["a,b", "c"],
      extra: { "acme.com/project": ["x", "y"] },
    });
  });

  test("a watch is a line of JSON for each event, until the server ends it", async () => {
    const replying = call({ path: "/api/v1/pods?watch=true" });
    const stream = await server.opened();
    expect(stream.request.verb).toBe("watch");
    stream.push(response(200, ""));
    const reply = await replying;
    expect(reply.code).toBe(200);
    expect(reply.headers["content-type"]).toBe("application/json");
    stream.push({ kind: "api.event", type: "ADDED", object: Buffer.from('{"a":1}') });
    stream.push({ kind: "api.event", type: "BOOKMARK", object: Buffer.from("{}") });
    stream.end();
    expect((await bytesOf(reply)).toString()).toBe('{"type":"ADDED","object":{"a":1}}\n{"type":"BOOKMARK","object":{}}\n');
  });

  // Source: Kubernetes API concepts, "Alternate representations of resources"; what client-go asks for by default.
  test("who prefers protobuf gets it for what is built in, objects, refusals and events alike", async () => {
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    server.answer = () => ({ ok: true, body: response(200, '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-1"}}') });
    const reply = await call({ path: "/api/v1/namespaces/shop/pods/web-1", headers: { accept } });
    expect(reply.headers["content-type"]).toBe("application/vnd.kubernetes.protobuf");
    expect(fromProtobuf(await bytesOf(reply))).toEqual({ kind: "Pod", apiVersion: "v1", metadata: { name: "web-1" } });
    expect(server.requests[0]!.accept).toBe("application/json");

    const replying = call({ path: "/api/v1/pods?watch=true", headers: { accept: "application/vnd.kubernetes.protobuf;stream=watch" } });
    const stream = await server.opened();
    stream.push(response(200, ""));
    stream.push({ kind: "api.event", type: "ADDED", object: Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}') });
    stream.push({ kind: "api.event", type: "ERROR", object: Buffer.from('{"kind":"Status","apiVersion":"v1","code":410}') });
    stream.end();
    const watched = await replying;
    expect(watched.headers["content-type"]).toBe("application/vnd.kubernetes.protobuf;stream=watch");
    const frames = await bytesOf(watched);
    const first = frames.readUInt32BE(0);
    expect(frames.readUInt32BE(4 + first)).toBe(frames.length - first - 8);
    expect(frames.toString("latin1")).toMatch(/ADDED.*k8s.*Pod.*ERROR.*k8s.*Status/s);
  });

  test("who prefers protobuf gets its next choice of a custom resource or a Table, and who prefers YAML gets YAML", async () => {
    server.answer = () => ({ ok: true, body: response(200, '{"kind":"Widget","apiVersion":"example.org/v1","b":1,"a":[2]}') });
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    const widget = await json({ path: "/apis/example.org/v1/widgets/w", headers: { accept } });
    expect(widget.headers["content-type"]).toBe("application/json");
    expect(server.requests[0]!.accept).toBe(accept);
    const table = "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io";
    await json({ path: "/api/v1/pods", headers: { accept: table } });
    expect(server.requests[1]!.accept).toBe(table);
    const metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    await bytesOf(await call({ path: "/api/v1/pods/a", headers: { accept: metadata } }));
    expect(server.requests[2]!.accept).toBe("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    await bytesOf(await call({ path: "/apis/example.org/v1/widgets/w", headers: { accept: metadata } }));
    expect(server.requests[3]!.accept).toBe("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    server.answer = () => ({ ok: true, body: response(200, '{"kind":"APIVersions","apiVersion":"v1","versions":["v1"]}') });
    const discovered = await call({ path: "/api", headers: { accept } });
    expect(discovered.headers["content-type"]).toBe("application/vnd.kubernetes.protobuf");
    expect(fromProtobuf(await bytesOf(discovered))).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    const aggregated = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const groups = JSON.stringify(apiGroupDiscoveryList(groupVersions(), "v2"));
    server.answer = () => ({ ok: true, body: { ...response(200, groups), contentType: `application/json;${aggregated}` } });
    const all = await call({ path: "/apis", headers: { accept: `application/vnd.kubernetes.protobuf;${aggregated}` } });
    expect(all.headers["content-type"]).toBe(`application/vnd.kubernetes.protobuf;${aggregated}`);
    const { items } = fromProtobuf(await bytesOf(all)) as { items: { metadata: { name?: string }; versions: { freshness: string }[] }[] };
    expect(items.find(({ metadata }) => metadata.name === "apps")).toMatchObject({ versions: [{ version: "v1", freshness: "Current" }] });
    server.answer = () => ({ ok: true, body: response(200, '{"kind":"Widget","apiVersion":"example.org/v1","b":1,"a":[2]}') });
    const yaml = await call({ path: "/apis/example.org/v1/widgets/w", headers: { accept: "application/yaml" } });
    expect(yaml.headers["content-type"]).toBe("application/yaml");
    expect((await bytesOf(yaml)).toString()).toBe("a:\n- 2\napiVersion: example.org/v1\nb: 1\nkind: Widget\n");
  });

  // Source: Kubernetes API, query parameter `pretty`; numbers beyond 2^53 stay what they are.
  test("JSON ends its line; it is indented for people, on request and for curl and browsers", async () => {
    const body = '{"kind":"Widget","n":9007199254740993,"s":"a \\"{\\\\","o":{},"l":[],"d":[1,{"x":null}]}';
    server.answer = () => ({ ok: true, body: response(200, body) });
    const text = async (path: string, agent = "kubectl/v1.36") =>
      (await bytesOf(await call({ path, headers: { "user-agent": agent } }))).toString();
    const widget = "/apis/example.org/v1/widgets/w";
    const pretty =
      '{\n  "kind": "Widget",\n  "n": 9007199254740993,\n  "s": "a \\"{\\\\",\n  "o": {},\n  "l": [],\n  "d": [\n    1,\n    {\n      "x": null\n    }\n  ]\n}\n';
    expect(await text(widget)).toBe(`${body}\n`);
    expect(await text(`${widget}?pretty=true`)).toBe(pretty);
    for (const agent of ["curl/8.5.0", "Wget/1.21", "Mozilla/5.0 (X11)"]) expect(await text(widget, agent)).toBe(pretty);
    expect(await text(`${widget}?pretty=false`, "curl/8.5.0")).toBe(`${body}\n`);
    expect(await text("/openapi/v2", "curl/8.5.0")).toBe(body);
    expect(await text("/api/v1/namespaces/shop/pods/web-1/proxy/x", "curl/8.5.0")).toBe(body);
    server.answer = () => ({ ok: true, body: response(403, '{"kind":"Status"}') });
    expect(await text("/openapi/v2")).toBe('{"kind":"Status"}\n');
  });

  test("a log that is followed comes as it is written", async () => {
    const replying = call({ path: "/api/v1/namespaces/shop/pods/web-1/log?follow=true" });
    const stream = await server.opened();
    stream.push({ ...response(200, "early\n"), contentType: "text/plain" });
    stream.push({ kind: "api.chunk", bytes: Buffer.from("late\n") });
    stream.end();
    const reply = await replying;
    expect(reply.headers["content-type"]).toBe("text/plain");
    expect((await bytesOf(reply)).toString()).toBe("early\nlate\n");
  });

  test("a watch that is refused is answered with the refusal", async () => {
    const replying = json({ path: "/api/v1/pods?watch=true" });
    const stream = await server.opened();
    stream.push(response(410, '{"reason":"Expired"}'));
    expect(await replying).toMatchObject({ code: 410, body: { reason: "Expired" } });
    await stream.closed;
  });

  test("a watch that ends before it began says that the server is not there", async () => {
    const replying = json({ path: "/api/v1/pods?watch=true" });
    (await server.opened()).end("unreachable", "no actor apiserver/1");
    expect(await replying).toMatchObject({
      code: 503,
      body: { reason: "ServiceUnavailable", message: expect.stringContaining("no actor") },
    });
  });

  test("when a watcher goes away its stream is closed", async () => {
    const replying = call({ path: "/api/v1/pods?watch=true" });
    const stream = await server.opened();
    stream.push(response(200, ""));
    (await replying).abort();
    await stream.closed;
  });

  test("a watcher that does not take its events is cut off", async () => {
    const replying = call({ path: "/api/v1/pods?watch=true" });
    const stream = await server.opened();
    stream.push(response(200, ""));
    const reply = await replying;
    reply.stream.pause();
    const object = Buffer.from(JSON.stringify("x".repeat(256 * 1024)));
    for (let i = 0; i < 64; i++) stream.push({ kind: "api.event", type: "ADDED", object });
    await stream.closed;
    reply.abort();
  });

  test("large answers are compressed for those who can take it", async () => {
    const large = JSON.stringify("y".repeat(200_000));
    server.answer = () => ok(large);
    const zipped = await call({ path: "/api/v1/pods", headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(await bytesOf(zipped)).toString()).toBe(`${large}\n`);
    for (const accepted of ["", "gzip;q=0", "br"]) {
      const plain = await call({ path: "/api/v1/pods", headers: { "accept-encoding": accepted } });
      expect(plain.headers["content-encoding"]).toBeUndefined();
      expect((await bytesOf(plain)).toString()).toBe(`${large}\n`);
    }
  });

  test("a document the client has already is not sent again", async () => {
    server.answer = () => ok('{"kind":"APIGroupDiscoveryList"}', [["ETag", '"X"']]);
    const same = await call({ path: "/apis", headers: { "if-none-match": '"X"' } });
    expect([same.code, same.headers.etag, (await bytesOf(same)).length]).toEqual([304, '"X"', 0]);
    expect((await json({ path: "/apis", headers: { "if-none-match": '"Y"' } })).code).toBe(200);
  });

  test("HEAD has everything but the body", async () => {
    server.answer = () => ok('{"a":1}');
    const reply = await call({ method: "HEAD", path: "/version" });
    expect([reply.code, reply.headers["content-length"], (await bytesOf(reply)).length]).toEqual([200, "7", 0]);
  });

  test("a body beyond the limit is refused, whether its length was announced or not", async () => {
    const body = "x".repeat(64 * 1024 + 1);
    const expected = { code: 413, body: { reason: "RequestEntityTooLarge", message: expect.stringContaining("65536") } };
    const path = "/api/v1/namespaces/shop/configmaps";
    expect(await json({ method: "POST", path, body, headers: { "content-length": String(body.length) } })).toMatchObject(expected);
    expect(server.requests).toEqual([]);
  });

  test("a target or a method that cannot be understood is refused", async () => {
    expect(await json({ path: "/api/v1/pods/%zz" })).toMatchObject({ code: 400, body: { kind: "Status", reason: "BadRequest" } });
    expect(await json({ method: "OPTIONS", path: "/api" })).toMatchObject({ code: 405, body: { reason: "MethodNotAllowed" } });
  });

  test("YAML bodies reach the server as JSON", async () => {
    const post = (body: string, type = "application/yaml") =>
      json({ method: "POST", path: "/api/v1/namespaces/shop/configmaps", headers: { "content-type": type }, body });
    await post("kind: ConfigMap\ndata: {on: 2020-01-01, b: 'x', c: 012, d: 1:30}\n");
    expect(server.requests[0]!.contentType).toBe("application/json");
    expect(JSON.parse(Buffer.from(server.requests[0]!.body).toString())).toEqual({
      kind: "ConfigMap",
      data: { true: "2020-01-01", b: "x", c: 10, d: "1:30" },
    });
    await post('{"kind":"ConfigMap","kind":"Twice"}');
    expect(Buffer.from(server.requests[1]!.body).toString()).toBe('{"kind":"ConfigMap","kind":"Twice"}');
    expect(await post("a: [1, 2\nb: 3")).toMatchObject({
      code: 400,
      body: { message: expect.stringMatching(/converting YAML to JSON.*line \d/) },
    });
    expect(server.requests).toHaveLength(2);
    // What to do about a field that comes twice is the server's to say, and only the text shows it.
    await post("data: {a: b, a: c}\n", "application/x-yaml");
    expect([server.requests[2]!.contentType, Buffer.from(server.requests[2]!.body).toString()]).toEqual([
      "application/yaml",
      "data: {a: b, a: c}\n",
    ]);
  });

  test("an apply patch keeps its type, and JSON that is none is left to the server", async () => {
    const patch = (body: string, type: string) =>
      json({ method: "PATCH", path: "/api/v1/namespaces/shop/configmaps/c?fieldManager=m", headers: { "content-type": type }, body });
    await patch("kind: ConfigMap\n", "application/apply-patch+yaml");
    await patch("{nonsense", "application/merge-patch+json");
    expect(server.requests.map((r) => [r.contentType, Buffer.from(r.body).toString()])).toEqual([
      ["application/apply-patch+yaml", '{"kind":"ConfigMap"}'],
      ["application/merge-patch+json", "{nonsense"],
    ]);
  });

  test("when the server does not answer, reads may be repeated and writes are unknown", async () => {
    server.answer = () => ({ ok: false, error: "crashed", detail: "apiserver/1 crashed" });
    const read = await json({ path: "/api/v1/pods" });
    expect([read.code, read.body.reason, read.headers["retry-after"]]).toEqual([503, "ServiceUnavailable", "1"]);
    const written = await json({ method: "POST", path: "/api/v1/namespaces", body: "{}" });
    expect([written.code, written.body.reason, written.headers["retry-after"]]).toEqual([504, "Timeout", undefined]);
    server.answer = () => ({ ok: false, error: "refused", detail: "starting" });
    expect(await json({ method: "POST", path: "/api/v1/namespaces", body: "{}" })).toMatchObject({
      code: 503,
      headers: { "retry-after": "1" },
    });
  });

  test("a client may ask for less time than there is, never for more", async () => {
    await json({ path: "/api/v1/pods?timeout=5s" });
    await json({ path: "/api/v1/pods?timeout=5h" });
    await json({ path: "/api/v1/pods?timeout=soon" });
    expect(server.deadlines).toEqual([5_000, 60_000, 60_000]);
  });

  test("requests beyond the limit are told to come again, and watches do not count", async () => {
    const held: (() => void)[] = [];
    const arrived = new Promise<void>((resolve) => {
      server.answer = () =>
        new Promise((answer) => {
          held.push(() => answer(ok("{}")));
          if (held.length === 2) resolve();
        });
    });
    const first = [json({ path: "/api/v1/pods" }), json({ path: "/api/v1/nodes" })];
    await arrived;
    expect(await json({ path: "/api/v1/services" })).toMatchObject({
      code: 429,
      headers: { "retry-after": "1" },
      body: { reason: "TooManyRequests" },
    });
    const watching = call({ path: "/api/v1/pods?watch=1" });
    (await server.opened()).push(response(200, ""));
    const watch = await watching;
    expect(watch.code).toBe(200);
    watch.abort();
    for (const release of held) release();
    expect((await Promise.all(first)).map((r) => r.code)).toEqual([200, 200]);
  });

  // Source: RFC 9110, section 5.5; Go's clients take the bytes for UTF-8.
  test("a header's value may be in any script, and cannot begin another header", async () => {
    server.answer = () => ok("{}", [["Warning", '299 - "größer → als\r\nX-Evil: 1"']]);
    const { headers } = await json({ path: "/api" });
    expect(Buffer.from(String(headers.warning), "latin1").toString("utf8")).toBe('299 - "größer → als X-Evil: 1"');
    expect(headers["x-evil"]).toBeUndefined();
  });

  test("a watch whose server is not there at all is answered", async () => {
    server.open = (_request, then) => {
      then({ type: "closed", reason: "unreachable", detail: "gateway/x is not running" });
      return { push: () => {}, close: () => {} };
    };
    expect(await json({ path: "/api/v1/pods?watch=true" })).toMatchObject({
      code: 503,
      body: { message: expect.stringContaining("not running") },
    });
  });

  test("an exchange that fails inside is an internal error", async () => {
    server.answer = () => {
      throw new Error("impossible");
    };
    expect(await json({ path: "/api" })).toMatchObject({ code: 500, body: { reason: "InternalError" } });
  });
});

test("over HTTP/1.1 a body of unknown length is cut off at the limit", async () => {
  const body = "x".repeat(70_000);
  const reply = await begin("HTTP/1.1", gateway.listenPort, {
    ...{ method: "POST", path: "/api/v1/namespaces/shop/configmaps", headers: { "transfer-encoding": "chunked" }, body },
  });
  expect(reply.code).toBe(413);
});

test("a gateway that closes breaks off its watches, and those who were still shaking hands", async () => {
  const front = createServer((socket) => gateway.accept(socket)).listen(0, "127.0.0.1");
  await once(front, "listening");
  const { port } = front.address() as AddressInfo;
  const watching = begin("HTTP/2", port, { path: "/api/v1/pods?watch=true" });
  const stream = await server.opened();
  stream.push(response(200, ""));
  const watch = await watching;
  const silent = connect(port, "127.0.0.1");
  const hungUp = once(silent, "close");
  await once(silent, "connect");
  // The gateway has the silent connection once it has answered on one that came later.
  await bytesOf(await begin("HTTP/1.1", port, { path: "/api" }));
  await gateway.close();
  await stream.closed;
  await hungUp;
  watch.abort();
  front.close();
});

test("a port that is taken is an error that says so", async () => {
  const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
  const listen = { host: "127.0.0.1", port: gateway.listenPort };
  await expect(startGateway({ port: server, listen, tls })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("a gateway that does not listen serves the connections it is handed, with their client certificates", async () => {
  const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
  const behind = await startGateway({ port: server, tls });
  const front = createServer((socket) => behind.accept(socket)).listen(0, "127.0.0.1");
  await once(front, "listening");
  try {
    const reply = await begin("HTTP/2", (front.address() as AddressInfo).port, {
      path: "/api",
      certificate: clientCertificate("jane", []),
    });
    expect([reply.code, (await bytesOf(reply)).toString()]).toEqual([200, "{}\n"]);
    expect(server.requests[0]!.credential).toMatchObject({ commonName: "jane" });
  } finally {
    front.close();
    await behind.close();
  }
});
