import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
} from "@peculiar/asn1-x509";
import { der, derBitString, derChildren, derSequence, derTime } from "../protocol/der";
import { extendedKeyUsageIds, keyUsageBits } from "../protocol/key-usages";
import { extensionRequestId, parseRequest } from "../protocol/x509";

/** How a certificate is written (RFC 5280), whoever signs it: the same form for real keys and for those of a simulation. */
export interface CertificateForm {
  /** A positive number, big-endian, the first byte between 0x40 and 0x7f. */
  readonly serial: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  /** DER of the issuer's and of the subject's Name. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** What a signature is made over. */
export function toBeSigned(form: CertificateForm): Uint8Array {
  const version3 = der(0xa0, Buffer.from([0x02, 0x01, 0x02]));
  return derSequence(
    version3,
    der(0x02, form.serial),
    form.algorithm,
    form.issuer,
    derSequence(derTime(form.notBeforeMs), derTime(form.notAfterMs)),
    form.subject,
    form.publicKey,
    der(0xa3, Buffer.from(AsnConvert.serialize(new Extensions([...form.extensions])))),
  );
}

/** DER of the certificate. */
export function signedForm(signed: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return derSequence(signed, algorithm, derBitString(signature));
}

export function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** The parts of a PEM certificate request that a certificate takes over. Throws an Error that says what is wrong with it. */
export function requestedForm(request: string, usages: readonly string[]): Pick<CertificateForm, "subject" | "publicKey" | "extensions"> {
  const parsed = parseRequest(request);
  const info = parsed.certificationRequestInfo;
  const [, subject, publicKey] = derChildren(new Uint8Array(parsed.certificationRequestInfoRaw ?? AsnConvert.serialize(info)));
  const wanted = [...info.attributes].find(({ type }) => type === extensionRequestId)?.values[0];
  const names = wanted && AsnConvert.parse(wanted, Extensions).find(({ extnID }) => extnID === id_ce_subjectAltName);
  return {
    subject: subject!.whole,
    publicKey: publicKey!.whole,
    extensions: [
      ...keyUsageExtensions(usages),
      extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
      ...(names ? [names] : []),
    ],
  };
}

function keyUsageExtensions(usages: readonly string[]): readonly Extension[] {
  const bits = usages.flatMap((usage) => keyUsageBits.get(usage) ?? []);
  const ids = usages.flatMap((usage) => extendedKeyUsageIds.get(usage) ?? []);
  const unknown = usages.find((usage) => !keyUsageBits.has(usage) && !extendedKeyUsageIds.has(usage));
  if (unknown !== undefined) throw new Error(`unrecognized usage: ${JSON.stringify(unknown)}`);
  return [
    ...(bits.length > 0 ? [new Extension({ extnID: id_ce_keyUsage, critical: true, extnValue: new OctetString(bitsOf(bits)) })] : []),
    ...(ids.length > 0 ? [extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([...new Set(ids)]))] : []),
  ];
}

/** A bit string whose first bit is the highest of the first byte; zeros at its end are left out. */
function bitsOf(bits: readonly number[]): ArrayBuffer {
  const highest = Math.max(...bits);
  const bytes = new Uint8Array(Math.floor(highest / 8) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return new Uint8Array(der(0x03, Buffer.from([7 - (highest & 7)]), bytes)).buffer;
}
