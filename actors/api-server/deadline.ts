import type { ApiRequest } from "../../protocol/api";
import { parseDurationMs } from "../../protocol/kinds/duration";
import { badRequest, type Failure } from "../../protocol/status";
import { isLongRunning } from "./flow-control/long-running";

/** What goes on for as long as somebody wants is not held to the time that other requests have. */
export const longRunningMs = 24 * 3_600_000;

/**
 * How long a request may take: what its client asks for (?timeout=32s), never more than `longestMs`; zero and less ask for nothing. A 400 Status
 * where it is no duration.
 */
export function timeLimitMs(
  request: Pick<ApiRequest, "isResource" | "verb" | "subresource" | "query">,
  longestMs: number,
): number | Failure {
  if (isLongRunning(request)) return longRunningMs;
  const text = request.query.timeout ?? "";
  if (text === "") return longestMs;
  const asked = parseDurationMs(text);
  if (asked === undefined) return badRequest(`invalid timeout specified in the request URL - time: ${wrongWith(text)}`);
  return asked <= 0 ? longestMs : Math.min(asked, longestMs);
}

function wrongWith(text: string): string {
  return `${/^[+-]?\d+(\.\d*)?$/.test(text) ? "missing unit in duration" : "invalid duration"} ${JSON.stringify(text)}`;
}
