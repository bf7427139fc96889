import type { ApiEvent, ApiMessage, ApiRequest } from "../../../protocol/api";
import type { StreamInput } from "../../../runtime/actor";
import { headersOf, noAnswer, sendAnswer } from "./answer";
import { bufferedBytes, destroy, end, type HttpRequest, type HttpResponse, isGone, write, writeHead } from "./http";
import type { GatewayPort } from "./port";

const encoder = new TextEncoder();
const eventEnd = encoder.encode("}\n");
const eventStarts = new Map(
  (["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"] as const).map((type) => [type, encoder.encode(`{"type":"${type}","object":`)]),
);

/** A watch event as a line of JSON around the object's own bytes. */
export function eventLine({ type, object }: ApiEvent): Uint8Array {
  return Buffer.concat([eventStarts.get(type)!, object, eventEnd]);
}

/**
 * Opens a stream (a watch, a log that is followed) and passes on what comes, until either side ends it. A client that takes its events
 * too slowly is cut off, as Kubernetes does: it begins anew with a list. Resolves when the exchange is over.
 */
export function stream(
  request: HttpRequest,
  response: HttpResponse,
  message: ApiRequest,
  port: GatewayPort,
  maxBufferedBytes: number,
): Promise<void> {
  return new Promise((resolve) => {
    let begun = false;
    let over = false;
    const finish = (close: boolean) => {
      if (over) return;
      over = true;
      if (close) opened.close();
      resolve();
    };
    const opened = port.open(message, (input: StreamInput<ApiMessage>) => {
      if (over) return;
      if (input.type === "closed") {
        if (begun) end(response);
        else {
          const error = input.reason === "refused" || input.reason === "done" ? "refused" : "unreachable";
          void sendAnswer(request, response, noAnswer({ ok: false, error, detail: input.detail || input.reason }, true));
        }
        return finish(false);
      }
      const item = input.body;
      if (item.kind === "api.response") {
        begun = true;
        if (item.code !== 200) {
          void sendAnswer(request, response, item);
          return finish(true);
        }
        writeHead(response, 200, headersOf(item));
        // The client has to learn that its watch stands before the first event comes.
        if ("flushHeaders" in response) response.flushHeaders();
        if (item.body.length > 0) write(response, item.body);
      } else if (item.kind === "api.event") write(response, eventLine(item));
      else if (item.kind === "api.chunk") write(response, item.bytes);
      if (bufferedBytes(response) > maxBufferedBytes) {
        destroy(response);
        finish(true);
      }
    });
    response.on("close", () => finish(true));
    if (isGone(response)) finish(true);
  });
}
