import type { Duplex } from "node:stream";
import type { SpdyConnection, SpdyStream } from "spdy-transport";

export type { SpdyStream } from "spdy-transport";

/** A server of SPDY/3.1 on a connection that has been upgraded, as Kubernetes' older clients speak it: bare streams with headers, no requests. */
export interface SpdyServer {
  /** Closes the connection a moment later: what was written has to be sent and read first, and clients that are content close it themselves. */
  end(): void;
}

const lingerMs = 2_000;
/** Streams of one connection that are open at once; what is opened beyond is reset. A port-forward has two for each of its connections. */
const streamsMax = 1_000;

/** Kubernetes' SPDY has no flow control, so what may be sent is not counted down. */
function unlimited(side: { current: number; limit: number }): void {
  side.limit = Number.POSITIVE_INFINITY;
  side.current = Number.MAX_SAFE_INTEGER;
}

/** Serves until the connection closes; `onClose` is called once. Streams are accepted as they come, `most` at once. */
export function serveSpdy(socket: Duplex, onStream: (stream: SpdyStream) => void, onClose: () => void, most = streamsMax): SpdyServer {
  // Only clients of yesterday speak it, and loading it takes longer than loading the gateway.
  const { connection: connections } = require("spdy-transport") as typeof import("spdy-transport");
  const connection: SpdyConnection = connections.create(socket, {
    protocol: "spdy",
    isServer: true,
    windowSize: 1 << 30,
  });
  unlimited(connection._spdyState.window.send);
  // Streams here are no HTTP requests, and the library wants to see one.
  const { parser } = connection._spdyState;
  const parseHeaders = parser.parseKVs.bind(parser);
  parser.parseKVs = (buffer, then) =>
    parseHeaders(buffer, (error, headers) => then(error, headers && { ":method": "POST", ":path": "/", ":authority": "", ...headers }));
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    onClose();
  };
  let open = 0;
  connection.on("stream", (stream: SpdyStream) => {
    if (open >= most) return stream.abort();
    open++;
    stream.on("close", () => open--);
    unlimited(stream._spdyState.window.send);
    stream.on("error", () => stream.abort());
    stream.respond(200, {});
    onStream(stream);
  });
  connection.on("error", () => socket.destroy());
  parser.on("error", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("close", close);
  connection.on("close", close);
  connection.start(3.1);
  return { end: () => void setTimeout(() => socket.end(), lingerMs).unref() };
}
