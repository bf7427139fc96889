import { requestInfo } from "../../actors/api-server/request-info";

/** "verb group/version namespace resource/subresource name", or "verb path" for what is not a resource. */
function read(method: string, target: string): string {
  const info = requestInfo(method, target);
  if ("status" in info) return `${info.code} ${info.reason}`;
  if (!info.isResource) return `${info.verb} ${info.path}`;
  const what = info.subresource === "" ? info.resource : `${info.resource}/${info.subresource}`;
  return `${info.verb} ${info.group}/${info.version} [${info.namespace}] ${what} [${info.name}]`;
}

// Source: Kubernetes API concepts, "Resource URIs" and "API verbs"; authorization, "Determine the request verb".
test.each([
  ["GET", "/api/v1/namespaces", "list /v1 [] namespaces []"],
  ["GET", "/api/v1/namespaces/shop", "get /v1 [shop] namespaces [shop]"],
  ["PUT", "/api/v1/namespaces/shop/finalize", "update /v1 [shop] namespaces/finalize [shop]"],
  ["GET", "/api/v1/namespaces/shop/status", "get /v1 [shop] namespaces/status [shop]"],
  ["DELETE", "/api/v1/namespaces/shop", "delete /v1 [shop] namespaces [shop]"],
  ["GET", "/api/v1/namespaces/shop/pods", "list /v1 [shop] pods []"],
  ["GET", "/api/v1/namespaces/shop/pods/", "list /v1 [shop] pods []"],
  ["HEAD", "/api/v1/namespaces/shop/pods/web-1", "get /v1 [shop] pods [web-1]"],
  ["GET", "/api/v1/pods?watch=true", "watch /v1 [] pods []"],
  ["GET", "/api/v1/pods?watch=1", "watch /v1 [] pods []"],
  ["GET", "/api/v1/pods?watch", "watch /v1 [] pods []"],
  ["GET", "/api/v1/pods?watch=false", "list /v1 [] pods []"],
  ["GET", "/api/v1/watch/namespaces/shop/pods", "watch /v1 [shop] pods []"],
  ["GET", "/api/v1/watch/namespaces/shop/pods/web-1", "watch /v1 [shop] pods [web-1]"],
  ["GET", "/api/v1/watch", "400 BadRequest"],
  ["POST", "/apis/apps/v1/namespaces/shop/deployments", "create apps/v1 [shop] deployments []"],
  ["PATCH", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "patch apps/v1 [shop] deployments/scale [web]"],
  ["DELETE", "/apis/apps/v1/namespaces/shop/deployments", "deletecollection apps/v1 [shop] deployments []"],
  ["POST", "/api/v1/namespaces/shop/pods/web-1/eviction", "create /v1 [shop] pods/eviction [web-1]"],
  ["GET", "/api/v1/namespaces/shop/pods/web-1/log?follow=true", "get /v1 [shop] pods/log [web-1]"],
  ["POST", "/api/v1/namespaces/shop/pods/web-1/exec?command=sh", "create /v1 [shop] pods/exec [web-1]"],
  ["GET", "/api/v1/namespaces/shop/services/web:80/proxy/a/b", "get /v1 [shop] services/proxy [web:80]"],
  ["GET", "/api/v1/nodes/node-1", "get /v1 [] nodes [node-1]"],
  [
    "GET",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
    "get rbac.authorization.k8s.io/v1 [] clusterroles [system:node]",
  ],
  ["GET", "/api/v1", "get /api/v1"],
  ["GET", "/apis/apps/v1", "get /apis/apps/v1"],
  ["GET", "/apis/apps", "get /apis/apps"],
  ["GET", "/", "get /"],
  ["GET", "/readyz?verbose", "get /readyz"],
  ["GET", "/openapi/v3/apis/apps/v1?hash=X", "get /openapi/v3/apis/apps/v1"],
  ["GET", "https://127.0.0.1:6443/api/v1/pods", "list /v1 [] pods []"],
  ["GET", "/api/v1/pods/%zz", "400 BadRequest"],
  ["GET", "/api/v1/pods?labelSelector=%e0", "400 BadRequest"],
  ["BREW", "/api/v1/pods", "405 MethodNotAllowed"],
])("%s %s is %s", (method, target, expected) => {
  expect(read(method, target)).toBe(expected);
});

test("query parameters are decoded, and of a repeated one the first counts", () => {
  const info = requestInfo("GET", "/api/v1/pods?labelSelector=app%20in%20(a%2Cb)&fieldSelector=spec.nodeName%3Dn1&limit=500&limit=1&q=a+b");
  expect(info).toMatchObject({ query: { labelSelector: "app in (a,b)", fieldSelector: "spec.nodeName=n1", limit: "500", q: "a b" } });
});

test("a parameter cannot reach into the record's prototype", () => {
  const info = requestInfo("GET", "/api/v1/pods?__proto__=x&constructor=y");
  expect(Object.keys("query" in info ? info.query : {})).toEqual(["__proto__", "constructor"]);
});
