import type { Duplex } from "node:stream";
import type { TunnelLink } from "./link";
import { type SpdyStream, serveSpdy } from "./spdy";

interface Pair {
  readonly port: number;
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Port-forward over SPDY: for each connection the client opens a stream of errors and one of data, which share a header `requestid`. */
export function forwardOverSpdy(socket: Duplex, link: TunnelLink): void {
  const waiting = new Map<string, Pair>();
  const connections = new Map<number, Required<Pair>>();
  let next = 0;
  serveSpdy(
    socket,
    (stream) => {
      const { streamtype, port = "", requestid = "" } = stream.headers;
      const number = Number(port);
      if (!Number.isInteger(number) || number < 1 || number > 65_535 || (streamtype !== "data" && streamtype !== "error"))
        return stream.abort();
      const pair = waiting.get(requestid) ?? { port: number };
      waiting.set(requestid, pair);
      pair[streamtype] = stream;
      const { data, error } = pair;
      if (!data || !error) return;
      waiting.delete(requestid);
      const channel = next++;
      connections.set(channel, { port: number, data, error });
      link.send({ kind: "tunnel.connect", channel, port: number });
      error.resume();
      data.on("data", (bytes: Buffer) => link.send({ kind: "tunnel.data", channel, bytes }));
      data.on("end", () => link.send({ kind: "tunnel.close", channel }));
    },
    () => link.close(),
  );
  link.receive({
    item(message) {
      const pair = connections.get(message.channel);
      if (!pair) return;
      if (message.kind === "tunnel.data") {
        pair.data.write(Buffer.from(message.bytes));
        return;
      }
      connections.delete(message.channel);
      if (message.kind === "tunnel.failed") pair.error.write(message.message);
      pair.error.end();
      pair.data.end();
    },
    end: () => void socket.end(),
  });
}
