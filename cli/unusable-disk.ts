import type { RuntimeEvent } from "../runtime/world";

/** Why an actor cannot use what is on its disk, if that is what the event says; starting it again would not help. */
export function unusable(event: RuntimeEvent): string | undefined {
  if (event.type !== "crashed" || !(event.error instanceof Error) || !event.error.message.startsWith("disk: ")) return undefined;
  return event.error.message.slice("disk: ".length);
}
