import fc from "fast-check";
import { Packr } from "msgpackr";
import { address } from "../../protocol/address";
import { decode, decodeEnvelope, encode, encodeEnvelope } from "../../protocol/codec";
import { type Envelope, protocolVersion } from "../../protocol/envelope";
import { bodyOf } from "../../protocol/response-codec";
import { damagedInTransit, SpokenVersions } from "../../runtime/versions";

const envelope: Envelope = {
  operation: "ask",
  to: address("etcd", 0),
  from: address("apiserver", 1),
  toIncarnation: 0,
  fromIncarnation: 3,
  id: 7,
  sequence: 0,
  fromOpener: true,
  deadlineMs: 500,
  kind: "etcd.range",
  body: encode({ kind: "etcd.range" }),
};
const plain = (e: Envelope) => ({ ...e, body: [...e.body] });

describe("frames of the protocol's versions", () => {
  it("carry every field in this version, the one before and the next", () => {
    for (const version of [protocolVersion - 1, protocolVersion, protocolVersion + 1])
      expect(plain(decodeEnvelope(encodeEnvelope(envelope, version)))).toEqual(plain(envelope));
  });

  it("are read by a neighbour and refused by who is two versions away", () => {
    const next = encodeEnvelope(envelope, protocolVersion + 1);
    expect(plain(decodeEnvelope(encodeEnvelope(envelope), protocolVersion - 1))).toEqual(plain(envelope));
    expect(() => decodeEnvelope(next, protocolVersion - 1)).toThrow("version 3 is not a neighbour of 1");
    expect(() => decodeEnvelope(encodeEnvelope(envelope, protocolVersion - 1), protocolVersion + 1)).toThrow(
      "version 1 is not a neighbour of 3",
    );
  });

  it("are refused with any one bit wrong (CRC-32 detects every burst of up to 32 bits)", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.uint8Array({ maxLength: 300 }), (draw, bytes) => {
        expect(() => damagedInTransit({ ...envelope, body: bytes }, draw)).toThrow("envelope: ");
      }),
      { seed: 1 },
    );
  });

  it("are refused when they are cut short", () => {
    const frame = encodeEnvelope(envelope);
    for (let length = 1; length < frame.length; length++) expect(() => decodeEnvelope(frame.subarray(0, length))).toThrow();
  });
});

describe("hosts in the middle of an upgrade", () => {
  it("say things that this version does not know, and say them so that it can pass over them", () => {
    const versions = new SpokenVersions();
    versions.set("a", 1);
    expect(versions.agree("a", "b")).toBe(false);
    const said = decode(versions.translated("a", "b", envelope).body);
    expect(Object.keys(said)).toEqual(["kind", "field-of-a-later-version"]);
    expect(decode(versions.translated("b", "a", envelope).body)).toEqual({ kind: "etcd.range" });
    versions.set("b", -1);
    expect(() => versions.translated("a", "b", envelope)).toThrow("not a neighbour");
    versions.set("a", 0);
    versions.set("b", 0);
    expect(versions.agree("a", "b")).toBe(true);
  });
});

describe("an API server's answer", () => {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const headers = [
    ["Audit-ID", "x".repeat(300)],
    ["Warning", '299 - "w"'],
  ];
  const answer = (body: Uint8Array, code = 200) => ({ kind: "api.response", code, contentType: "application/json", headers, body });

  it("is written as any msgpack writer would write it, and read back, with bodies of all sizes", () => {
    for (const length of [0, 1, 255, 256, 65_535, 65_536, 70_000])
      for (const code of [100, 200, 503]) {
        const roomy = bodyOf(length).fill(65);
        const expected = packr.pack(answer(Buffer.alloc(length, 65), code));
        for (const body of [roomy, new Uint8Array(length).fill(65)]) expect(Buffer.compare(encode(answer(body, code)), expected)).toBe(0);
        expect(decode(expected)).toEqual(answer(Buffer.alloc(length, 65), code));
      }
  });

  it("is the same bytes when it is said again, and others under another head", () => {
    const body = bodyOf(5_000).fill(65);
    const first = encode(answer(body));
    const other = encode(answer(body, 503));
    expect(encode(answer(body))).toBe(first);
    expect([decode(first), decode(other)]).toEqual([answer(Buffer.alloc(5_000, 65)), answer(Buffer.alloc(5_000, 65), 503)]);
  });

  it("is written and read as what it is, whatever head another had that shares headers with it", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => [name, "x"] as [string, string]);
    const own = [a!, b!];
    const said = (more: object) => ({ ...answer(Buffer.from("body")), headers: own, ...more });
    const heads = [{}, { headers: [a!, c!] }, { headers: [a!] }, { code: 201 }, { contentType: "text/plain" }, {}];
    for (const more of [...heads, ...heads]) {
      expect(Buffer.compare(encode(said(more)), packr.pack(said(more)))).toBe(0);
      expect(decode(packr.pack(said(more)))).toEqual(said(more));
    }
    own.push(c!);
    expect(Buffer.compare(encode(said({})), packr.pack(said({})))).toBe(0);
  });

  it("may hold what is not ASCII, or more than is known of", () => {
    const odd = { ...answer(Buffer.from("é")), headers: [["X", "é – 字"]], later: [1, { a: null }] };
    expect(decode(encode(odd))).toEqual(odd);
  });

  it("cut off anywhere is refused", () => {
    const bytes = encode(answer(Buffer.from("body")));
    for (let length = 0; length < bytes.length; length++) expect(() => decode(bytes.subarray(0, length))).toThrow();
  });
});

describe("a request of a gateway", () => {
  const request = (auditId: string, more: object = {}) => ({
    ...{ kind: "api.request", verb: "get", path: "/api/v1/pods", isResource: true, group: "", version: "v1", resource: "pods" },
    ...{ subresource: "", namespace: "", name: "", query: { limit: "5" }, accept: "", contentType: "", userAgent: "kubectl" },
    ...{ credential: { type: "anonymous" }, impersonation: null, body: new Uint8Array(0), sourceIp: "127.0.0.1", auditId },
    ...more,
  });
  const ids = ["a", "b", "c"].map((letter) => letter.repeat(36));

  it("is read once where only its audit id is another, and every time as any msgpack reader would read it", () => {
    const read = ids.map((id) => decode(encode(request(id)))) as unknown as ReturnType<typeof request>[];
    expect(read).toEqual(ids.map((id) => new Packr({ useRecords: false }).unpack(new Packr({ useRecords: false }).pack(request(id)))));
    expect(read[2]!.query).toBe(read[1]!.query);
  });

  it("is written as any msgpack writer would write it, whatever was sent for the same URL before", () => {
    const packr = new Packr({ useRecords: false, variableMapSize: true });
    const query = { limit: "5" };
    const changed = Object.entries({ verb: "list", path: "/", group: "g", version: "v2", resource: "r", subresource: "s", namespace: "n" });
    const more = Object.entries({
      name: "m",
      accept: "*/*",
      contentType: "t",
      userAgent: "u",
      sourceIp: "::1",
      isResource: false,
      later: 1,
    });
    const who = [{ type: "bearer", token: "a" }, { type: "bearer", token: "b" }, { type: "actor" }].map((credential) => [
      "credential",
      credential,
    ]);
    const odd = [["impersonation", { user: "u", uid: "", groups: [], extra: {} }] as const, ["auditId", "é".repeat(36)] as const];
    const all = [["query", query] as const, ...changed, ...more, ...who, ...odd, ["repeated", { limit: ["5", "6"] }] as const];
    for (const [field, value] of [...all, ...all])
      for (const id of ids) {
        const { auditId, ...rest } = request(id, { query });
        // The id stands last, as gateways put it.
        const one = { ...rest, [field as string]: value, ...(field === "auditId" ? {} : { auditId }) };
        expect(Buffer.compare(encode(one), packr.pack(one))).toBe(0);
      }
  });

  it("with a body, an id of another form or other fields is taken for no other", () => {
    const odd = [{ body: Buffer.from("{}") }, { auditId: "é".repeat(18) }, { auditId: "short" }, { later: 1 }, { query: { limit: "6" } }];
    const plain = (more: object) => ({ ...request(ids[0]!, more), body: [...request(ids[0]!, more).body] });
    for (const more of [...odd, {}, ...odd]) {
      const read = decode(encode(request(ids[0]!, more))) as unknown as ReturnType<typeof request>;
      expect({ ...read, body: [...read.body] }).toEqual(plain(more));
    }
  });
});
