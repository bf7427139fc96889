import type { MemberLink } from "./member-link";
import type { Duplex, Handlers } from "./serve";
import { type WatchFields, WatchSession } from "./watch-session";

const unsentBytesMax = 16 * 1024 * 1024;

/** etcd's Watch service. */
export function watchService(link: MemberLink): Handlers {
  return {
    Watch: (call: Duplex<WatchFields>) => {
      const session = new WatchSession(link, call, unsentBytesMax);
      const end = () => session.end();
      call.on("data", ({ message }) => session.take(message));
      call.on("cancelled", end);
      call.on("error", end);
      call.on("close", end);
    },
  };
}
