import type { ApiEvent, ApiMessage } from "../../protocol/api";
import type { StreamInput } from "../../runtime/actor";
import { isNamed } from "./named";

const newline = 10;
/** Of one event, as etcd would not keep a longer one. */
const lineBytesMax = 4 * 1024 * 1024;
const types: readonly ApiEvent["type"][] = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"];
const encoder = new TextEncoder();

/**
 * Makes events of what a watch brings: an API server says them one by one, but of an aggregated server it passes on the bytes as they come, in which each
 * line is an event. A piece that is no event, or an event without end, counts as one of type ERROR.
 */
export class WatchLines {
  private rest: Uint8Array = new Uint8Array(0);

  /** The inputs that an input stands for. */
  read(input: StreamInput<ApiMessage>): readonly StreamInput<ApiMessage>[] {
    if (input.type !== "item" || input.body.kind !== "api.chunk") return [input];
    const bytes = this.rest.length === 0 ? input.body.bytes : Buffer.concat([this.rest, input.body.bytes]);
    const events: StreamInput<ApiMessage>[] = [];
    let from = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      if (at > from) events.push({ ...input, body: eventIn(bytes.subarray(from, at)) });
      from = at + 1;
    }
    this.rest = bytes.slice(from);
    if (this.rest.length <= lineBytesMax) return events;
    this.rest = new Uint8Array(0);
    return [...events, { ...input, body: unreadable("an event is too long") }];
  }
}

function eventIn(line: Uint8Array): ApiEvent {
  try {
    const event = JSON.parse(Buffer.from(line).toString("utf8")) as { readonly type?: unknown; readonly object?: unknown } | null;
    const type = types.find((each) => each === event?.type);
    const object = event?.object as { readonly metadata?: Readonly<Record<string, unknown>> | null } | null | undefined;
    const isWhole = type === "ERROR" || (typeof object?.metadata?.resourceVersion === "string" && (type === "BOOKMARK" || isNamed(object)));
    if (type === undefined || !isWhole) return unreadable("what the server sent is no event of a watch");
    return { kind: "api.event", type, object: encoder.encode(JSON.stringify(object ?? null)) };
  } catch (error) {
    if (error instanceof SyntaxError) return unreadable(error.message);
    throw error;
  }
}

function unreadable(message: string): ApiEvent {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 };
  return { kind: "api.event", type: "ERROR", object: encoder.encode(JSON.stringify(status)) };
}
