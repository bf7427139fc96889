import type { WebSocket } from "ws";
import { type TunnelMessage, tunnelChannels } from "../../../../protocol/tunnel";
import type { TunnelLink } from "./link";

/** In v5 a message on this channel closes the channel that it names. Source: KEP-4006. */
const closeChannel = 255;

const bytesOf = (data: unknown): Buffer => (Array.isArray(data) ? Buffer.concat(data as Buffer[]) : Buffer.from(data as ArrayBuffer));

/** exec and attach over `v5.channel.k8s.io` or `v4.channel.k8s.io`: binary messages whose first byte is the channel. */
export function commandOverWebSocket(socket: WebSocket, link: TunnelLink, hasCloseSignal: boolean): void {
  link.receive({
    item(message) {
      if (message.kind === "tunnel.data") send(socket, message.channel, message.bytes);
    },
    end: () => socket.close(1000),
  });
  // An empty message tells clients of the older protocols that the connection stands.
  send(socket, tunnelChannels.stdout, new Uint8Array(0));
  socket.on("message", (data) => {
    const bytes = bytesOf(data);
    const channel = bytes[0];
    if (channel === undefined) return;
    if (channel === closeChannel && hasCloseSignal) link.send({ kind: "tunnel.close", channel: bytes[1] ?? 0 });
    else if (channel === tunnelChannels.stdin || channel === tunnelChannels.resize)
      link.send({ kind: "tunnel.data", channel, bytes: bytes.subarray(1) });
  });
  endTogether(socket, link);
}

/** Port-forward over `v4.channel.k8s.io`: for each port that was asked for a channel of data and one of errors, which begin with the port's number. */
export function forwardOverWebSocket(socket: WebSocket, link: TunnelLink, ports: readonly number[]): void {
  for (const [index, port] of ports.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    send(socket, 2 * index, number);
    send(socket, 2 * index + 1, number);
    link.send({ kind: "tunnel.connect", channel: index, port });
  }
  let open = ports.length;
  const over = () => {
    open--;
    if (open === 0) socket.close(1000);
  };
  link.receive({
    item(message: TunnelMessage) {
      if (message.kind === "tunnel.data") send(socket, 2 * message.channel, message.bytes);
      else if (message.kind === "tunnel.failed") {
        send(socket, 2 * message.channel + 1, Buffer.from(message.message));
        over();
      } else if (message.kind === "tunnel.close") over();
    },
    end: () => socket.close(1000),
  });
  socket.on("message", (data) => {
    const bytes = bytesOf(data);
    const channel = bytes[0] ?? 1;
    if (channel % 2 === 0 && channel / 2 < ports.length) link.send({ kind: "tunnel.data", channel: channel / 2, bytes: bytes.subarray(1) });
  });
  endTogether(socket, link);
}

function send(socket: WebSocket, channel: number, bytes: Uint8Array): void {
  if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(channel), bytes]), { binary: true });
}

function endTogether(socket: WebSocket, link: TunnelLink): void {
  socket.on("error", () => socket.terminate());
  socket.on("close", () => link.close());
}
