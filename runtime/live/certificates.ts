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
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
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
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

export type Usage = "client" | "server";

/** Whom a certificate speaks of: Kubernetes takes the common name for the user and the organizations for the groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

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
    if (names.length > 0) {
      const general = names.map((name) => (isIP(name) ? new GeneralName({ iPAddress: name }) : new GeneralName({ dNSName: name })));
      extensions.push(extension(id_ce_subjectAltName, false, new SubjectAlternativeName(general)));
    }
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

/** A certificate request (PKCS #10, PEM) for a new key that stays with the caller. */
export function requestCertificate(subject: Subject): { readonly request: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const info = new CertificationRequestInfo({
    subject: nameOf(subject),
    subjectPKInfo: AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
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
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/.exec(request);
  if (!match) throw new Error("expected a PEM block CERTIFICATE REQUEST");
  const parsed = AsnConvert.parse(Buffer.from(match[1]!, "base64"), CertificationRequest);
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

function subjectOf(name: Name): Subject {
  const attributes = [...name].flatMap((relative) => [...relative]);
  const values = (id: string) => attributes.filter((attribute) => attribute.type === id).map((attribute) => attribute.value.toString());
  return { commonName: values(commonNameId)[0] ?? "", organizations: values(organizationId) };
}

function nameOf({ commonName, organizations }: Subject): Name {
  const relative = (type: string, utf8String: string) =>
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String }) })]);
  return new Name([...organizations.map((organization) => relative(organizationId, organization)), relative(commonNameId, commonName)]);
}

function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
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
  // A positive number of 16 bytes, whose first is not 0.
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const nowMs = Date.now();
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: bytesOf(serial),
    signature: algorithm,
    issuer,
    // Clocks of hosts that join may be a little behind.
    validity: new Validity({ notBefore: new Date(nowMs - 300_000), notAfter: new Date(nowMs + ttlSeconds * 1000) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...extensions,
      extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
    ]),
  });
  const signatureValue = bytesOf(sign("sha256", Buffer.from(AsnConvert.serialize(tbs)), key));
  return pem("CERTIFICATE", AsnConvert.serialize(new Certificate({ tbsCertificate: tbs, signatureAlgorithm: algorithm, signatureValue })));
}

function bytesOf(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

function pem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines.trimEnd()}\n-----END ${label}-----\n`;
}
