import type { Duplex } from "node:stream";
import type { TunnelLink } from "./link";
import { type SpdyStream, serveSpdy } from "./spdy";

/** How long the second stream of a pair is waited for. Source: kubelet's streamCreationTimeout. */
const pairWithinMs = 30_000;

interface Pair {
  readonly port: number;
  readonly timer: NodeJS.Timeout;
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Port-forward over SPDY: for each connection the client opens a stream of errors and one of data, which share a header `requestid`. */
export function forwardOverSpdy(socket: Duplex, link: TunnelLink, withinMs = pairWithinMs): void {
  const waiting = new Map<string, Pair>();
  const connections = new Map<number, { readonly data: SpdyStream; readonly error: SpdyStream }>();
  let next = 0;
  const giveUp = (requestid: string) => {
    const pair = waiting.get(requestid);
    waiting.delete(requestid);
    for (const stream of [pair?.data, pair?.error]) stream?.abort();
  };
  serveSpdy(
    socket,
    (stream) => {
      const { streamtype, port = "", requestid = "" } = stream.headers;
      const number = Number(port);
      if (!Number.isInteger(number) || number < 1 || number > 65_535 || (streamtype !== "data" && streamtype !== "error"))
        return stream.abort();
      const pair = waiting.get(requestid) ?? { port: number, timer: setTimeout(() => giveUp(requestid), withinMs).unref() };
      waiting.set(requestid, pair);
      pair[streamtype]?.abort();
      pair[streamtype] = stream;
      const { data, error } = pair;
      if (!data || !error) return;
      waiting.delete(requestid);
      clearTimeout(pair.timer);
      const channel = next++;
      connections.set(channel, { data, error });
      link.send({ kind: "tunnel.connect", channel, port: number });
      error.resume();
      data.on("data", (bytes: Buffer) => link.send({ kind: "tunnel.data", channel, bytes }));
      data.on("end", () => link.send({ kind: "tunnel.close", channel }));
    },
    () => {
      for (const { timer } of waiting.values()) clearTimeout(timer);
      link.close();
    },
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
