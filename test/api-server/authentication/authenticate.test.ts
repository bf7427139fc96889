import { authenticate } from "../../../actors/api-server/authentication/authenticate";
import { impersonated, impersonationQuestions } from "../../../actors/api-server/authentication/impersonation";
import { address } from "../../../protocol/address";
import type { Credential } from "../../../protocol/api";

const gateway = address("gateway", "apiserver-1");
const tokens = [{ token: "s3cret", user: "jane", groups: ["dev"] }];
const by = (credential: Credential, from = gateway) => authenticate(credential, from, tokens);
const nobody = { type: "refused", status: { code: 401, reason: "Unauthorized" } };

// Source: "Authenticating", X509 client certificates.
test("a client certificate's common name is the user and its organizations are the groups", () => {
  expect(by({ type: "certificate", commonName: "jane", organizations: ["dev", "ops"] })).toEqual({
    type: "user",
    user: { name: "jane", uid: "", groups: ["dev", "ops", "system:authenticated"], extra: {} },
  });
  expect(by({ type: "certificate", commonName: "", organizations: ["system:masters"] })).toMatchObject(nobody);
});

test("a static token stands for its user; any other text is refused without saying why", () => {
  expect(by({ type: "bearer", token: "s3cret" })).toMatchObject({ user: { name: "jane", groups: ["dev", "system:authenticated"] } });
  for (const token of ["", "s3cre", "s3crets", "S3cret", "a.b"])
    expect(by({ type: "bearer", token })).toMatchObject({ ...nobody, status: { message: "Unauthorized" } });
});

test("who shows nothing is anonymous, and in no group but that of the unauthenticated", () => {
  expect(by({ type: "anonymous" })).toMatchObject({ user: { name: "system:anonymous", groups: ["system:unauthenticated"] } });
});

test("actors are who their address says, and cannot claim to be somebody else", () => {
  const actor: Credential = { type: "actor" };
  expect(by(actor, address("kubelet", "node-7"))).toMatchObject({
    user: { name: "system:node:node-7", groups: ["system:nodes", "system:authenticated"] },
  });
  expect(by(actor, address("scheduler", 0))).toMatchObject({ user: { name: "system:kube-scheduler" } });
  expect(by(actor, address("controller-manager", 0))).toMatchObject({ user: { name: "system:kube-controller-manager" } });
  expect(by(actor, address("load", 1))).toMatchObject({ user: { groups: expect.arrayContaining(["system:masters"]) } });
  expect(by({ type: "certificate", commonName: "admin", organizations: ["system:masters"] }, address("kubelet", "node-7"))).toMatchObject(
    nobody,
  );
});

test("a gateway speaks for others, never for itself", () => {
  expect(by({ type: "actor" })).toMatchObject(nobody);
});

// Source: "User impersonation": each name, group, uid and extra value is authorized by itself.
test("impersonation asks for everything that is taken on", () => {
  const questions = impersonationQuestions({ user: "jane", uid: "7", groups: ["dev"], extra: { scopes: ["a", "b"] } });
  const brief = (questions as readonly { resource: string; subresource: string; name: string; group: string }[]).map(
    ({ group, resource, subresource, name }) => `${group}/${resource}/${subresource}/${name}`,
  );
  expect(brief).toEqual([
    ...["/users//jane", "/groups//dev", "authentication.k8s.io/userextras/scopes/a", "authentication.k8s.io/userextras/scopes/b"],
    "authentication.k8s.io/uids//7",
  ]);
  expect(impersonationQuestions({ user: "system:serviceaccount:shop:web", uid: "", groups: [], extra: {} })).toMatchObject([
    { verb: "impersonate", resource: "serviceaccounts", namespace: "shop", name: "web" },
  ]);
  expect(impersonationQuestions({ user: "", uid: "", groups: ["dev"], extra: {} })).toMatchObject({ code: 400 });
});

test("an impersonated service account is in its groups, everybody in that of the authenticated, the anonymous in neither", () => {
  const as = (user: string, groups: readonly string[] = []) => impersonated({ user, uid: "", groups, extra: {} }).groups;
  expect(as("system:serviceaccount:shop:web")).toEqual(["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]);
  expect(as("system:serviceaccount:shop:web", ["x"])).toEqual(["x", "system:authenticated"]);
  expect(as("jane")).toEqual(["system:authenticated"]);
  expect(as("system:anonymous")).toEqual(["system:unauthenticated"]);
});
