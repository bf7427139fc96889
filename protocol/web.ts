/**
 * HTTP between an API server and what stands outside of the cluster's actors: webhooks and aggregated API servers. Asked of an actor that plays
 * one of these (simulated), or of the service "web/HOST" that performs the request (live). Sent as an open, the first item is an HttpResponse
 * without a body; HttpChunks follow until the stream closes. Nothing here is ever sent to a Pod's or a Service's address.
 */
export interface HttpRequest {
  readonly kind: "http.request";
  readonly method: string;
  /** "https://127.0.0.1:9443/convert?timeout=10s": where to connect, and what to ask for. */
  readonly url: string;
  /** The name for which the certificate must be good; "" for the URL's own. */
  readonly serverName: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** PEM of the authorities that may have signed the server's certificate; "" for those that the machine trusts. */
  readonly caBundle: string;
  readonly insecureSkipTlsVerify: boolean;
  /** The certificate to show: none, or the one by which API servers are known as proxies that vouch for users. */
  readonly identity: "" | "front-proxy";
}

export interface HttpResponse {
  readonly kind: "http.response";
  readonly code: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export interface HttpChunk {
  readonly kind: "http.chunk";
  readonly bytes: Uint8Array;
}

export type WebMessage = HttpRequest | HttpResponse | HttpChunk;
