import type { TunnelMessage } from "./tunnel";

/** What is said between an API server and whoever calls it: gateways, controllers, kubelets, the scheduler, kube-proxies. */

/** The verbs of Kubernetes' authorization attributes; "connect" stands behind exec, attach, port-forward and proxy. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection" | "connect";

/**
 * Who asks. An actor is known by the address in its envelope, which its host may not forge; the others come through a gateway,
 * which has checked the TLS handshake and passes on what it saw. Only actors of role "gateway" may say anything but "actor".
 */
export type Credential =
  | { readonly type: "actor" }
  | { readonly type: "certificate"; readonly commonName: string; readonly organizations: readonly string[] }
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "anonymous" };

/** The impersonation headers, where there are any. */
export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * One request. Sent as an ask it is answered by an ApiResponse. Sent as an open (watches, logs that are followed) the first item is an
 * ApiResponse; with code 200 ApiEvents (watch) or ApiChunks (log) follow until the stream closes, otherwise it closes at once.
 */
export interface ApiRequest {
  readonly kind: "api.request";
  readonly verb: Verb;
  /** The URL's path, such as "/api/v1/namespaces/shop/pods/web-1"; all there is for non-resource requests. */
  readonly path: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Query parameters under their Kubernetes names: labelSelector, fieldSelector, limit, continue, resourceVersion, fieldManager, dryRun, … */
  readonly query: Readonly<Record<string, string>>;
  /** All values of the parameters that came more than once (command=sh&command=-c), for `query` has only their first; absent where none did. */
  readonly repeated?: Readonly<Record<string, readonly string[]>>;
  /** Header values; "" where absent. An empty accept means JSON. */
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly credential: Credential;
  readonly impersonation: Impersonation | null;
  readonly body: Uint8Array;
  /** The IP address from which a client outside of the cluster's own actors came to the gateway. */
  readonly sourceIp?: string;
  /** The request's id in the audit log, where whoever sends it (a gateway, for its clients) has given it one. */
  readonly auditId?: string;
}

/** The answer: for failures the body is a metav1.Status in JSON. */
export interface ApiResponse {
  readonly kind: "api.response";
  readonly code: number;
  readonly contentType: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** One watch event; the object is its JSON bytes with its resourceVersion in it, in the form (object, Table, metadata) that was asked for. */
export interface ApiEvent {
  readonly kind: "api.event";
  readonly type: EventType;
  readonly object: Uint8Array;
}

/** A piece of a body that is streamed, such as a log. */
export interface ApiChunk {
  readonly kind: "api.chunk";
  readonly bytes: Uint8Array;
}

/** Said to an API server by its own door: it is to finish what it does and take nothing new. As an ask it is answered, by an ApiResponse, when all is finished. */
export interface ApiShutdown {
  readonly kind: "api.shutdown";
}

/** Said to an API server by its own door, as a datagram: a file of its configuration is another now. */
export interface ApiReload {
  readonly kind: "api.reload";
  readonly what: "encryption" | "authentication" | "authorization";
  /** It is what the server was started with: there is nothing to do but to say which file it is. */
  readonly known?: true;
  /** What stands in the file, parsed; the server reads it and may refuse it. */
  readonly document: unknown;
  /** Why there is no document, "" if there is one. */
  readonly fault: string;
  /** "sha256:…" of the file, and of the server's name: under these its figures show which file is in use. */
  readonly hash: string;
  readonly serverHash: string;
}

/** Said to an API server by its own door, as a datagram: so many audit events about its requests were lost, by whoever was to keep them. */
export interface ApiAuditLost {
  readonly kind: "api.auditLost";
  /** "buffered": there was no room where events wait to be kept; "truncate": they were too large. */
  readonly plugin: "log" | "webhook" | "buffered" | "truncate";
  readonly events: number;
}

export type ApiMessage = ApiRequest | ApiAuditLost | ApiShutdown | ApiReload | ApiResponse | ApiEvent | ApiChunk | TunnelMessage;
