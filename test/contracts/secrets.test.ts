import { constants, createPublicKey, createVerify, generateKeyPairSync, sign as signWith, verify, X509Certificate } from "node:crypto";
import { readCertificates } from "../../protocol/x509";
import type { JsonWebKey, SignResult } from "../../runtime/actor";
import { Authority, requestCertificate } from "../../runtime/live/certificates";
import { LiveSecrets, NoSecrets } from "../../runtime/live/secrets";
import { SimulatedSecrets } from "../../runtime/simulated/secrets";
import type { Secrets } from "../../runtime/world";

const authority = Authority.create("wavetank-test");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keys = new Map([["service-account", privateKey]]);

const twins: readonly (readonly [string, () => Secrets])[] = [
  ["simulated", () => new SimulatedSecrets()],
  ["live", () => new LiveSecrets(authority, keys)],
];

const bytes = new Uint8Array(Buffer.from("header.claims"));
const sign = (secrets: Secrets) => must(secrets.perform({ type: "sign", key: "service-account", bytes })).bytes;

function must(result: SignResult): Extract<SignResult, { ok: true }> {
  if (!result.ok) throw new Error(result.detail);
  return result;
}

describe.each(twins)("%s secrets", (_name, make) => {
  const verified = (secrets: Secrets, signed: Uint8Array, signature: Uint8Array) =>
    must(secrets.perform({ type: "verify", key: "service-account", bytes: signed, signature })).valid;

  test("a signature is deterministic, and verifies", () => {
    const secrets = make();
    const signature = sign(secrets);
    expect([...sign(make())]).toEqual([...signature]);
    expect(verified(secrets, bytes, signature)).toBe(true);
  });

  test("a signature over other bytes, or one that was changed, does not verify; that is an answer, not a failure", () => {
    const secrets = make();
    const signature = sign(secrets);
    const changed = Uint8Array.from(signature, (byte, i) => (i === 3 ? byte ^ 1 : byte));
    expect(verified(secrets, new Uint8Array(Buffer.from("header.other claims")), signature)).toBe(false);
    expect(verified(secrets, bytes, changed)).toBe(false);
    expect(verified(secrets, bytes, new Uint8Array(0))).toBe(false);
  });

  test("the public part of a key is PEM and always the same", () => {
    const pem = () => must(make().perform({ type: "public", key: "service-account" })).pem;
    expect(pem()).toMatch(/^-----BEGIN [A-Z ]+-----\n/);
    expect(pem()).toBe(pem());
  });
});

describe.each(twins)("%s secrets", (_name, make) => {
  test("a certificate names the subject and the names of its request, the usages and the time that were given", () => {
    const { request } = requestCertificate({ commonName: "ann", organizations: ["dev", "ops"] }, ["web.shop.svc", "10.96.0.7"]);
    const usages = ["digital signature", "key encipherment", "server auth"];
    const span = { notBeforeMs: 1_800_000_000_000, notAfterMs: 1_800_003_600_000 };
    const { pem } = must(make().perform({ type: "certificate", request, usages, ...span }));
    expect(readCertificates(pem)).toEqual([
      {
        ...span,
        subject: { commonName: "ann", organizations: ["dev", "ops"] },
        extendedKeyUsages: ["1.3.6.1.5.5.7.3.1"],
        ...{ dnsNames: ["web.shop.svc"], ipAddresses: ["10.96.0.7"], emails: [], uris: [] },
      },
    ]);
    // Node's own reader agrees.
    const certificate = new X509Certificate(pem);
    expect(certificate.subjectAltName).toBe("DNS:web.shop.svc, IP Address:10.96.0.7");
    expect(Date.parse(certificate.validTo)).toBe(span.notAfterMs);
    expect(make().perform({ type: "certificate", request: "no PEM", usages, ...span })).toMatchObject({ ok: false });
  });
});

describe("live secrets", () => {
  const secrets = new LiveSecrets(authority, keys);

  test("sign as RS256 does (RFC 7518, 3.3), so that any JWT library can check it with the public key", () => {
    const { pem } = must(secrets.perform({ type: "public", key: "service-account" }));
    expect(createVerify("RSA-SHA256").update(bytes).verify(createPublicKey(pem), sign(secrets))).toBe(true);
  });

  test("certify the subject and key of a request, for the usages asked for, under the cluster's authority", () => {
    const { request, key } = requestCertificate({ commonName: "system:node:node-7", organizations: ["system:nodes"] });
    const nowMs = Date.now();
    const usages = ["client auth", "digital signature"];
    const { pem } = must(
      secrets.perform({ type: "certificate", request, usages, notBeforeMs: nowMs - 1000, notAfterMs: nowMs + 3600_000 }),
    );
    const certificate = new X509Certificate(pem);
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(certificate.subject).toBe("O=system:nodes\nCN=system:node:node-7");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).toBe(false);
    expect(verify("sha256", bytes, certificate.publicKey, Buffer.alloc(0))).toBe(false);
    expect(key).toContain("PRIVATE KEY");
  });

  test.each([
    ["RS256", "rsa", "sha256"],
    ["RS512", "rsa", "sha512"],
    ["PS256", "rsa", "sha256"],
    ["ES256", "P-256", "sha256"],
    ["ES384", "P-384", "sha384"],
  ])("verify %s by the key that another has published (RFC 7518), and by no key of another kind", (algorithm, kind, hash) => {
    const pair = kind === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ec", { namedCurve: kind });
    const padding = algorithm.startsWith("PS") ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
    const signature = signWith(hash, bytes, { key: pair.privateKey, dsaEncoding: "ieee-p1363", ...padding });
    const key = pair.publicKey.export({ format: "jwk" }) as JsonWebKey;
    const judged = (more: object) => secrets.perform({ type: "verifyWith", key, algorithm, bytes, signature, ...more });
    expect(judged({})).toMatchObject({ ok: true, valid: true });
    expect(judged({ bytes: Buffer.from("other") })).toMatchObject({ ok: true, valid: false });
    expect(judged({ algorithm: kind === "rsa" ? "ES256" : "RS256" })).toMatchObject({ ok: false });
    expect(judged({ algorithm: "none" })).toMatchObject({ ok: false });
    expect(judged({ key: { kty: "oct", k: "eA" } })).toMatchObject({ ok: false });
  });

  test("refuse a request whose signature is not by its own key", () => {
    const one = Buffer.from(
      requestCertificate({ commonName: "one", organizations: [] }).request.replaceAll(/-----.*-----|\n/g, ""),
      "base64",
    );
    one[one.length - 5]! ^= 1;
    const request = `-----BEGIN CERTIFICATE REQUEST-----\n${one.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    expect(secrets.perform({ type: "certificate", request, usages: [], notBeforeMs: 0, notAfterMs: 60_000 })).toMatchObject({ ok: false });
  });

  test("name the keys there are when one is asked for that is not", () => {
    expect(secrets.perform({ type: "sign", key: "other", bytes })).toEqual({
      ok: false,
      detail: 'no key is named "other"; there are service-account',
    });
  });

  test("of a joined host hold none of the cluster's keys", () => {
    expect(new NoSecrets().perform({ type: "sign", key: "service-account", bytes })).toMatchObject({ ok: false });
  });
});
