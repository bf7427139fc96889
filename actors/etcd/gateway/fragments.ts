import type { WatchEvent } from "../../../protocol/etcd";
import { sizeOfEvent } from "./responses";

/** Splits events into parts of at most that many bytes each; an event that is larger by itself stays whole. */
export function fragmentsOf(events: readonly WatchEvent[], maxBytes: number): readonly (readonly WatchEvent[])[] {
  const parts: WatchEvent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const size = sizeOfEvent(event);
    if (bytes + size > maxBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(event);
    bytes += size;
  }
  return parts;
}
