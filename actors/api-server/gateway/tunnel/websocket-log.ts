import type { WebSocket } from "ws";
import type { ApiRequest, ApiResponse } from "../../../../protocol/api";
import { serviceUnavailable } from "../../../../protocol/status";
import { failureAnswer, noAnswer } from "../answer";
import type { GatewayPort } from "../port";
import { Held, type Taker } from "./held";

/** Subprotocols of a log: the bytes as they are, or as base64 text. None at all is as the first. Source: apiserver's streams over WebSockets. */
export const logProtocols = ["binary.k8s.io", "base64.binary.k8s.io"];

const deadlineMs = 60_000;
/** Of lines that a client has not taken yet. */
const maxBufferedBytes = 16 * 1024 * 1024;

/** A log that has begun: what comes of it goes to `taker`, from the beginning. */
export interface LogSource {
  receive(taker: Taker<Uint8Array>): void;
  close(): void;
}

/** Asks for a log, or begins to follow it; resolves with it or with the answer that refuses it. */
export async function openLog(port: GatewayPort, message: ApiRequest): Promise<LogSource | ApiResponse> {
  if (/^(?:true|1|)$/.test(message.query.follow ?? "false")) return followLog(port, message);
  const answer = await port.ask(message, deadlineMs);
  if (!answer.ok) return noAnswer(answer, true);
  const { body } = answer;
  if (body.code !== 200) return body;
  return {
    receive(taker) {
      if (body.body.length > 0) taker.item(body.body);
      taker.end();
    },
    close: () => undefined,
  };
}

function followLog(port: GatewayPort, message: ApiRequest): Promise<LogSource | ApiResponse> {
  return new Promise((resolve) => {
    const held = new Held<Uint8Array>();
    const source: LogSource = { close: () => opened.close(), receive: (taker) => held.receive(taker) };
    const take = (bytes: Uint8Array) => {
      if (bytes.length > 0) held.item(bytes);
    };
    const opened = port.open(message, (input) => {
      // This runs in a turn of the runtime, which must not hear of what goes wrong with one client.
      try {
        if (input.type === "closed") {
          held.end();
          // Means nothing where it has begun.
          resolve(failureAnswer(serviceUnavailable(input.detail || input.reason)));
        } else if (input.body.kind === "api.response") {
          if (input.body.code !== 200) return resolve(input.body);
          take(input.body.body);
          resolve(source);
        } else if (input.body.kind === "api.chunk") take(input.body.bytes);
      } catch {
        opened.close();
      }
    });
  });
}

/** Sends a log: an empty message first, by which clients know that the connection stands. What clients send is not read. */
export function logOverWebSocket(socket: WebSocket, source: LogSource, protocol: string): void {
  const send = (bytes: Uint8Array) => {
    if (socket.readyState !== socket.OPEN) return;
    if (protocol === "base64.binary.k8s.io") socket.send(Buffer.from(bytes).toString("base64"));
    else socket.send(bytes, { binary: true });
    if (socket.bufferedAmount > maxBufferedBytes) socket.terminate();
  };
  send(new Uint8Array(0));
  source.receive({ item: send, end: () => socket.close(1000) });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => source.close());
}
