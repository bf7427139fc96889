import type { Host } from "./host";
import type { Gate } from "./interposer";

/** Where an interposer of a host says things itself; `hostNow` is the host as it is, undefined where it has never lived. */
export function gateOf(hostNow: () => Host | undefined): Gate {
  return {
    deliver: (envelope) => hostNow()?.take(envelope),
    hold(envelope) {
      const here = hostNow();
      const peer = here?.ports.directory.hostOf(envelope.from) ?? "";
      const breaks = here?.breaksOf(peer);
      return () => {
        if (here !== undefined && hostNow() === here && here.breaksOf(peer) === breaks) here.take(envelope);
      };
    },
    send(envelope) {
      const here = hostNow();
      const toHost = here?.ports.directory.hostOf(envelope.to);
      if (here?.up && toHost !== undefined) here.ports.wire.send(here.name, toHost, envelope);
    },
    streamsTo(actor) {
      const cell = hostNow()?.cell(actor);
      return [...(cell?.streams.values() ?? [])].flatMap(({ opening, nextOut }) =>
        opening ? [{ opening, incarnation: cell!.incarnation, sent: nextOut }] : [],
      );
    },
  };
}
