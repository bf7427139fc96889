import type { MemberLink } from "./member-link";
import { Asker, type Duplex, failStream, type Handlers } from "./serve";
import { type WatchFields, WatchSession } from "./watch-session";

const unsentBytesMax = 16 * 1024 * 1024;

/** etcd's Watch service. */
export function watchService(link: MemberLink): Handlers {
  return {
    Watch: (call: Duplex<WatchFields>) => {
      Asker.of(link, call).then(
        ({ as }) => serve(call, new WatchSession(link, call, as, unsentBytesMax)),
        (error: unknown) => failStream(link, call, error),
      );
    },
  };
}

/** What the client has sent meanwhile waits in the stream until somebody listens. */
function serve(call: Duplex<WatchFields>, session: WatchSession): void {
  const end = () => session.end();
  if (call.cancelled) return end();
  call.on("data", ({ message }) => session.take(message));
  call.on("cancelled", end);
  call.on("error", end);
  call.on("close", end);
}
