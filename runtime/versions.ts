import type { HostName } from "../protocol/address";
import { decode, decodeEnvelope, encode, encodeEnvelope } from "../protocol/codec";
import { type Envelope, protocolVersion } from "../protocol/envelope";

/** Under this name wires count, beside what rules did, frames that the host which they reached refused. */
export const refusedFrames = "frames refused";

/**
 * Which hosts speak another version of the protocol than this release, as in the middle of an upgrade. What they send and hear goes through the codec of
 * their version.
 */
export class SpokenVersions {
  private readonly offsets = new Map<HostName, -1 | 0 | 1>();

  set(host: HostName, offset: -1 | 0 | 1): void {
    if (offset === 0) this.offsets.delete(host);
    else this.offsets.set(host, offset);
  }

  /** Whether these two hosts speak the same version, which is the usual case. */
  agree(from: HostName, to: HostName): boolean {
    return this.offsets.size === 0 || (this.offsets.get(from) ?? 0) === (this.offsets.get(to) ?? 0);
  }

  /** Hosts among these two that speak another version than this release. */
  others(from: HostName, to: HostName): readonly HostName[] {
    return [from, to].filter((host) => this.offsets.has(host));
  }

  /** An envelope as it is heard on the other host; throws an Error where the versions are no neighbours. */
  translated(from: HostName, to: HostName, envelope: Envelope): Envelope {
    const speaks = this.offsets.get(from) ?? 0;
    const said = speaks === 1 ? { ...envelope, body: laterBody(envelope.body) } : envelope;
    return decodeEnvelope(encodeEnvelope(said, protocolVersion + speaks), protocolVersion + (this.offsets.get(to) ?? 0));
  }
}

/** A later version's messages have fields that this one does not know. */
function laterBody(body: Uint8Array): Uint8Array {
  if (body.length === 0) return body;
  return encode({ ...decode(body), "field-of-a-later-version": [true] } as ReturnType<typeof decode>);
}

/** Carries an envelope with one wrong bit, drawn by `draw`; throws an Error where the reader notices. */
export function damagedInTransit(envelope: Envelope, draw: number): Envelope {
  const frame = Uint8Array.from(encodeEnvelope(envelope));
  const bit = Math.floor(draw * frame.length * 8);
  frame[bit >> 3]! ^= 1 << (bit & 7);
  return decodeEnvelope(frame);
}
