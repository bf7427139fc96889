import { constants, deflateSync } from "node:zlib";
import type { Draws } from "../draws";
import { type MakeAttack, noise, type Target } from "./attack";

const protocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "SPDY/3.1+portforward.k8s.io",
  "channel.k8s.io",
  "",
  "v9",
  ",,",
  "v5.channel.k8s.io, v5.channel.k8s.io",
];

const paths = (draws: Draws, { namespace, pod }: Target) => {
  const root = `/api/v1/namespaces/${namespace}/pods/${pod}`;
  return draws.of([
    `${root}/exec?command=cat&stdin=true&stdout=true&stderr=true`,
    `${root}/exec?command=cat&stdin=true&stdout=true&tty=true`,
    `${root}/exec?command=echo&stdout=true`,
    `${root}/exec`,
    `${root}/exec?command=cat&stdin=maybe&container=none`,
    `${root}/attach?stdin=true&stdout=true&stderr=true`,
    `${root}/portforward?ports=8080`,
    `${root}/portforward?ports=0,99999,-1`,
    `${root}/portforward`,
    `${root}/log?follow=true`,
    `/api/v1/namespaces/${namespace}/pods?watch=1&timeoutSeconds=1`,
    "/api/v1/namespaces/none/pods/none/exec?command=cat&stdin=true",
  ]);
};

/** A WebSocket frame of RFC 6455, section 5.2, with whatever bits and length are asked for. */
function frame(
  draws: Draws,
  opcode: number,
  payload: Uint8Array,
  { fin = true, masked = true, reserved = 0, length = payload.length } = {},
): Buffer {
  const head = [(fin ? 128 : 0) | (reserved << 4) | opcode];
  const mask = masked ? 128 : 0;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) {
    head.push(mask | 126);
    extended.writeUInt16BE(length);
  } else {
    head.push(mask | 127);
    extended.writeBigUInt64BE(BigInt(length));
  }
  const key = Buffer.of(draws.below(256), draws.below(256), draws.below(256), draws.below(256));
  const body = masked ? Buffer.from(payload.map((byte, i) => byte ^ key[i % 4]!)) : Buffer.from(payload);
  return Buffer.concat([Buffer.from(head), extended, masked ? key : Buffer.alloc(0), body]);
}

const channelled = (draws: Draws) =>
  draws.of([
    () => Buffer.concat([Buffer.of(0), noise(draws, 200)]),
    () => Buffer.concat([Buffer.of(draws.below(256)), noise(draws, 20)]),
    () =>
      Buffer.from(
        `\u0004${draws.of(['{"Width":1,"Height":1}', '{"Width":-1}', '{"Width":1e99,"Height":null}', "{", "[]", "null", '"a"'])}`,
      ),
    () => Buffer.of(255, draws.below(256)),
    () => Buffer.of(255),
    () => Buffer.alloc(0),
    () => Buffer.concat([Buffer.of(0), Buffer.alloc(100_000, 97)]),
    () => noise(draws, 300),
  ])();

function hostileFrame(draws: Draws): Buffer {
  const bytes = channelled(draws);
  return draws.of([
    () => frame(draws, 2, bytes),
    () => frame(draws, 2, bytes),
    () => frame(draws, 1, bytes),
    () => frame(draws, 2, bytes, { masked: false }),
    () => frame(draws, 2, bytes, { reserved: 1 + draws.below(7) }),
    () => frame(draws, draws.below(16), bytes),
    () => frame(draws, 0, bytes),
    () => Buffer.concat([frame(draws, 2, bytes, { fin: false }), frame(draws, 9, noise(draws, 20)), frame(draws, 0, bytes)]),
    () => Buffer.concat([frame(draws, 2, bytes, { fin: false }), frame(draws, 2, bytes)]),
    () => frame(draws, 9, Buffer.alloc(126)),
    () => frame(draws, 10, noise(draws, 125)),
    () => frame(draws, 8, Buffer.of(draws.below(256))),
    () => frame(draws, 8, Buffer.concat([Buffer.of(draws.below(256), draws.below(256)), noise(draws, 20)])),
    () => frame(draws, 2, bytes, { length: draws.of([5_000_000, 2 ** 32, 2 ** 52, 200]) }),
    () => noise(draws, 100),
  ])();
}

const upgrade = (path: string, lines: readonly string[]) =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");

/** A WebSocket, opened rightly or nearly so, and then frames that nobody should send; for port-forward also SPDY in them. */
export const webSocket: MakeAttack = (draws, target, writes) => {
  const protocol = draws.of(protocols);
  const lines = [
    `Upgrade: ${draws.oneIn(20) ? "websocket, spdy/3.1" : "websocket"}`,
    `Sec-WebSocket-Version: ${draws.oneIn(20) ? draws.below(20) : 13}`,
    `Sec-WebSocket-Key: ${draws.oneIn(20) ? "short" : "dGhlIHNhbXBsZSBub25jZQ=="}`,
    ...(protocol === "" ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(draws.oneIn(10) ? ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99"] : []),
  ];
  const isTunnelled = protocol.startsWith("SPDY") && !draws.oneIn(4);
  const next = () => (isTunnelled ? frame(draws, 2, spdyFrame(draws)) : hostileFrame(draws));
  const sent = Array.from({ length: 1 + draws.below(6) }, next);
  return {
    name: "WebSocket",
    alpn: "http/1.1",
    pieces: [upgrade(paths(draws, target), lines), Buffer.concat(sent)],
    writes,
    mayWrite: false,
  };
};

const dictionary = (require("spdy-transport/lib/spdy-transport/protocol/spdy/dictionary") as Readonly<Record<string, Buffer>>)["3.1"]!;

/** A header block of SPDY/3.1 (section 2.6.10), which may say that it holds more than it does. */
function block(pairs: readonly (readonly [string, string])[], count = pairs.length): Buffer {
  const word = (value: number) => Buffer.of(value >>> 24, value >>> 16, value >>> 8, value);
  const counted = (text: string) => [word(text.length), Buffer.from(text, "latin1")];
  return deflateSync(Buffer.concat([word(count), ...pairs.flatMap((pair) => pair.flatMap(counted))]), {
    dictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

const stream = (streamtype: string, port: string, requestid: string) => block([...Object.entries({ streamtype, port, requestid })]);
const blocks = [
  Buffer.alloc(0),
  deflateSync(Buffer.alloc(8)),
  stream("data", "8080", "1"),
  stream("error", "8080", "1"),
  stream("data", "-1", "\u0000"),
  stream("stdin", "", ""),
  stream("error", "", ""),
  stream("none", "99999", "1".repeat(1_000)),
  block([["__proto__", "constructor"]]),
  block([["", ""]], 1),
  block([["a", "b"]], 0xffffffff),
  // A bomb: a few kilobytes that become megabytes.
  block([["a", "0".repeat(4_000_000)]]),
];

function spdyFrame(draws: Draws): Buffer {
  const payload = draws.oneIn(2)
    ? noise(draws, 80)
    : Buffer.concat([Buffer.of(0, 0, 0, draws.below(9), 0, 0, 0, 0, 0, 0), draws.of(blocks)]);
  const head = Buffer.alloc(8);
  if (draws.oneIn(4)) head.writeUInt32BE(draws.of([0, 1, 3, 0x7fffffff]));
  else {
    head.writeUInt16BE(0x8000 | draws.of([3, 3, 3, 2, 0x7fff]));
    head.writeUInt16BE(draws.of([1, 2, 3, 4, 6, 7, 8, 9, draws.below(65_536)]), 2);
  }
  head[4] = draws.below(256);
  head.writeUIntBE(draws.oneIn(4) ? draws.of([0, 1, 4, 0xffffff]) : payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** SPDY/3.1 as old clients speak it: the upgrade, then frames of all types with whatever in them. */
export const spdy: MakeAttack = (draws, target, writes) => {
  const path = paths(draws, target);
  const offered = draws.of(["v4.channel.k8s.io", "v5.channel.k8s.io", "portforward.k8s.io", "none"]);
  const request = upgrade(path, [`Upgrade: ${draws.oneIn(10) ? "SPDY/2" : "SPDY/3.1"}`, `X-Stream-Protocol-Version: ${offered}`]);
  const sent = Array.from({ length: 1 + draws.below(8) }, () => spdyFrame(draws));
  return { name: "SPDY", alpn: "http/1.1", pieces: [request, Buffer.concat(sent)], writes, mayWrite: false };
};
