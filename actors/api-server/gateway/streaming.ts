import type { ApiEvent, ApiMessage, ApiRequest } from "../../../protocol/api";
import { headersOf, noAnswer, sendAnswer } from "./answer";
import type { Encoding } from "./encoding";
import { bufferedBytes, destroy, end, flushHead, type HttpRequest, type HttpResponse, isGone, write, writeHead } from "./http";
import type { GatewayPort } from "./port";

const encoder = new TextEncoder();
const eventEnd = encoder.encode("}\n");
const eventStarts = new Map(
  (["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"] as const).map((type) => [type, encoder.encode(`{"type":"${type}","object":`)]),
);

/** Lines of events, each for as long as its event is about: a thousand watchers are told of a change by the same one, and get the same bytes. */
const lines = new WeakMap<ApiEvent, Uint8Array>();

/** A watch event as a line of JSON around the object's own bytes. */
export function eventLine(event: ApiEvent): Uint8Array {
  const known = lines.get(event);
  if (known) return known;
  const line = Buffer.concat([eventStarts.get(event.type)!, event.object, eventEnd]);
  lines.set(event, line);
  return line;
}

/**
 * Opens a stream (a watch, a log that is followed) and passes on what comes, until either side ends it. A client that takes its events
 * too slowly is cut off, as Kubernetes does: it begins anew with a list. Resolves when the exchange is over.
 */
export function stream(
  request: HttpRequest,
  response: HttpResponse,
  message: ApiRequest,
  encoding: Encoding,
  port: GatewayPort,
  maxBufferedBytes: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = false;
    let over = false;
    let opened: { close(): void } | undefined;
    /** Ends the exchange from this side, with the last thing there is to say. */
    const finish = (last: () => unknown = () => {}) => {
      if (over) return;
      over = true;
      opened?.close();
      Promise.resolve()
        .then(last)
        .then(() => resolve(), reject);
    };
    const closed = (reason: string, detail: string) => {
      if (begun) return finish(() => end(response));
      const error = reason === "refused" || reason === "done" ? "refused" : "unreachable";
      finish(() =>
        sendAnswer(request, response, encoding.response(noAnswer({ ok: false, error, detail: detail || reason }, true)), message.auditId),
      );
    };
    const item = (body: ApiMessage) => {
      if (body.kind === "api.event") write(response, encoding.event(body));
      else if (body.kind === "api.chunk") write(response, body.bytes);
      else if (body.kind === "api.response") {
        if (body.code !== 200) return finish(() => sendAnswer(request, response, encoding.response(body), message.auditId));
        begun = true;
        // A log that is followed has a type of its own; what is JSON is a stream of events.
        const isWatch = body.contentType === "application/json";
        writeHead(response, 200, headersOf(isWatch ? { ...body, contentType: encoding.streamType } : body, message.auditId));
        flushHead(response);
        if (body.body.length > 0) write(response, body.body);
      }
      if (bufferedBytes(response) > maxBufferedBytes) finish(() => destroy(response));
    };
    response.on("close", () => finish());
    opened = port.open(message, (input) => {
      if (over) return;
      // This runs in a turn of the runtime, which must not hear of what goes wrong with one client.
      try {
        if (input.type === "closed") closed(input.reason, input.detail);
        else item(input.body);
      } catch (error) {
        finish(() => Promise.reject(error));
      }
    });
    if (over || isGone(response)) {
      over = true;
      opened.close();
      resolve();
    }
  });
}
