import { type AnonymousConfiguration, letsInAnonymous } from "../../../actors/api-server/authentication/anonymous";
import {
  authenticatorOfFlags,
  type JwtAuthenticator,
  readAuthenticationConfiguration,
} from "../../../actors/api-server/authentication/oidc/configuration";
import { compileMapping, userOfClaims } from "../../../actors/api-server/authentication/oidc/mapping";
import { address } from "../../../protocol/address";
import { Tank } from "../server/tank";
import { Issuer } from "./issuer-actor";

const url = "https://login.example.com/realms/dev";
const flags = { issuerUrl: url, clientId: "kubernetes" };

describe("tokens of another issuer", () => {
  const issuer = new Issuer(url);
  const tank = new Tank({
    servers: 2,
    actors: [issuer.actor("issuer")],
    web: { "login.example.com:443": address("issuer", 0) },
    config: { jwt: [authenticatorOfFlags({ ...flags, groupsClaim: "groups", groupsPrefix: "oidc:" })] },
  });
  const whoami = (token: string, server = 0) =>
    tank.create(
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      { credential: { type: "bearer", token }, server },
    );
  const epoch = Date.parse(tank.get("/api/v1/namespaces/default").body.metadata.creationTimestamp) / 1000;
  const claims = (more: object = {}) => ({ sub: "ann", aud: "kubernetes", exp: epoch + 86_400, groups: ["dev", "ops"], ...more });

  it("name a user with the issuer's prefix, by keys that are fetched when they are first needed and kept", () => {
    const answer = whoami(issuer.token(claims({ jti: "7" })));
    expect(answer.code).toBe(201);
    expect(answer.body.status.userInfo).toEqual({
      username: `${url}#ann`,
      groups: ["oidc:dev", "oidc:ops", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=7"] },
    });
    whoami(issuer.token(claims()));
    const asked = issuer.asked.map((each) => each.replace(":443", ""));
    expect(asked).toEqual([`${url}/.well-known/openid-configuration`, `${url}/keys`]);
  });

  it.each([
    ["of another audience", { aud: ["grafana"] }, {}],
    ["that has expired", { exp: epoch - 1 }, {}],
    ["that never expires", { exp: undefined }, {}],
    ["that is not valid yet", { nbf: epoch + 1e6 }, {}],
    ["without the claim that is the name", { sub: undefined }, {}],
    ["signed by somebody else", {}, { by: "mallory" }],
    ["that says it needs no signature", {}, { alg: "none" }],
    ["with an algorithm that was not allowed", {}, { alg: "ES256" }],
  ])("are refused: one %s", (_title, more, how) => {
    tank.simulation.runFor(2_000);
    expect(whoami(issuer.token(claims(more), how)).code).toBe(401);
  });

  it("are believed by the new key when the issuer changes it, and by the old one no longer", () => {
    const old = issuer.token(claims());
    expect(whoami(old).code).toBe(201);
    issuer.keys = ["two"];
    tank.simulation.runFor(2_000);
    expect(whoami(issuer.token(claims())).code).toBe(201);
    expect(whoami(old).code).toBe(401);
    // The other API server has not looked before.
    expect(whoami(issuer.token(claims()), 1).code).toBe(201);
  });

  it("that name no key that there is do not make the API server ask for keys all the time", () => {
    tank.simulation.runFor(2_000);
    const before = issuer.asked.length;
    for (let i = 0; i < 20; i++) whoami(issuer.token(claims(), { kid: `none-${i}` }));
    expect(issuer.asked.length - before).toBeLessThanOrEqual(4);
  });

  it("go on being believed while the issuer is away, but for keys that are not known", () => {
    issuer.down = true;
    tank.simulation.runFor(2_000);
    expect(whoami(issuer.token(claims())).code).toBe(201);
    expect(whoami(issuer.token(claims(), { kid: "three" })).code).toBe(401);
    issuer.down = false;
    issuer.keys = ["two", "three"];
    tank.simulation.runFor(2_000);
    expect(whoami(issuer.token(claims(), { kid: "three" })).code).toBe(201);
  });

  it("are reviewed like the cluster's own; the cluster's own are believed as before", () => {
    const review = (token: string) =>
      tank.create("/apis/authentication.k8s.io/v1/tokenreviews", {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token },
      }).body.status;
    expect(review(issuer.token(claims())).user).toMatchObject({ username: `${url}#ann` });
    expect(review(issuer.token(claims({ aud: "x" })))).toMatchObject({ error: expect.stringContaining("expected audience") });
    tank.namespace("shop");
    const own = tank.create("/api/v1/namespaces/shop/serviceaccounts/default/token", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [] },
    }).body.status.token;
    expect(whoami(own).body.status.userInfo.username).toBe("system:serviceaccount:shop:default");
  });
});

describe("an AuthenticationConfiguration that changes", () => {
  const anonymous = { enabled: true, conditions: [{ path: "/livez" }, { path: "/version" }] };
  const [before, after] = [new Issuer("https://before.example.com"), new Issuer("https://after.example.com")];
  const tank = new Tank({
    actors: [before.actor("before"), after.actor("after")],
    web: { "before.example.com:443": address("before", 0), "after.example.com:443": address("after", 0) },
    config: { jwt: [authenticatorOfFlags({ issuerUrl: "https://before.example.com", clientId: "kubernetes" })], anonymous },
  });
  const claims = { sub: "ann", aud: "kubernetes", exp: 4e9 };
  const answers = () =>
    [before, after].map((issuer) => tank.get("/api", { credential: { type: "bearer", token: issuer.token(claims) } }).code);
  const file = (jwt: object[], more: object = { anonymous }) => ({
    ...{ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt },
    ...more,
  });
  const jwt = (url: string) => ({ issuer: { url, audiences: ["kubernetes"] }, claimMappings: { username: { claim: "sub", prefix: "" } } });
  const reload = (
    document: unknown,
    from: (body: object) => void = (body) => tank.simulation.portal().send(address("apiserver", 0), body as never),
  ) => {
    from({ kind: "api.reload", what: "authentication", document, fault: "", hash: "sha256:x", serverHash: "sha256:me" });
    tank.simulation.runFor(2_000);
  };

  it("is in force at once, and one that cannot be right changes nothing", () => {
    expect(answers()).toEqual([200, 401]);
    reload(file([jwt("https://after.example.com")]));
    expect(answers()).toEqual([401, 200]);
    reload(file([jwt("http://before.example.com")]));
    reload(file([{ ...jwt("https://before.example.com"), userValidationRules: [{ expression: "user." }] }]));
    expect(answers()).toEqual([401, 200]);
    const asked = after.asked.length;
    reload(file([jwt("https://after.example.com"), jwt("https://before.example.com")]));
    expect(answers()).toEqual([200, 200]);
    // Of an issuer of which nothing changed the keys are kept.
    expect(after.asked).toHaveLength(asked);
    expect(tank.get("/metrics").text).toContain(
      'apiserver_authentication_config_controller_automatic_reloads_total{status="failure",apiserver_id_hash="sha256:me"} 2',
    );
  });

  it("lets in without a credential who asks for just the paths that it names, and that part does not change (KEP-4633)", () => {
    const codes = () =>
      ["/livez", "/livez/ping", "/readyz", "/version", "/api"].map((path) => tank.get(path, { credential: { type: "anonymous" } }).code);
    expect(codes()).toEqual([200, 401, 401, 200, 401]);
    reload(file([], { anonymous: { enabled: true } }));
    reload(file([], {}));
    expect(tank.warnings.filter((text) => text.includes("the new authentication configuration is refused"))).toHaveLength(4);
    expect([...codes(), ...answers()]).toEqual([200, 401, 401, 200, 401, 200, 200]);
  });
});

describe("claims", () => {
  const judge = (authenticator: JwtAuthenticator, claims: object) => {
    const { mapping, problems } = compileMapping(authenticator, "jwt[0]");
    expect(problems).toEqual([]);
    return userOfClaims(mapping, { aud: "kubernetes", exp: 2000, ...claims }, 1_000_000);
  };
  const file = (more: object): JwtAuthenticator => ({
    issuer: { url, audiences: ["kubernetes", "other"], audienceMatchPolicy: "MatchAny" },
    claimMappings: { username: { claim: "sub", prefix: "" } },
    ...more,
  });

  it("prefix the name with the issuer unless it is an address or the prefix is -, as the flags say", () => {
    const name = (more: object, claims: object) => {
      const user = judge(authenticatorOfFlags({ ...flags, ...more }), claims);
      return typeof user === "string" ? user : user.name;
    };
    expect(name({}, { sub: "ann" })).toBe(`${url}#ann`);
    expect(name({ usernamePrefix: "-" }, { sub: "ann" })).toBe("ann");
    expect(name({ usernamePrefix: "x:" }, { sub: "ann" })).toBe("x:ann");
    expect(name({ usernameClaim: "email" }, { email: "a@b.c", email_verified: true })).toBe("a@b.c");
    expect(name({ usernameClaim: "email" }, { email: "a@b.c", email_verified: false })).toBe("oidc: email not verified");
    expect(name({ requiredClaims: { hd: "b.c" } }, { sub: "ann", hd: "b.c" })).toBe(`${url}#ann`);
    expect(name({ requiredClaims: { hd: "b.c" } }, { sub: "ann" })).toBe("oidc: required claim hd not present in ID token");
    expect(name({ requiredClaims: { hd: "b.c" } }, { sub: "ann", hd: "x" })).toContain("value does not match");
  });

  it("become a user by expressions, which may refuse the claims or the user", () => {
    const authenticator = file({
      claimValidationRules: [{ expression: "claims.exp - claims.iat <= 1000", message: "lives too long" }],
      claimMappings: {
        username: { expression: "claims.tenant + ':' + claims.sub" },
        groups: { expression: "claims.roles.split(',')" },
        uid: { claim: "oid" },
        extra: [{ key: "example.com/tenant", valueExpression: "claims.tenant" }],
      },
      userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: "reserved" }],
    });
    const claims = { sub: "ann", tenant: "acme", roles: "dev,ops", oid: "42", iat: 1500 };
    expect(judge(authenticator, claims)).toEqual({
      name: "acme:ann",
      uid: "42",
      groups: ["dev", "ops", "system:authenticated"],
      extra: { "example.com/tenant": ["acme"] },
    });
    expect(judge(authenticator, { ...claims, iat: 1 })).toBe("oidc: lives too long");
    expect(judge(authenticator, { ...claims, tenant: "system" })).toBe("oidc: reserved");
    const { tenant: _, ...nameless } = claims;
    expect(judge(authenticator, nameless)).toMatch(/^oidc: no such key/);
    expect(judge(authenticator, { ...claims, oid: 42 })).toBe("oidc: oid is not a string");
  });

  it("stand in the configuration beside who may come without a credential (KEP-4633)", () => {
    const read = (anonymous: unknown) =>
      readAuthenticationConfiguration({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", anonymous });
    expect(read({ enabled: true, conditions: [{ path: "/livez" }] })).toEqual({
      ok: true,
      jwt: [],
      anonymous: { enabled: true, conditions: [{ path: "/livez" }] },
    });
    expect(read({ conditions: [{ path: "/livez" }, { paths: 1 }], disabled: true })).toEqual({
      ok: false,
      problems: [
        "anonymous.disabled: unknown field; known are enabled, conditions",
        "anonymous.conditions: Invalid value: enabled should be set to true when conditions are defined",
        "anonymous.conditions[1].paths: unknown field; known is path",
        "anonymous.conditions[1].path: Required value",
      ],
    });
    const lets = (anonymous: AnonymousConfiguration | undefined) =>
      ["/livez", "/livez/ping", "/api"].map((path) => letsInAnonymous(anonymous, path));
    expect(lets(undefined)).toEqual([true, true, true]);
    expect(lets({ enabled: true })).toEqual([true, true, true]);
    expect(lets({ enabled: true, conditions: [{ path: "/livez" }] })).toEqual([true, false, false]);
    expect(lets({ enabled: false })).toEqual([false, false, false]);
  });

  it("are not read by a configuration that cannot be right, and it is said where", () => {
    const read = (jwt: object) =>
      readAuthenticationConfiguration({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt: [jwt] });
    expect(read({ issuer: { url, audiences: ["a"] }, claimMappings: { username: { claim: "sub", prefix: "" } } })).toMatchObject({
      ok: true,
    });
    expect(
      read({
        issuer: { url: "http://x", audiences: ["a", "b"], secret: 1 },
        claimMappings: { username: { claim: "sub" }, extra: [{ key: "kubernetes.io/x", valueExpression: "1" }] },
        claimValidationRules: [{}],
      }),
    ).toEqual({
      ok: false,
      problems: [
        "jwt[0].issuer.secret: unknown field; known are url, discoveryURL, certificateAuthority, audiences, audienceMatchPolicy",
        'jwt[0].issuer.url: "http://x": URL scheme must be https',
        "jwt[0].issuer.audienceMatchPolicy: audienceMatchPolicy must be MatchAny for multiple audiences",
        expect.stringMatching(/^jwt\[0\]\.claimMappings\.username\.prefix: Required value/),
        "jwt[0].claimMappings.extra[0].key: k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use",
        "jwt[0].claimValidationRules[0]: exactly one of claim and expression is expected",
      ],
    });
    const mail = compileMapping(file({ claimMappings: { username: { expression: "claims.email" } } }), "jwt[0]");
    expect(mail.problems).toEqual([expect.stringContaining("claims.email_verified must be used")]);
    const broken = compileMapping(file({ claimMappings: { username: { expression: "claims." } } }), "jwt[0]");
    expect(broken.problems[0]).toMatch(/^jwt\[0\]\.claimMappings\.username\.expression: compilation failed/);
  });
});
