import { bootstrapUser, parseBootstrapToken } from "../../../actors/api-server/authentication/bootstrap-token";
import type { Secret } from "../../../protocol/kinds/generated";

const nowMs = Date.parse("2026-06-01T00:00:00Z");
const token = parseBootstrapToken("abcdef.0123456789abcdef")!;
const secret = (values: Record<string, string> = {}, type = "bootstrap.kubernetes.io/token"): Secret => {
  const all = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    expiration: "2026-06-01T00:00:01Z",
    ...values,
  };
  return { type, data: Object.fromEntries(Object.entries(all).map(([key, value]) => [key, Buffer.from(value).toString("base64")])) };
};

// Source: "Authenticating with Bootstrap Tokens".
test("a bootstrap token stands for a bootstrapper, with the groups that its Secret names", () => {
  expect(parseBootstrapToken("abcdef.0123")).toBeUndefined();
  expect(bootstrapUser(token, secret({ "auth-extra-groups": "system:bootstrappers:workers" }), nowMs)).toEqual({
    name: "system:bootstrap:abcdef",
    uid: "",
    groups: ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"],
    extra: {},
  });
});

test.each([
  ["no Secret", undefined],
  ["another secret", secret({ "token-secret": "0123456789abcdeg" })],
  ["another id", secret({ "token-id": "abcdeg" })],
  ["another type", secret({}, "Opaque")],
  ["not for authentication", secret({ "usage-bootstrap-authentication": "false" })],
  ["expired", secret({ expiration: "2026-05-31T23:59:59Z" })],
  ["an expiration that is no time", secret({ expiration: "soon" })],
  ["a group that nobody may hand out", secret({ "auth-extra-groups": "system:masters" })],
])("it is worth nothing with %s", (_what, found) => {
  expect(bootstrapUser(token, found, nowMs)).toBeUndefined();
});
