import { authorize, rulesOf } from "../../../actors/api-server/authorization/rbac";
import { reviewAccess, reviewRules, reviewSelf, reviewToken } from "../../../actors/api-server/authorization/reviews";
import { binding, rbacWorld, user } from "./world";

const world = rbacWorld({ roleBindings: [binding("ClusterRole/view", "User/jane")] });
const jane = user("jane");
const given = {
  requester: jane,
  namespace: "",
  authorize: (who: typeof jane, wanted: Parameters<typeof authorize>[1]) => authorize(who, wanted, world),
};

// Source: "Authorization overview", checking API access (kubectl auth can-i).
test("a self review is answered for whoever asks", () => {
  const review = {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    spec: { resourceAttributes: { verb: "list", resource: "pods", namespace: "shop" } },
  };
  expect(reviewAccess(review, given)).toEqual({ ...review, status: { allowed: true, reason: expect.stringContaining("RoleBinding") } });
  expect(
    reviewAccess({ ...review, spec: { resourceAttributes: { verb: "delete", resource: "pods", namespace: "shop" } } }, given),
  ).toMatchObject({
    status: { allowed: false },
  });
  expect(reviewAccess({ ...review, spec: { nonResourceAttributes: { verb: "get", path: "/apis" } } }, given)).toMatchObject({
    status: { allowed: true },
  });
});

test("a subject review is answered for the subject, whoever asks", () => {
  const ask = (spec: object) => reviewAccess({ kind: "SubjectAccessReview", spec }, given);
  const resourceAttributes = { verb: "get", resource: "secrets", namespace: "shop" };
  expect(ask({ user: "root", groups: ["system:masters"], resourceAttributes })).toMatchObject({ status: { allowed: true } });
  expect(ask({ user: "joe", resourceAttributes })).toMatchObject({ status: { allowed: false } });
});

test("a review that asks nothing, or about nobody, is invalid", () => {
  expect(reviewAccess({ kind: "SelfSubjectAccessReview", spec: {} }, given)).toMatchObject({ code: 422, reason: "Invalid" });
  expect(reviewAccess({ kind: "SubjectAccessReview", spec: { resourceAttributes: {} } }, given)).toMatchObject({ code: 422 });
  const both = { user: "joe", resourceAttributes: {}, nonResourceAttributes: {} };
  expect(reviewAccess({ kind: "SubjectAccessReview", spec: both }, given)).toMatchObject({ code: 422 });
});

test("a local review must be about its own namespace", () => {
  const local = {
    kind: "LocalSubjectAccessReview",
    spec: { user: "joe", resourceAttributes: { namespace: "shop", verb: "get", resource: "pods" } },
  };
  expect(reviewAccess(local, { ...given, namespace: "shop" })).toMatchObject({ status: { allowed: false } });
  expect(reviewAccess(local, { ...given, namespace: "other" })).toMatchObject({
    code: 422,
    message: expect.stringContaining("must match"),
  });
});

test("a rules review lists resources and URLs apart", () => {
  const answer = reviewRules({ kind: "SelfSubjectRulesReview", spec: { namespace: "shop" } }, (namespace) =>
    rulesOf(jane, namespace, world),
  );
  expect(answer).toMatchObject({ status: { incomplete: false } });
  const { status } = answer as unknown as { status: { resourceRules: object[]; nonResourceRules: object[] } };
  expect(status.resourceRules).toContainEqual({
    verbs: ["create"],
    apiGroups: ["authentication.k8s.io"],
    resources: ["selfsubjectreviews"],
  });
  expect(status.nonResourceRules).toContainEqual({
    verbs: ["get"],
    nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"],
  });
  expect(reviewRules({ spec: {} }, () => ({ rules: [], incomplete: false }))).toMatchObject({ code: 422 });
});

test("whoami tells the name, the groups and what else is known", () => {
  expect(reviewSelf({ kind: "SelfSubjectReview" }, { ...jane, extra: { a: ["b"] } })).toEqual({
    kind: "SelfSubjectReview",
    status: { userInfo: { username: "jane", groups: ["system:authenticated"], extra: { a: ["b"] } } },
  });
});

test("a token review tells whom a token stands for, or why it is not believed", () => {
  const review = { kind: "TokenReview", spec: { token: "t" } };
  expect(reviewToken(review, { ok: true, user: jane, audiences: ["api"] }).status).toEqual({
    authenticated: true,
    user: { username: "jane", groups: ["system:authenticated"] },
    audiences: ["api"],
  });
  expect(reviewToken(review, { ok: false, error: "the token has expired" }).status).toEqual({ error: "the token has expired", user: {} });
});
