import { type Address, parseAddress, roleOf } from "../../protocol/address";
import type { ApiEvent } from "../../protocol/api";
import { encode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import { gone } from "../../protocol/status";
import type { Gate } from "../../runtime/interposer";
import type { Tank } from "../tank";
import { requestFilter, requestParams } from "./api-requests";
import type { Params } from "./fault";

/** What the faults of watches share: which watches of an API server they mean, and how one is ended from outside. */

const { verbs: _, ...others } = requestParams;
export const watchParams = others;

/** A watch that somebody has open at an API server. */
export interface OpenWatch {
  readonly server: Address;
  readonly opening: Envelope;
  readonly incarnation: number;
  /** Items that the server has sent. */
  readonly sent: number;
}

/** The watches at the API servers of a host that the parameters mean. */
export function openWatches(tank: Tank, host: string, gate: Gate, params: Params): readonly OpenWatch[] {
  const concerns = requestFilter(tank, host, { ...params, verbs: ["watch"] });
  return tank
    .actorsOn(host)
    .filter((actor) => roleOf(actor) === "apiserver")
    .flatMap((server) => gate.streamsTo(parseAddress(server)).map((stream) => ({ server, ...stream })))
    .filter(({ opening }) => concerns(opening) !== undefined);
}

/** Names a watch among all of a run: who opened it, and as which of its conversations. */
export function watchKey(watch: Pick<Envelope, "from" | "fromIncarnation" | "id">): string {
  return `${watch.from}#${watch.fromIncarnation}:${watch.id}`;
}

/** Ends the watches at these hosts that the parameters mean, and answers with how many. */
export function endWatches(tank: Tank, hosts: readonly string[], params: Params, how: { readonly mustList?: boolean }): number {
  let ended = 0;
  for (const host of hosts)
    tank
      .interpose(host, (gate) => {
        for (const watch of openWatches(tank, host, gate, params)) {
          endWatch(gate, watch, how);
          ended++;
        }
        return {};
      })
      .cancel();
  return ended;
}

/** Ends a watch on both sides. `after` is the last item that its reader got, where it did not get all; with `mustList` it is told 410 Gone first. */
export function endWatch(gate: Gate, { server, opening, incarnation, sent }: OpenWatch, { after = sent, mustList = false }): void {
  const toReader: Envelope = {
    ...opening,
    operation: "item",
    to: opening.from,
    from: server,
    toIncarnation: opening.fromIncarnation,
    fromIncarnation: incarnation,
    fromOpener: false,
    deadlineMs: 0,
    kind: "api.event",
    sequence: after + 1,
  };
  const nothing = encode({ kind: "" });
  if (mustList) gate.send({ ...toReader, body: encode(expired()) });
  gate.send({ ...toReader, operation: "close", kind: "done", sequence: mustList ? after + 1 : after, body: nothing });
  gate.deliver({ ...opening, operation: "close", toIncarnation: incarnation, kind: "done", sequence: 0, body: nothing });
}

/** What a server says when the resourceVersion from which a watch is to go on is no longer in its window. */
function expired(): ApiEvent {
  const status = gone("too old resource version: 1 (2)");
  return { kind: "api.event", type: "ERROR", object: Buffer.from(JSON.stringify(status)) };
}
