import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...more: unknown[]) => void;

/**
 * Has requests that are no gRPC answered by somebody else, on whatever connection they come: gRPC's server refuses them with 415 otherwise. It does not show
 * the HTTP/2 servers that it makes, so that this looks where it keeps them, and throws where another version keeps them elsewhere. To be called once its
 * connection injector is there, before the first connection.
 */
export function takeOthers(server: Server, onOther: OnStream): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  const [onGrpc, ...others] = http2?.listeners("stream") ?? [];
  if (http2 === undefined || onGrpc === undefined || others.length > 0) throw new Error("grpc-js does not serve HTTP/2 as it is known to");
  http2.removeAllListeners("stream");
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...more: unknown[]) => {
    const isGrpc = String(headers["content-type"] ?? "").startsWith("application/grpc");
    (isGrpc ? (onGrpc as OnStream) : onOther)(stream, headers, ...more);
  });
}
