import type { EventEmitter } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import WebSocket from "ws";
import { type Gateway, startGateway } from "../../../actors/api-server/gateway/gateway";
import { serveSpdy } from "../../../actors/api-server/gateway/tunnel/spdy";
import { forwardOverSpdy } from "../../../actors/api-server/gateway/tunnel/spdy-forward";
import type { ApiMessage } from "../../../protocol/api";
import { authority, FakeServer, type OpenStream, response, serving } from "./world";

let server: FakeServer;
let gateway: Gateway;
const execPath = "/api/v1/namespaces/shop/pods/web-1/exec?command=sh&command=-c&command=date&stdin=true&stdout=true&stderr=true";

beforeEach(async () => {
  server = new FakeServer();
  const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
  gateway = await startGateway({ port: server, listen: { host: "127.0.0.1", port: 0 }, tls });
});
afterEach(() => gateway.close());

const accepted: ApiMessage = { kind: "api.response", code: 101, contentType: "", headers: [], body: new Uint8Array(0) };
const data = (channel: number, text: string): ApiMessage => ({ kind: "tunnel.data", channel, bytes: Buffer.from(text) });

/** A WebSocket client, and what it hears: messages as [channel, text], in the end its close code or its refusal. */
function dial(path: string, protocols: readonly string[]) {
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.listenPort}${path}`, [...protocols], { ca: authority.certificate });
  const heard: [number, string][] = [];
  socket.on("message", (bytes: Buffer) => heard.push([bytes[0]!, bytes.subarray(1).toString()]));
  const opened = new Promise<void>((resolve) => socket.on("open", () => resolve()));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  const refused = new Promise<{ code: number; body: string }>((resolve) =>
    socket.on("unexpected-response", (_request, reply) => {
      let body = "";
      reply.on("data", (chunk) => {
        body += chunk;
      });
      reply.on("end", () => resolve({ code: reply.statusCode!, body }));
    }),
  );
  socket.on("error", () => {});
  return { socket, heard, opened, closed, refused };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

// Source: KEP-4006; the subprotocols' first byte is the channel, and in v5 255 closes the one that it names.
test("exec over v5.channel.k8s.io: channels both ways, the end of input, the status last", async () => {
  const client = dial(execPath, ["v5.channel.k8s.io", "v4.channel.k8s.io"]);
  const stream: OpenStream = await server.opened();
  expect(stream.request).toMatchObject({ verb: "get", subresource: "exec", name: "web-1", repeated: { command: ["sh", "-c", "date"] } });
  stream.push(accepted);
  await client.opened;
  expect(client.socket.protocol).toBe("v5.channel.k8s.io");
  stream.push(data(1, "out"));
  stream.push(data(2, "err"));
  client.socket.send(Buffer.from("\0typed"));
  client.socket.send(Buffer.of(255, 0));
  client.socket.send(Buffer.from("\x02not for a client to say"));
  await until(() => stream.sent.length === 2);
  expect(stream.sent).toEqual([
    { kind: "tunnel.data", channel: 0, bytes: Buffer.from("typed") },
    { kind: "tunnel.close", channel: 0 },
  ]);
  stream.push(data(3, '{"status":"Success"}'));
  stream.end();
  expect(await client.closed).toBe(1000);
  expect(client.heard).toEqual([
    [1, ""],
    [1, "out"],
    [2, "err"],
    [3, '{"status":"Success"}'],
  ]);
});

test("what the server refuses is an ordinary answer, before anything is upgraded", async () => {
  const client = dial(execPath, ["v5.channel.k8s.io"]);
  const stream = await server.opened();
  stream.push(response(403, '{"kind":"Status","reason":"Forbidden"}'));
  expect(await client.refused).toEqual({ code: 403, body: '{"kind":"Status","reason":"Forbidden"}' });
});

// Sources: "Pods should support retrieving logs from the container over websockets"; apiserver's streams over WebSockets.
test("logs over WebSockets: an empty message, then the bytes, or base64 text of them, until the log ends", async () => {
  const path = "/api/v1/namespaces/shop/pods/web-1/log?container=web";
  const whole = (protocols: readonly string[], target: string) => {
    const socket = new WebSocket(`wss://127.0.0.1:${gateway.listenPort}${target}`, [...protocols], { ca: authority.certificate });
    const heard: (string | Buffer)[] = [];
    socket.on("message", (bytes: Buffer, isBinary) => heard.push(isBinary ? bytes : bytes.toString()));
    return { socket, heard, closed: new Promise<number>((resolve) => socket.on("close", resolve)) };
  };
  server.answer = () => ({ ok: true, body: response(200, "one\ntwo\n") });
  const plain = whole([], path);
  const binary = whole(["chat", "binary.k8s.io"], path);
  const text = whole(["base64.binary.k8s.io"], path);
  expect(await Promise.all([plain.closed, binary.closed, text.closed])).toEqual([1000, 1000, 1000]);
  for (const { heard } of [plain, binary]) expect(heard).toEqual([Buffer.from(""), Buffer.from("one\ntwo\n")]);
  expect(text.heard).toEqual(["", Buffer.from("one\ntwo\n").toString("base64")]);
  expect([plain, binary, text].map(({ socket }) => socket.protocol)).toEqual(["", "binary.k8s.io", "base64.binary.k8s.io"]);
  server.answer = () => ({ ok: true, body: response(404, "none") });
  expect(await dial(path, ["binary.k8s.io"]).refused).toEqual({ code: 404, body: "none" });
  expect((await dial(path, ["chat"]).refused).body).toContain("server accepts [binary.k8s.io base64.binary.k8s.io]");
  const followed = whole(["binary.k8s.io"], `${path}&follow=true`);
  const stream = await server.opened();
  stream.push(response(200, ""));
  stream.push({ kind: "api.chunk", bytes: Buffer.from("now\n") });
  await until(() => followed.heard.length === 2);
  expect(followed.heard).toEqual([Buffer.from(""), Buffer.from("now\n")]);
  followed.socket.close();
  await stream.closed;
});

test.each([
  [execPath, ["chat"], 400, "unable to negotiate protocol"],
  ["/api/v1/namespaces/shop/pods?watch=true", ["v5.channel.k8s.io"], 400, "cannot be had over websocket"],
  ["/api/v1/namespaces/shop/services/web/proxy", ["v5.channel.k8s.io"], 501, "proxy cannot be had over websocket"],
  ["/api/v1/namespaces/shop/pods/p/portforward", ["v4.channel.k8s.io"], 400, "at least one port"],
])("an upgrade of %s to %j is refused in words", async (path, protocols, code, words) => {
  const reply = await dial(path, protocols).refused;
  expect(reply.code).toBe(code);
  expect(reply.body).toContain(words);
  expect(server.requests).toEqual([]);
});

test("a client that goes away closes the tunnel; a server that goes away closes the client's socket", async () => {
  const first = dial(execPath, ["v4.channel.k8s.io"]);
  const one = await server.opened();
  one.push(accepted);
  await first.opened;
  first.socket.terminate();
  await one.closed;
  const second = dial(execPath, ["v4.channel.k8s.io"]);
  const two = await server.opened();
  two.push(accepted);
  await second.opened;
  two.end("crashed", "");
  expect(await second.closed).toBe(1000);
});

test("port-forward over v4.channel.k8s.io: a pair of channels for each port, which say the port's number first", async () => {
  const client = dial("/api/v1/namespaces/shop/pods/web-1/portforward?ports=8080&ports=9090", ["v4.channel.k8s.io"]);
  const stream = await server.opened();
  stream.push(accepted);
  await client.opened;
  client.socket.send(Buffer.from("\x02hello"));
  await until(() => stream.sent.length === 3);
  expect(stream.sent).toEqual([
    { kind: "tunnel.connect", channel: 0, port: 8080 },
    { kind: "tunnel.connect", channel: 1, port: 9090 },
    { kind: "tunnel.data", channel: 1, bytes: Buffer.from("hello") },
  ]);
  stream.push(data(1, "answer"));
  stream.push({ kind: "tunnel.failed", channel: 0, message: "refused" });
  stream.push({ kind: "tunnel.close", channel: 1 });
  expect(await client.closed).toBe(1000);
  const number = (port: number) => Buffer.of(port & 255, port >> 8).toString();
  expect(client.heard).toEqual([
    [0, number(8080)],
    [1, number(8080)],
    [2, number(9090)],
    [3, number(9090)],
    [2, "answer"],
    [1, "refused"],
  ]);
});

test("garbage after an upgrade to SPDY ends that connection and nothing else", async () => {
  const socket: TLSSocket = connect({ host: "127.0.0.1", port: gateway.listenPort, ca: authority.certificate });
  socket.on("error", () => {});
  const head = ["Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io"].join("\r\n");
  socket.write(`POST ${execPath} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
  const stream = await server.opened();
  stream.push(accepted);
  const [reply] = await new Promise<[Buffer]>((resolve) => socket.once("data", (bytes: Buffer) => resolve([bytes])));
  expect(reply.toString("latin1")).toMatch(/^HTTP\/1\.1 101 [\s\S]*X-Stream-Protocol-Version: v4\.channel\.k8s\.io/);
  const gone = new Promise((resolve) => socket.on("close", resolve));
  // A SYN_STREAM whose headers are not compressed at all.
  socket.write(Buffer.from("800300010000000e00000001000000000000deadbeef", "hex"));
  await gone;
  await stream.closed;
  const client = dial(execPath, ["v5.channel.k8s.io"]);
  (await server.opened()).push(accepted);
  await client.opened;
  client.socket.terminate();
});

describe("streams over SPDY", () => {
  // The client's side of the library, which brings no types of its own.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const { connection: connections } = require("spdy-transport") as any;
  /** A client of a server that `serve` makes, over a pair of pipes. Its streams say whether they were reset. */
  function clientOf(serve: (socket: Duplex) => void) {
    const [near, far] = duplexPair();
    serve(far);
    const client = connections.create(near, { protocol: "spdy", isServer: false, windowSize: 1 << 30 });
    client.on("error", () => {});
    client.start(3.1);
    return (headers: object): { state: "open" | "reset" } => {
      const seen: { state: "open" | "reset" } = { state: "open" };
      client.request({ method: "POST", path: "/", host: "x", headers }, (_error: Error | null, stream: EventEmitter) => {
        stream.on("close", () => {
          seen.state = "reset";
        });
      });
      return seen;
    };
  }

  test("are bounded: what is opened beyond is reset, and the others go on", async () => {
    const taken: string[] = [];
    const open = clientOf((socket) => {
      serveSpdy(
        socket,
        (stream) => taken.push(String(stream.headers.number)),
        () => {},
        3,
      );
    });
    const streams = [1, 2, 3, 4, 5].map((number) => open({ number: String(number) }));
    await until(() => streams.filter(({ state }) => state === "reset").length === 2);
    expect(taken).toEqual(["1", "2", "3"]);
    expect(streams.slice(0, 3).map(({ state }) => state)).toEqual(["open", "open", "open"]);
  });

  test("of port-forward come in pairs; half of one is reset after a while (kubelet: streamCreationTimeout)", async () => {
    const sent: unknown[] = [];
    const link = { send: (message: unknown) => void sent.push(message), close: () => {}, receive: () => {} };
    const open = clientOf((socket) => forwardOverSpdy(socket, link as never, 50));
    const half = open({ streamtype: "error", port: "80", requestid: "1" });
    const whole = ["error", "data"].map((streamtype) => open({ streamtype, port: "81", requestid: "2" }));
    await until(() => half.state === "reset");
    expect(whole.map(({ state }) => state)).toEqual(["open", "open"]);
    expect(sent).toEqual([{ kind: "tunnel.connect", channel: 0, port: 81 }]);
  });
});
