import type { Persisted } from "../../../actors/etcd/raft/node";
import type { Entry, RaftMessage } from "../../../protocol/raft";
import { type Flight, Network } from "./network";

/** What tests of the paper's claims begin with, and how they look at messages under way. */

/** A log as the paper draws it: one term per entry. */
export function log(terms: readonly number[], term = terms.at(-1) ?? 0): Persisted {
  const entries = terms.map((t, i): Entry => ({ index: i + 1, term: t, type: "data", data: new TextEncoder().encode(`${i + 1}@${t}`) }));
  return { hardState: { term, vote: null, commit: 0 }, snapshot: { index: 0, term: 0 }, configuration: null, entries };
}

export function termsOf(network: Network, id: string): readonly number[] {
  const { log } = network.node(id);
  return log.slice(log.firstIndex, log.lastIndex, Number.POSITIVE_INFINITY).map((entry) => entry.term);
}

/** Members that start with these logs on their disks. */
export function withLogs(logs: readonly Persisted[], settings: ConstructorParameters<typeof Network>[1] = {}): Network {
  const network = new Network(logs.length, settings);
  network.ids.forEach((id, i) => {
    network.crash(id);
    network.member(id).disk = logs[i]!;
    network.start(id);
  });
  return network;
}

export const plain = { preVote: false, checkQuorum: false };
export const kinds = (flights: readonly Flight[]) => flights.map(({ from, to, message }) => `${from}→${to} ${message.kind}`);
export const between = (a: string, b: string) => (flight: Flight) =>
  [flight.from, flight.to].includes(a) && [flight.from, flight.to].includes(b);
export const touching = (id: string) => (flight: Flight) => flight.from === id || flight.to === id;
export const vote = (more: Partial<Extract<RaftMessage, { kind: "raft.vote" }>>) =>
  ({ kind: "raft.vote", term: 1, preVote: false, lastIndex: 0, lastTerm: 0, transfer: false, ...more }) as const;
