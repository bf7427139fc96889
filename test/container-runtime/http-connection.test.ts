import { httpResponse, parseHttp } from "../../actors/container-runtime/http-connection";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

// Source: RFC 9112, sections 3, 6 and 7.1.
describe("HTTP/1.1 on a forwarded connection", () => {
  test("a request is taken off as a whole, and what comes behind it stays", () => {
    const parsed = parseHttp(bytes("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HT"));
    if (parsed.is !== "request") throw new Error(parsed.is);
    expect({ ...parsed.request, body: text(parsed.request.body) }).toEqual({
      method: "POST",
      path: "/a?b=c",
      body: "abc",
      keepAlive: true,
    });
    expect(text(parsed.rest)).toBe("GET / HT");
  });

  test("a body may come in chunks", () => {
    const whole = "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n";
    const parsed = parseHttp(bytes(whole));
    if (parsed.is !== "request") throw new Error(parsed.is);
    expect([text(parsed.request.body), parsed.request.keepAlive, parsed.rest.length]).toEqual(["abcde", false, 0]);
    for (let length = 0; length < whole.length; length++)
      expect([length, parseHttp(bytes(whole.slice(0, length))).is]).toEqual([length, "partial"]);
  });

  test.each([
    ["\x16\x03\x01\x02\x00", "no HTTP request"],
    ["*1\r\n$4\r\nPING\r\n", "no HTTP request"],
    ["GET\r\n\r\n", "malformed request line"],
    ["GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "unusable Content-Length"],
    ["GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed chunk"],
  ])("%j is refused", (sent, why) => {
    expect(parseHttp(bytes(sent))).toEqual({ is: "bad", why });
  });

  test("an answer says its length", () => {
    expect(text(httpResponse(503, bytes("no"), false))).toBe(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
    );
  });
});
