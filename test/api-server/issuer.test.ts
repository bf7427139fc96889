import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { rsaKeyIn } from "../../actors/api-server/issuer";

// Source: RFC 7517 and RFC 7518, section 6.3.1; Node's own conversion is the yardstick.
test("a public key becomes the JSON Web Key that others know it by", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const { n, e } = createPublicKey(pem).export({ format: "jwk" });
  expect(rsaKeyIn(pem)).toEqual({ n, e });
  expect(rsaKeyIn("-----BEGIN SIMULATED PUBLIC KEY-----\n00\n-----END SIMULATED PUBLIC KEY-----\n")).toBeUndefined();
});
