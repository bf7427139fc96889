import type { ApiEvent } from "../../protocol/api";
import { decode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import { count, type Fault, listed } from "./fault";
import { endWatch, openWatches, watchKey, watchParams } from "./watches";

export const watchGap: Fault = {
  name: "watch-gap",
  what: "Withholds the events of all watches at the API servers of the target, or of those that are meant. When it ends their readers have to list again: they see what is, and never what was in between (Sieve's unobserved states).",
  params: watchParams,
  required: [],
  silences: false,
  swarm: { roles: ["apiserver"] },
  begin(tank, hosts, params) {
    let withheld = 0;
    let told = 0;
    const gaps = hosts.map((host) => {
      /** By watch: the last item that its reader got. */
      const gotUntil = new Map<string, number>();
      let end = () => undefined as undefined;
      const interposer = tank.interpose(host, (gate) => {
        /** Whether a watch is meant, looked up once for each. */
        const known = new Map<string, boolean>();
        const isMeant = (key: string) => {
          let meant = known.get(key);
          if (meant === undefined)
            known.set(key, (meant = openWatches(tank, host, gate, params).some(({ opening }) => watchKey(opening) === key)));
          return meant;
        };
        end = () => {
          for (const watch of openWatches(tank, host, gate, params)) {
            const after = gotUntil.get(watchKey(watch.opening));
            if (after === undefined) continue;
            endWatch(gate, watch, { after, mustList: true });
            told++;
          }
          return undefined;
        };
        return {
          leaving(envelope: Envelope) {
            if (envelope.operation !== "item" || envelope.kind !== "api.event" || envelope.fromOpener) return "pass";
            // That it has to list again is no event that anybody could miss.
            if ((decode(envelope.body) as ApiEvent).type === "ERROR") return "pass";
            const key = watchKey({ from: envelope.to, fromIncarnation: envelope.toIncarnation, id: envelope.id });
            if (!isMeant(key)) return "pass";
            withheld++;
            if (!gotUntil.has(key)) gotUntil.set(key, envelope.sequence - 1);
            // As if it had been read, so that the server goes on.
            const credit = {
              ...envelope,
              operation: "credit",
              to: envelope.from,
              from: envelope.to,
              fromOpener: true,
              sequence: 1,
            } as const;
            tank.after(0, () =>
              gate.deliver({ ...credit, toIncarnation: envelope.fromIncarnation, fromIncarnation: envelope.toIncarnation, kind: "" }),
            );
            return [];
          },
        };
      });
      return { interposer, end: () => end() };
    });
    return {
      end() {
        for (const { interposer, end } of gaps) {
          interposer.cancel();
          end();
        }
        if (withheld === 0) return "";
        return listed(count(withheld, "event", "withheld"), count(told, "watch", "had to list again", "watches"));
      },
    };
  },
};
