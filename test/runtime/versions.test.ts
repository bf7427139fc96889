import fc from "fast-check";
import { address } from "../../protocol/address";
import { decode, decodeEnvelope, encode, encodeEnvelope } from "../../protocol/codec";
import { type Envelope, protocolVersion } from "../../protocol/envelope";
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
