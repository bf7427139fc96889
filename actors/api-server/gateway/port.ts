import type { Address } from "../../../protocol/address";
import type { ApiMessage, ApiRequest, ApiResponse } from "../../../protocol/api";
import type { Answer, StreamInput } from "../../../runtime/actor";
import type { Portal } from "../../../runtime/portal";

/** All that a gateway knows of the server behind it. */
export interface GatewayPort {
  /** Always resolves; a failure is an answer too. */
  ask(request: ApiRequest, deadlineMs: number): Promise<Answer<ApiResponse>>;
  /** Opens a stream; `then` gets its items and, once and last, its end. It must not throw. */
  open(request: ApiRequest, then: (input: StreamInput<ApiMessage>) => void): { push(item: ApiMessage): void; close(): void };
}

/** The port to one API server, through the portal of the gateway's own actor. */
export function portTo(server: Address, portal: Portal): GatewayPort {
  return {
    ask: (request, deadlineMs) => new Promise((resolve) => portal.ask<ApiResponse>(server, request, deadlineMs, resolve)),
    open: (request, then) => portal.open<ApiMessage>(server, request, then),
  };
}
