/** What else is said in a cluster: requests between workloads on the cluster's own network, and an API server's calls to kubelets. */

/**
 * A request as a workload sends it, to a Service's or a Pod's address. Sent as an ask to "kube-proxy/NODE" of the node where it starts;
 * the proxy picks an endpoint and asks "container-runtime/NODE" of the node that holds the pod. Addresses are the cluster's own: nothing dials them.
 */
export interface NetRequest {
  readonly kind: "net.request";
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
  /** Of the request, to find it again in the trace and in histories. */
  readonly requestId: string;
  /** Instead of an address (`destinationIp` is then ""): a DNS name, asked for by a pod of the namespace. `port` 0 is the first of the Service it means. */
  readonly name?: { readonly host: string; readonly namespace: string };
  /** Only what the name means is asked: the answer's body is `{"name": …, "addresses": […]}` in JSON, with `cname` where it is but another name. */
  readonly lookUp?: true;
  /** How many workloads asked another one on behalf of the first request; 0 where not given. */
  readonly hops?: number;
}

export interface NetResponse {
  readonly kind: "net.response";
  readonly outcome: "answered" | "refused" | "timeout" | "unreachable";
  /** HTTP status where answered, else 0. */
  readonly code: number;
  readonly body: Uint8Array;
  /** The pod "namespace/name" that answered, else "". */
  readonly servedBy: string;
  readonly detail: string;
}

/** Asked of "kubelet/NODE" by an API server: a container's log. With follow it is opened as a stream of ApiChunks after one KubeletLogResponse. */
export interface KubeletLogRequest {
  readonly kind: "kubelet.log";
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** -1 where not given. */
  readonly tailLines: number;
  readonly limitBytes: number;
  /** Microseconds since the epoch, 0 where not given. */
  readonly sinceUs: number;
}

export interface KubeletLogResponse {
  readonly kind: "kubelet.log.response";
  readonly code: number;
  readonly message: string;
  readonly bytes: Uint8Array;
}

/**
 * Opened at "kubelet/NODE" by an API server: a command run in a container, or what its main process reads and writes. Answered by one
 * KubeletTunnelResponse; where its code is 200, TunnelMessages follow in both directions.
 */
export interface KubeletExecRequest {
  readonly kind: "kubelet.exec" | "kubelet.attach";
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Empty where attached. */
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Opened at "kubelet/NODE" by an API server: connections into a pod's network. Answered as KubeletExecRequest is. */
export interface KubeletPortForwardRequest {
  readonly kind: "kubelet.portForward";
  readonly namespace: string;
  readonly pod: string;
}

export interface KubeletTunnelResponse {
  readonly kind: "kubelet.tunnel.response";
  readonly code: number;
  readonly message: string;
}

/** Asked of "kubelet/NODE" by an API server: what the kubelet itself answers over HTTP. */
export interface KubeletGetRequest {
  readonly kind: "kubelet.get";
  /** With its query. */
  readonly path: string;
}

export interface KubeletGetResponse {
  readonly kind: "kubelet.get.response";
  readonly code: number;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Asked of a controller manager, a scheduler or a member of etcd by whoever runs the world: what the program answers over HTTP at an address of its own. */
export interface ComponentGetRequest {
  readonly kind: "component.get";
  /** With its query. */
  readonly path: string;
}

export interface ComponentGetResponse {
  readonly kind: "component.get.response";
  readonly code: number;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export type KubeletRequest = KubeletLogRequest | KubeletExecRequest | KubeletPortForwardRequest | KubeletGetRequest;

export type ClusterMessage =
  | NetRequest
  | NetResponse
  | KubeletRequest
  | KubeletLogResponse
  | KubeletTunnelResponse
  | KubeletGetResponse
  | ComponentGetRequest
  | ComponentGetResponse;
