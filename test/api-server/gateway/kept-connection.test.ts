import { connect } from "node:tls";
import { type Gateway, startGateway } from "../../../actors/api-server/gateway/gateway";
import { authority, FakeServer, response, serving } from "./world";

describe("a connection of HTTP/1.1 that is kept", () => {
  const server = new FakeServer();
  let gateway: Gateway;
  beforeAll(async () => {
    const tls = { key: serving.key, cert: serving.certificate, ca: authority.certificate };
    gateway = await startGateway({ port: server, listen: { host: "127.0.0.1", port: 0 }, tls });
  });
  afterAll(() => gateway.close());

  /** Sends bytes and collects what comes until so many answers are there. */
  function answers(bytes: string, count: number): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      let text = "";
      const socket = connect({ host: "127.0.0.1", port: gateway.listenPort, ca: authority.certificate }, () => socket.write(bytes));
      socket.setTimeout(5_000, () => reject(new Error(`only this came: ${text}`)));
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        text += chunk;
        const bodies = [...text.matchAll(/\{"n":"[^"]*"\}/g)].map(([body]) => body);
        if (bodies.length < count) return;
        socket.destroy();
        resolve(bodies);
      });
    });
  }

  test("answers each request, in order, also one that comes before the answer to the one before has left", async () => {
    // The first is the slowest.
    let n = 0;
    server.answer = async ({ path }) => {
      await new Promise((resolve) => setTimeout(resolve, 40 - 10 * n++));
      return { ok: true, body: response(200, `{"n":"${path}"}`) };
    };
    const requests = ["a", "b", "c"].map((path) => `GET /${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(await answers(requests.join(""), 3)).toEqual(['{"n":"/a"}', '{"n":"/b"}', '{"n":"/c"}']);
  });
});
