import type { Address } from "../protocol/address";
import type { ApiRequest, ApiResponse } from "../protocol/api";
import type { Lease, Node } from "../protocol/kinds/generated";
import type { Stored } from "../protocol/kinds/object";
import type { Answer } from "../runtime/actor";
import type { Portal } from "../runtime/portal";
import { objectId } from "../scenarios/history";

interface Path {
  readonly path: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Asks an API server as kubernetes-admin does through the HTTPS gateway. Resolves to the decoded body of a 200, otherwise undefined. */
function get<T>(portal: Portal, server: Address, at: Path): Promise<T | undefined> {
  const request: ApiRequest = {
    kind: "api.request",
    verb: at.resource !== undefined && at.name === undefined ? "list" : "get",
    path: at.path,
    isResource: at.resource !== undefined,
    group: at.group ?? "",
    version: at.version ?? "",
    resource: at.resource ?? "",
    subresource: "",
    namespace: at.namespace ?? "",
    name: at.name ?? "",
    query: {},
    accept: "application/json",
    contentType: "",
    userAgent: "wavetank-up",
    credential: { type: "certificate", commonName: "kubernetes-admin", organizations: ["system:masters"] },
    impersonation: null,
    body: new Uint8Array(0),
  };
  return new Promise((resolve) =>
    portal.ask<ApiResponse>(server, request, 2_000, (answer: Answer<ApiResponse>) => {
      if (!answer.ok || answer.body.code !== 200) return resolve(undefined);
      const text = Buffer.from(answer.body.body).toString();
      resolve((at.resource === undefined ? text : JSON.parse(text)) as T);
    }),
  );
}

/** Why the API servers do not serve yet, or undefined when all of them answer /readyz. */
export async function reasonNotServing(portal: Portal, servers: readonly Address[]): Promise<string | undefined> {
  for (const server of servers) if ((await get<string>(portal, server, { path: "/readyz" })) === undefined) return `${server} is not ready`;
  return undefined;
}

/**
 * Why the cluster is not ready yet, or undefined when it is: controllers and scheduler have a leader and do their work, and every node
 * that is expected is Ready.
 */
export async function reasonNotReady(portal: Portal, server: Address, nodes: readonly string[]): Promise<string | undefined> {
  for (const name of ["kube-controller-manager", "kube-scheduler"]) {
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${name}`;
    const lease = await get<Lease>(portal, server, {
      path,
      group: "coordination.k8s.io",
      version: "v1",
      resource: "leases",
      namespace: "kube-system",
      name,
    });
    if (!lease?.spec?.holderIdentity) return `${name} has no leader`;
  }
  const account = "/api/v1/namespaces/default/serviceaccounts/default";
  const at = { path: account, version: "v1", resource: "serviceaccounts", namespace: "default", name: "default" };
  if ((await get(portal, server, at)) === undefined) return "namespace default has no service account";
  if (nodes.length === 0) return undefined;
  const list = await get<{ readonly items: readonly Node[] }>(portal, server, { path: "/api/v1/nodes", version: "v1", resource: "nodes" });
  const ready = new Set((list?.items ?? []).filter(isReady).map((node) => node.metadata?.name));
  const missing = nodes.filter((node) => !ready.has(node));
  return missing.length === 0 ? undefined : `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not Ready`;
}

/** What selectors of pods look at, by id as in histories. Rejects where the API server does not answer. */
export async function readObjects(portal: Portal, server: Address): Promise<ReadonlyMap<string, Stored>> {
  const objects = new Map<string, Stored>();
  for (const { kind, resource, group } of selectable) {
    const path = group === "" ? `/api/v1/${resource}` : `/apis/${group}/v1/${resource}`;
    const list = await get<{ readonly items: readonly Stored[] }>(portal, server, { path, group, version: "v1", resource });
    if (list === undefined) throw new Error(`${server} does not say which ${resource} there are`);
    for (const item of list.items) objects.set(objectId({ ...item, kind }), { ...item, kind });
  }
  return objects;
}

const selectable = [
  { kind: "Pod", resource: "pods", group: "" },
  { kind: "Service", resource: "services", group: "" },
  { kind: "Deployment", resource: "deployments", group: "apps" },
  { kind: "ReplicaSet", resource: "replicasets", group: "apps" },
];

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
