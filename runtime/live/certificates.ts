import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  Attribute,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  type Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
} from "@peculiar/asn1-x509";
import { extensionRequestId, parseRequest, pem, type Subject, subjectOf } from "../../protocol/x509";
import { type CertificateForm, extension, requestedForm, signedForm, toBeSigned } from "../certificate-form";

export type Usage = "client" | "server";

export interface CertificateOptions {
  readonly subject: Subject;
  readonly usages: readonly Usage[];
  /** DNS names and IP addresses, for servers. */
  readonly names: readonly string[];
  readonly ttlSeconds: number;
}

/** A certificate with its private key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

const commonNameId = "2.5.4.3";
const organizationId = "2.5.4.10";
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
export const daySeconds = 86_400;

/** A cluster's certificate authority: an EC P-256 key and its self-signed certificate. */
export class Authority {
  private constructor(
    private readonly key: KeyObject,
    /** The authority's certificate as PEM. */
    readonly certificate: string,
  ) {}

  static create(commonName: string): Authority {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const issuer = nameOf({ commonName, organizations: [] });
    const extensions = [
      extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: true })),
      extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature)),
    ];
    return new Authority(privateKey, build(privateKey, issuer, createPublicKey(privateKey), issuer, extensions, 3650 * daySeconds));
  }

  /** From what `certificate` and `privateKey` gave earlier. Throws an Error where the two do not belong together. */
  static load(stored: Issued): Authority {
    const key = createPrivateKey(stored.key);
    if (!new X509Certificate(stored.certificate).checkPrivateKey(key))
      throw new Error("the authority's key is not that of its certificate");
    return new Authority(key, stored.certificate);
  }

  /** PKCS #8 PEM, to be stored where only the cluster can read it. */
  get privateKey(): string {
    return this.key.export({ type: "pkcs8", format: "pem" }).toString();
  }

  /** SHA-256 of the authority's public key, in hex: what a joining host is told to expect. */
  get publicKeyHash(): string {
    return publicKeyHash(this.certificate);
  }

  /** Makes a key (EC P-256) and a certificate for it. */
  issue(options: CertificateOptions): Issued {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { certificate: this.certify(publicKey, options), key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }

  /**
   * A certificate for what a PEM certificate request names: its subject, its names, its key. The usages are those that are given, and it
   * ends with the authority's own at the latest. Throws an Error that says what is wrong with the request.
   */
  signRequest(
    request: string,
    { usages, notBeforeMs, notAfterMs }: { readonly usages: readonly string[]; readonly notBeforeMs: number; readonly notAfterMs: number },
  ): string {
    const { publicKey } = readRequest(request);
    const { subject, publicKey: key, extensions } = requestedForm(request, usages);
    const own = new X509Certificate(this.certificate);
    const identifiers = [
      extension(
        id_ce_authorityKeyIdentifier,
        false,
        new AuthorityKeyIdentifier({ keyIdentifier: keyIdentifier(createPublicKey(this.key)) }),
      ),
      extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
    ];
    return seal(this.key, {
      issuer: Buffer.from(AsnConvert.serialize(AsnConvert.parse(own.raw, Certificate).tbsCertificate.subject)),
      subject,
      publicKey: key,
      notBeforeMs,
      notAfterMs: Math.min(notAfterMs, Date.parse(own.validTo)),
      extensions: [...extensions, ...identifiers],
    });
  }

  /** A certificate for somebody else's public key. */
  certify(publicKey: KeyObject, { subject, usages, names, ttlSeconds }: CertificateOptions): string {
    const issuer = AsnConvert.parse(new X509Certificate(this.certificate).raw, Certificate).tbsCertificate.subject;
    const usageIds = usages.map((usage) => (usage === "client" ? id_kp_clientAuth : id_kp_serverAuth));
    const extensions = [
      extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
      extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment)),
      extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage(usageIds)),
      extension(
        id_ce_authorityKeyIdentifier,
        false,
        new AuthorityKeyIdentifier({ keyIdentifier: keyIdentifier(createPublicKey(this.key)) }),
      ),
    ];
    if (names.length > 0) extensions.push(alternativeNames(names));
    return build(this.key, issuer, publicKey, nameOf(subject), extensions, ttlSeconds);
  }
}

/** SHA-256, in hex, of the public key of a PEM or DER certificate. */
export function publicKeyHash(certificate: string | Buffer): string {
  const { publicKey } = new X509Certificate(certificate);
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** A certificate request (PKCS #10, PEM) for a new key that stays with the caller; for these DNS names and addresses too. */
export function requestCertificate(subject: Subject, names: readonly string[] = []): { readonly request: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const info = new CertificationRequestInfo({
    subject: nameOf(subject),
    subjectPKInfo: AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
    attributes: new Attributes(names.length > 0 ? [extensionRequest([alternativeNames(names)])] : []),
  });
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 }),
    signature: bytesOf(sign("sha256", Buffer.from(AsnConvert.serialize(info)), privateKey)),
  });
  return {
    request: pem("CERTIFICATE REQUEST", AsnConvert.serialize(request)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** The public key and subject of a PEM certificate request whose signature was checked. Throws an Error that says what is wrong. */
export function readRequest(request: string): { readonly publicKey: KeyObject; readonly subject: Subject } {
  const parsed = parseRequest(request);
  const info = parsed.certificationRequestInfo;
  const publicKey = createPublicKey({ key: Buffer.from(AsnConvert.serialize(info.subjectPKInfo)), type: "spki", format: "der" });
  const signed = Buffer.from(parsed.certificationRequestInfoRaw ?? AsnConvert.serialize(info));
  if (!verify("sha256", signed, publicKey, Buffer.from(parsed.signature)))
    throw new Error("the request's signature does not match its key");
  return { publicKey, subject: subjectOf(info.subject) };
}

/** The common name and organizations of a PEM or DER certificate. */
export function readSubject(certificate: string | Buffer): Subject {
  return subjectOf(AsnConvert.parse(new X509Certificate(certificate).raw, Certificate).tbsCertificate.subject);
}

function alternativeNames(names: readonly string[]): Extension {
  const general = names.map((name) => (isIP(name) ? new GeneralName({ iPAddress: name }) : new GeneralName({ dNSName: name })));
  return extension(id_ce_subjectAltName, false, new SubjectAlternativeName(general));
}

/** How a request asks for extensions. Source: RFC 2985, 5.4.2. */
function extensionRequest(extensions: readonly Extension[]): Attribute {
  return new Attribute({ type: extensionRequestId, values: [AsnConvert.serialize(new Extensions([...extensions]))] });
}

function nameOf({ commonName, organizations }: Subject): Name {
  const relative = (type: string, utf8String: string) =>
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String }) })]);
  return new Name([...organizations.map((organization) => relative(organizationId, organization)), relative(commonNameId, commonName)]);
}

function keyIdentifier(publicKey: KeyObject): KeyIdentifier {
  const info = AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo);
  return new KeyIdentifier(bytesOf(createHash("sha1").update(Buffer.from(info.subjectPublicKey)).digest()));
}

function build(
  key: KeyObject,
  issuer: Name,
  publicKey: KeyObject,
  subject: Name,
  extensions: readonly Extension[],
  ttlSeconds: number,
): string {
  const nowMs = Date.now();
  return seal(key, {
    issuer: Buffer.from(AsnConvert.serialize(issuer)),
    subject: Buffer.from(AsnConvert.serialize(subject)),
    publicKey: publicKey.export({ type: "spki", format: "der" }),
    // Clocks of hosts that join may be a little behind.
    notBeforeMs: nowMs - 300_000,
    notAfterMs: nowMs + ttlSeconds * 1000,
    extensions: [...extensions, extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(publicKey)))],
  });
}

const ecdsaAlgorithm = Buffer.from(AsnConvert.serialize(new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 })));

/** A signed certificate in PEM. */
function seal(key: KeyObject, parts: Omit<CertificateForm, "serial" | "algorithm">): string {
  // A positive number of 16 bytes, whose first is not 0.
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const signed = toBeSigned({ ...parts, serial, algorithm: ecdsaAlgorithm });
  return pem("CERTIFICATE", signedForm(signed, ecdsaAlgorithm, sign("sha256", signed, key)));
}

function bytesOf(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}
