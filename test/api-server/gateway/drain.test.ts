import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import { startGateway } from "../../../actors/api-server/gateway/gateway";
import type { ApiResponse } from "../../../protocol/api";
import type { Answer } from "../../../runtime/actor";
import { authority, begin, FakeServer, ok, serving } from "./world";

const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
const listen = { host: "127.0.0.1", port: 0 };

describe("a door whose server goes", () => {
  test("sends HTTP/2 clients a GOAWAY, finishes what they began, and takes no more connections", async () => {
    const server = new FakeServer();
    let answer: (given: Answer<ApiResponse>) => void = () => undefined;
    server.answer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const gateway = await startGateway({ port: server, listen, tls });
    const session = connect(`https://127.0.0.1:${gateway.listenPort}`, { ca: authority.certificate });
    const goaway = once(session, "goaway");
    const stream = session.request({ ":path": "/api/v1/pods" });
    const head = once(stream, "response");
    await once(stream, "ready");
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const drained = gateway.drain(30_000);
    expect((await goaway)[0]).toBe(0);
    answer(ok('{"a":1}'));
    expect((await head)[0][":status"]).toBe(200);
    stream.resume();
    await drained;
    await expect(begin("HTTP/1.1", gateway.listenPort, { path: "/api" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await gateway.close();
  });

  test("with --goaway-chance clients are sent to another connection once their request is answered", async () => {
    const gateway = await startGateway({ port: new FakeServer(), listen, tls, goawayChance: 1 });
    const session = connect(`https://127.0.0.1:${gateway.listenPort}`, { ca: authority.certificate });
    const goaway = once(session, "goaway");
    const stream = session.request({ ":path": "/api/v1/pods" });
    expect((await once(stream, "response"))[0][":status"]).toBe(200);
    stream.resume();
    expect((await goaway)[0]).toBe(0);
    await once(session, "close");
    const old = await begin("HTTP/1.1", gateway.listenPort, { path: "/api" });
    expect(old.headers.connection).toBe("close");
    await gateway.close();
  });
});

describe("a door whose clients keep it waiting", () => {
  test("ends HTTP/2 connections on which nothing is under way, whether or not anything ever was, and leaves those with a watch alone", async () => {
    const gateway = await startGateway({ port: new FakeServer(), listen, tls, limits: { idleMs: 60 } });
    const session = () => connect(`https://127.0.0.1:${gateway.listenPort}`, { ca: authority.certificate });
    const watching = session();
    const watch = watching.request({ ":path": "/api/v1/pods?watch=true" });
    watch.resume();
    await once(watching, "connect");
    // The head of a request that never ends: HEADERS without END_HEADERS, and nothing more.
    const endless = connectTls({ host: "127.0.0.1", port: gateway.listenPort, ca: authority.certificate, ALPNProtocols: ["h2"] });
    endless.on("error", () => {});
    endless.resume();
    endless.write(
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from("000000040000000000" + "00000101000000000182", "hex")]),
    );
    const idle = session();
    const [code] = await once(idle, "goaway");
    expect(code).toBe(0);
    await Promise.all([once(idle, "close"), once(endless, "close")]);
    expect([watching.closed, watch.closed]).toEqual([false, false]);
    watching.destroy();
    await gateway.close();
  });
});
