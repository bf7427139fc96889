import { roleOf } from "../../protocol/address";
import type { Envelope } from "../../protocol/envelope";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import { count, type Fault } from "./fault";

export const staleApiServer: Fault = {
  name: "stale-api-server",
  what: "The API servers of the target hear of changes `lag` late, or not at all until the fault ends: their watch caches show the past to whoever reads from them, while writes and reads that go to etcd are of the present (Sieve's stale states).",
  params: { lag: durationSchema },
  required: [],
  silences: false,
  swarm: { roles: ["apiserver"], params: (d) => (d < 0.4 ? {} : { lag: `${Math.round(100 + d * 8_000)}ms` }) },
  begin(tank, hosts, params) {
    const lagMs = params.lag === undefined ? undefined : microseconds(params.lag) / 1000;
    let held = 0;
    const waiting: (() => void)[] = [];
    const releaseNext = () => waiting.shift()?.();
    const interposers = hosts.map((host) =>
      tank.interpose(host, (gate) => {
        // A stream goes on in order: what follows a held item waits behind it.
        const streams = new Set<string>();
        return {
          arriving(envelope) {
            if (!isOfWatch(envelope, streams)) return "pass";
            held++;
            waiting.push(gate.hold(envelope));
            if (lagMs !== undefined) tank.after(lagMs, releaseNext);
            return [];
          },
        };
      }),
    );
    return {
      end() {
        for (const interposer of interposers) interposer.cancel();
        while (waiting.length > 0) releaseNext();
        return count(held, "message", "of etcd's watches came late", "messages");
      },
    };
  },
};

function isOfWatch(envelope: Envelope, streams: Set<string>): boolean {
  const { from, to, id, kind, operation } = envelope;
  if (roleOf(to) !== "apiserver" || roleOf(from) !== "etcd") return false;
  const stream = `${from} ${to} ${id}`;
  if (operation === "item" && kind === "etcd.watch.response") {
    streams.add(stream);
    return true;
  }
  return operation === "close" && streams.has(stream);
}
