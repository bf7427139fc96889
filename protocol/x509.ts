import { CertificationRequest } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import { ExtendedKeyUsage, Extensions, id_ce_extKeyUsage, id_ce_subjectAltName, Name, SubjectAlternativeName } from "@peculiar/asn1-x509";

import { derChildren, derTimeMs } from "./der";

/** Certificates and requests for them, read. Nothing here judges a signature: keys are the business of a world's secrets. */

/** Whom a certificate speaks of: Kubernetes takes the common name for the user and the organizations for the groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** The names beside the subject for which a certificate is to be good. */
export interface AlternativeNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateRequest extends AlternativeNames {
  readonly subject: Subject;
}

export interface CertificateFacts extends AlternativeNames {
  readonly subject: Subject;
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Object identifiers. */
  readonly extendedKeyUsages: readonly string[];
}

const commonNameId = "2.5.4.3";
const organizationId = "2.5.4.10";
/** PKCS #9: where a request says which extensions it wants. */
export const extensionRequestId = "1.2.840.113549.1.9.14";

interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/** The PEM blocks in a text, whatever stands around them. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const form = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n((?:[^\n]*\n)*?)-----END \1-----/g;
  return [...text.matchAll(form)].map(([, label = "", content = ""]) => {
    // Headers such as "Proc-Type: …" end with an empty line.
    const base64 = content.includes(":") ? content.slice(content.search(/\r?\n\r?\n/)) : content;
    return { label, der: Buffer.from(base64, "base64") };
  });
}

export function pem(label: string, der: ArrayBuffer | Uint8Array): string {
  const lines = Buffer.from(der as Uint8Array)
    .toString("base64")
    .replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines.trimEnd()}\n-----END ${label}-----\n`;
}

/** A PKCS #10 request in PEM. Throws an Error that says what is wrong with it. */
export function readCertificateRequest(text: string): CertificateRequest {
  const { certificationRequestInfo: info } = parseRequest(text);
  const wanted = [...info.attributes].find(({ type }) => type === extensionRequestId)?.values[0];
  const extensions = wanted === undefined ? undefined : AsnConvert.parse(wanted, Extensions);
  return { subject: subjectOf(info.subject), ...alternativeNames(extensions) };
}

/** The request taken apart by ASN.1. Throws an Error. */
export function parseRequest(text: string): CertificationRequest {
  const [block] = pemBlocks(text);
  if (block?.label !== "CERTIFICATE REQUEST" && block?.label !== "NEW CERTIFICATE REQUEST")
    throw new Error("PEM block type must be CERTIFICATE REQUEST");
  try {
    return AsnConvert.parse(block.der, CertificationRequest);
  } catch {
    throw new Error("x509: malformed certificate request");
  }
}

/** The certificates in a PEM text. Throws an Error where there is none, or something else. */
export function readCertificates(text: string): readonly CertificateFacts[] {
  const blocks = pemBlocks(text);
  if (blocks.length === 0) throw new Error("must contain at least one CERTIFICATE PEM block");
  return blocks.map(({ label, der }) => {
    if (label !== "CERTIFICATE") throw new Error(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`);
    try {
      const { subject, notBeforeMs, notAfterMs, extensions } = partsOfCertificate(der);
      const usages = extensions?.find(({ extnID }) => extnID === id_ce_extKeyUsage);
      return {
        subject: subjectOf(subject),
        notBeforeMs,
        notAfterMs,
        extendedKeyUsages: usages ? [...AsnConvert.parse(usages.extnValue.buffer, ExtendedKeyUsage)] : [],
        ...alternativeNames(extensions),
      };
    } catch {
      throw new Error("x509: malformed certificate");
    }
  });
}

/** The library's own class for a certificate looks at the machine's clock when it is made, which an actor may not. */
function partsOfCertificate(der: Uint8Array) {
  const [signed] = derChildren(der);
  const parts = derChildren(signed!.whole);
  // The version comes first where it is not 1.
  const [, , , validity, subject, , ...more] = parts[0]?.tag === 0xa0 ? parts.slice(1) : parts;
  const [notBefore, notAfter] = derChildren(validity!.whole);
  const extensions = more.find(({ tag }) => tag === 0xa3);
  return {
    subject: AsnConvert.parse(subject!.whole, Name),
    notBeforeMs: derTimeMs(notBefore!),
    notAfterMs: derTimeMs(notAfter!),
    extensions: extensions && AsnConvert.parse(extensions.content, Extensions),
  };
}

/** Common name and organizations of a distinguished name. */
export function subjectOf(name: Name): Subject {
  const attributes = [...name].flatMap((relative) => [...relative]);
  const values = (id: string) => attributes.filter((attribute) => attribute.type === id).map((attribute) => attribute.value.toString());
  return { commonName: values(commonNameId)[0] ?? "", organizations: values(organizationId) };
}

function alternativeNames(extensions: Extensions | undefined): AlternativeNames {
  const found = extensions?.find(({ extnID }) => extnID === id_ce_subjectAltName);
  const names = found ? [...AsnConvert.parse(found.extnValue.buffer, SubjectAlternativeName)] : [];
  const all = (pick: (name: (typeof names)[number]) => string | undefined) => names.flatMap((name) => pick(name) ?? []);
  return {
    dnsNames: all(({ dNSName }) => dNSName),
    ipAddresses: all(({ iPAddress }) => iPAddress),
    emails: all(({ rfc822Name }) => rfc822Name),
    uris: all(({ uniformResourceIdentifier }) => uniformResourceIdentifier),
  };
}
