import type { Draws } from "../draws";
import { configMapOf, type MakeAttack, noise } from "./attack";

/** A request whose head says two things about where its body ends, or nothing that can be read: what is behind it must not become a request. */
const ambiguous: readonly ((body: string, draws: Draws) => string)[] = [
  (body) => `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${body}`,
  (body) => `Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${body}`,
  (body) => `Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd${body}`,
  (body) => `Content-Length: 4, 5\r\n\r\nabcd${body}`,
  (body) => `Content-Length: -1\r\n\r\n${body}`,
  (body) => `Content-Length: +4\r\n\r\nabcd${body}`,
  (body) => `Content-Length: 0x4\r\n\r\nabcd${body}`,
  (body) => `Content-Length: 99999999999999999999999\r\n\r\n${body}`,
  (body) => `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${body}`,
  (body) => `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${body}`,
  (body) => `Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${body}`,
  (body) => `Transfer-Encoding: chunked\r\n\r\n-1\r\n${body}`,
  (body) => `Transfer-Encoding: chunked\r\n\r\n1;${"x".repeat(40_000)}\r\na\r\n0\r\n\r\n${body}`,
  (body) => `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${body}`,
  (body) => ` Content-Length: 4\r\n\r\nabcd${body}`,
  (body) => `X: a\r\n b\u0000\r\nContent-Length: 4\r\n\r\nabcd${body}`,
  (body) => `X: ${"a".repeat(70_000)}\r\n\r\n${body}`,
  (body) => `${"X: 0123456789012345678901234567890123456789\r\n".repeat(3_000)}\r\n${body}`,
  (body, draws) => `X: ${noise(draws, 60).toString("latin1")}\u0000\r\n\r\n${body}`,
];

/** One head that is wrong, with a whole request behind it that nobody sent. */
export const smuggle: MakeAttack = (draws, { namespace }, writes) => {
  const body = configMapOf(writes);
  const hidden = `POST /api/v1/namespaces/${namespace}/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const way = draws.below(ambiguous.length);
  const path = draws.of(["/version", `/api/v1/namespaces/${namespace}/configmaps`, `/api/v1/namespaces/${namespace}/pods`]);
  const text = `${draws.of(["POST", "PUT", "DELETE", "GET"])} ${path}/none HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${ambiguous[way]!(hidden, draws)}`;
  return { name: `smuggled ${way}`, alpn: "http/1.1", pieces: [Buffer.from(text, "latin1")], writes, mayWrite: false };
};

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "QUERY", "A".repeat(300)];
const versions = ["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "", "HTTP/1.1 extra"];
const paths = [
  "/api/v1/namespaces/default/configmaps",
  "https://elsewhere.example.com/api/v1/namespaces",
  "//api//v1/../../etc/passwd",
  "*",
  "api/v1",
  "/api/v1/namespaces/%00/configmaps",
  "/%zz",
  `/${"a/".repeat(20_000)}`,
  `/api/v1/pods?${"labelSelector=a&".repeat(900)}`,
  "/api/v1/pods?watch=1&timeoutSeconds=1",
  "/\u00ff\u00fe",
];
const headers = [
  "Host: a",
  "Host: a\r\nHost: b",
  "Expect: 100-continue",
  "Expect: something",
  "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
  "Connection: close, keep-alive, authorization",
  "Authorization: Bearer ",
  `Authorization: Bearer ${"a.".repeat(5_000)}`,
  "Authorization: Basic !!!",
  "Accept: application/json;as=Table;v=v1;g=meta.k8s.io, */*;q=2",
  "Accept-Encoding: gzip;q=nonsense, br, *;q=0",
  "Content-Encoding: gzip",
  "Content-Type: application/vnd.kubernetes.protobuf",
  "Impersonate-User: a\r\nImpersonate-User: b",
  "Impersonate-Group: system:masters",
  "Impersonate-Extra-%zz: a",
  "X-Remote-User: system:admin\r\nX-Remote-Group: system:masters",
  "Content-Length: 10",
  "Transfer-Encoding: chunked",
  "Range: bytes=0-1",
  "Cookie: a=b",
];

/** Heads put together from parts that are each wrong in a way of their own, with noise behind. */
export const head: MakeAttack = (draws, _target, writes) => {
  const count = draws.below(5);
  const lines = Array.from({ length: count }, () => draws.of(headers));
  const text = `${draws.of(methods)} ${draws.of(paths)} ${draws.of(versions)}\r\n${lines.join("\r\n")}${draws.oneIn(8) ? "" : "\r\n\r\n"}`;
  const pieces = [Buffer.concat([Buffer.from(text, "latin1"), noise(draws, 40)])];
  return { name: "a head of hostile parts", alpn: "http/1.1", pieces, writes, mayWrite: false };
};

/** A request that is right, cut off before its body is whole. */
export const cutOff: MakeAttack = (draws, { namespace }, writes) => {
  const body = configMapOf(writes);
  const begun = `POST /api/v1/namespaces/${namespace}/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
  const sent = body.slice(0, draws.below(body.length));
  const framed = draws.oneIn(2)
    ? `Content-Length: ${body.length}\r\n\r\n${sent}`
    : `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${sent}`;
  return { name: "cut off", alpn: "http/1.1", pieces: [Buffer.from(begun + framed)], writes, mayWrite: false };
};

/** A request that is right: the others are nothing if this one does not get through. */
export const rightful: MakeAttack = (_draws, { namespace }, writes) => {
  const body = configMapOf(writes);
  const text = `POST /api/v1/namespaces/${namespace}/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return { name: "rightful", alpn: "http/1.1", pieces: [Buffer.from(text)], writes, mayWrite: true };
};
