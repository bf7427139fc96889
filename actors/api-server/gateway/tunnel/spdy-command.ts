import type { Duplex } from "node:stream";
import { tunnelChannels } from "../../../../protocol/tunnel";
import type { TunnelLink } from "./link";
import { type SpdyStream, serveSpdy } from "./spdy";

/** How long a client may take to open the streams that its request announced. */
const streamsWithinMs = 30_000;

/** exec and attach over SPDY: one stream for each channel, named by its header `streamtype`. Output waits until the client has opened what it asked for. */
export function commandOverSpdy(socket: Duplex, link: TunnelLink, expected: readonly (keyof typeof tunnelChannels)[]): void {
  const streams = new Map<number, SpdyStream>();
  const wanted = expected.map((name) => tunnelChannels[name]);
  const server = serveSpdy(
    socket,
    (stream) => {
      const type = stream.headers.streamtype as keyof typeof tunnelChannels;
      const channel = tunnelChannels[type];
      if (channel === undefined || streams.has(channel)) return stream.abort();
      streams.set(channel, stream);
      if (channel === tunnelChannels.stdin || channel === tunnelChannels.resize) {
        stream.on("data", (bytes: Buffer) => link.send({ kind: "tunnel.data", channel, bytes }));
        stream.on("end", () => link.send({ kind: "tunnel.close", channel }));
      } else stream.resume();
      if (wanted.every((one) => streams.has(one))) begin();
    },
    () => {
      clearTimeout(timer);
      link.close();
    },
  );
  const timer = setTimeout(() => socket.destroy(), streamsWithinMs);
  const begin = () => {
    clearTimeout(timer);
    link.receive({
      item(message) {
        if (message.kind === "tunnel.data") streams.get(message.channel)?.write(Buffer.from(message.bytes));
      },
      end() {
        let left = streams.size;
        for (const stream of streams.values())
          stream.end(() => {
            left--;
            if (left === 0) server.end();
          });
      },
    });
  };
}
