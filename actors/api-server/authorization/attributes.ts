import type { RequestInfo } from "../request-info";

/** What somebody wants to do, in the words of an authorizer (authorization.k8s.io ResourceAttributes, NonResourceAttributes). */
export interface Attributes {
  /** One of Kubernetes' verbs, or a special one: "impersonate", "bind", "escalate", "approve", "sign", "use". */
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** "" where the request is not about one object. */
  readonly name: string;
  /** Of what is not a resource, such as "/readyz". */
  readonly path: string;
  /** The node to whose pods a field selector limits a list or a watch; absent where none does. */
  readonly selectedNode?: string;
  /** As they stand in the request for many objects, where there are any. */
  readonly selectors?: { readonly field: string; readonly label: string };
}

/** What a request wants. A list or watch of the one object that a field selector names counts as a request about that object. */
export function attributesOf(request: RequestInfo): Attributes {
  const { verb, isResource, group, version, resource, subresource, namespace, path } = request;
  const name = request.name || selected(request, "metadata.name");
  const selectedNode = selected(request, "spec.nodeName");
  const attributes = { verb, isResource, group, version, resource, subresource, namespace, name, path };
  const { fieldSelector: field = "", labelSelector: label = "" } = request.query;
  if ((field === "" && label === "") || !isForMany(verb)) return attributes;
  return { ...attributes, ...(selectedNode === "" ? {} : { selectedNode }), selectors: { field, label } };
}

/** The value to which a field selector limits a request for many objects; "" where it does not. */
function selected({ verb, query }: RequestInfo, field: string): string {
  if (!isForMany(verb)) return "";
  for (const requirement of (query.fieldSelector ?? "").split(",")) {
    const [, name, value] = /^([^=!]+)={1,2}(?!=)(.*)$/.exec(requirement.trim()) ?? [];
    if (name === field) return value!;
  }
  return "";
}

function isForMany(verb: string): boolean {
  return verb === "list" || verb === "watch" || verb === "deletecollection";
}
