import type { ApiMessage, ApiRequest, ApiResponse } from "../../../../protocol/api";
import { serviceUnavailable } from "../../../../protocol/status";
import { isTunnelMessage, type TunnelMessage } from "../../../../protocol/tunnel";
import { failureAnswer, noAnswer } from "../answer";
import type { GatewayPort } from "../port";
import { Held, type Taker } from "./held";

/** A tunnel from the client's protocol to the API server behind the gateway. */
export interface TunnelLink {
  send(message: TunnelMessage): void;
  close(): void;
  /** Whoever takes what comes from the other side from now on; what came before is handed over first. */
  receive(taker: Taker<TunnelMessage>): void;
}

/** Opens a tunnel: resolves with it once the other side has accepted, or with the answer that refuses it. */
export function openLink(port: GatewayPort, request: ApiRequest): Promise<TunnelLink | ApiResponse> {
  return new Promise((resolve) => {
    const held = new Held<TunnelMessage>();
    const link: TunnelLink = {
      send: (message) => opened.push(message),
      close: () => opened.close(),
      receive: (taker) => held.receive(taker),
    };
    const item = (body: ApiMessage) => {
      if (body.kind === "api.response") {
        if (body.code !== 101) resolve(body);
        else resolve(link);
      } else if (isTunnelMessage(body)) held.item(body);
    };
    const opened = port.open(request, (input) => {
      // This runs in a turn of the runtime, which must not hear of what goes wrong with one client.
      try {
        if (input.type === "item") return item(input.body);
        const refused = input.reason === "refused" || input.reason === "done";
        resolve(
          refused
            ? noAnswer({ ok: false, error: "refused", detail: input.detail }, true)
            : failureAnswer(serviceUnavailable(input.detail || input.reason)),
        );
        held.end();
      } catch {
        opened.close();
      }
    });
  });
}
