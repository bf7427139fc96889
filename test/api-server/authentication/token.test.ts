import {
  assembleToken,
  type BoundLookup,
  bindingFault,
  looksLikeJwt,
  type ParsedToken,
  parseToken,
  serviceAccountUser,
  type TokenClaims,
  tokenFault,
  tokenToSign,
} from "../../../actors/api-server/authentication/token";

const claims: TokenClaims = {
  ...{ iss: "https://kubernetes.default.svc", sub: "system:serviceaccount:shop:web", aud: ["api"] },
  ...{ exp: 2_000, nbf: 1_000, iat: 1_000, jti: "j-1", namespace: "shop" },
  serviceAccount: { name: "web", uid: "u-1" },
  pod: { name: "web-1", uid: "u-2" },
  node: { name: "node-1", uid: "u-3" },
  secret: undefined,
};
const expectations = { issuer: claims.iss, audiences: ["api", "other"], nowMs: 1_500_000 };
const tokenOf = (c: TokenClaims) => assembleToken(tokenToSign(c, "key-1"), Uint8Array.of(1, 2, 3));
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token that is written can be read again, with the bytes that were signed", () => {
  const token = tokenOf(claims);
  expect(looksLikeJwt(token)).toBe(true);
  const parsed = parseToken(token) as ParsedToken;
  expect(parsed.claims).toEqual(claims);
  expect(Buffer.from(parsed.signed).toString()).toBe(token.slice(0, token.lastIndexOf(".")));
  expect([...parsed.signature]).toEqual([1, 2, 3]);
});

// Source: RFC 8725, section 3.1: the algorithm must not be the sender's choice.
test("no algorithm but RS256 is understood, least of all none", () => {
  const [, payload] = tokenOf(claims).split(".");
  for (const alg of ["none", "HS256", undefined])
    expect(parseToken(`${encode({ alg })}.${payload}.AQID`)).toEqual(expect.stringContaining("algorithm"));
});

test("what is no service account's token is not read as one", () => {
  const header = encode({ alg: "RS256" });
  const broken: unknown[] = [
    ...[{}, [], "x", { ...JSON.parse("{}"), iss: 1 }],
    { iss: "i", sub: "s", aud: 7, exp: 1 },
    { iss: "i", sub: "s", aud: "a", exp: "soon" },
    { iss: "i", sub: "s", aud: "a", exp: 1 },
    {
      iss: "i",
      sub: "system:serviceaccount:shop:admin",
      aud: "a",
      exp: 1,
      "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web", uid: "u" } },
    },
  ];
  for (const body of broken) expect(typeof parseToken(`${header}.${encode(body)}.AQID`)).toBe("string");
  for (const text of ["", "a.b", "a.b.c.d", "!.b.c", `${header}.e30.`]) expect(typeof parseToken(text)).toBe("string");
});

// Source: "Managing Service Accounts", bound tokens: audience, time and issuer.
test("issuer, audience and time are judged", () => {
  const fault = (over: Partial<TokenClaims>, nowMs = expectations.nowMs) => tokenFault({ ...claims, ...over }, { ...expectations, nowMs });
  expect(fault({})).toBeUndefined();
  expect(fault({ iss: "https://elsewhere" })).toContain("issuer");
  expect(fault({ aud: ["vault"] })).toContain("meant for vault");
  expect(fault({}, 2_000_999)).toBeUndefined();
  expect(fault({}, 2_001_000)).toContain("expired");
  expect(fault({}, 998_000)).toContain("not valid yet");
});

test("a token dies with the service account and the Pod it is bound to, or when another has taken their name", () => {
  const world = new Map([
    ["serviceaccounts shop/web", { uid: "u-1", deletionTimestamp: undefined as string | undefined }],
    ["pods shop/web-1", { uid: "u-2", deletionTimestamp: undefined as string | undefined }],
  ]);
  const lookup: BoundLookup = (resource, namespace, name) => world.get(`${resource} ${namespace}/${name}`);
  expect(bindingFault(claims, lookup, 0)).toBeUndefined();
  world.set("pods shop/web-1", { uid: "u-2", deletionTimestamp: "1970-01-01T00:00:10Z" });
  expect(bindingFault(claims, lookup, 70_000)).toBeUndefined();
  expect(bindingFault(claims, lookup, 70_001)).toContain("pods shop/web-1 has been deleted");
  world.set("pods shop/web-1", { uid: "u-9", deletionTimestamp: undefined });
  expect(bindingFault(claims, lookup, 0)).toContain("pods shop/web-1 is gone");
  world.delete("serviceaccounts shop/web");
  expect(bindingFault({ ...claims, pod: undefined }, lookup, 0)).toContain("serviceaccounts shop/web is gone");
});

test("a good token stands for the service account, its groups, and what it is bound to", () => {
  expect(serviceAccountUser(claims)).toEqual({
    name: "system:serviceaccount:shop:web",
    uid: "u-1",
    groups: ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/credential-id": ["JTI=j-1"],
      "authentication.kubernetes.io/pod-name": ["web-1"],
      "authentication.kubernetes.io/pod-uid": ["u-2"],
      "authentication.kubernetes.io/node-name": ["node-1"],
      "authentication.kubernetes.io/node-uid": ["u-3"],
    },
  });
});
