import { humanDuration } from "../../../protocol/kinds/duration";
import { timeMs } from "../../../protocol/kinds/object";

/** How long ago a Kubernetes timestamp (RFC 3339) was, as kubectl prints ages; "<unknown>" where there is none or it does not parse. */
export function humanAge(timestamp: string | undefined, nowMs: number): string {
  const at = timeMs(timestamp ?? undefined);
  return at === undefined ? "<unknown>" : humanDuration(nowMs - at);
}
