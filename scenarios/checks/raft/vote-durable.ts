import type { Check } from "../check";
import { factOf } from "./history";

/** A vote is a promise that outlives a crash. */
export const raftVoteDurable: Check = {
  name: "raft-vote-durable",
  claim:
    "A member says yes to at most one candidate in a term, across its crashes, and only when that vote is on its disk; after a crash it still knows the term and whom it chose.",
  source: "Raft (extended version), figure 2: persistent state is updated on stable storage before responding; section 5.2",
  params: {},
  required: [],
  begin() {
    const onDisk = new Map<string, { readonly term: number; readonly vote: string }>();
    const given = new Map<string, string>();
    let votes = 0;
    return {
      see(event) {
        if (event.type !== "fact") return undefined;
        const { actor } = event;
        const recovered = factOf(event, "raft.recovered");
        if (recovered) {
          const before = onDisk.get(actor);
          const term = recovered.term as number;
          const vote = String(recovered.vote);
          onDisk.set(actor, { term, vote });
          if (!before) return undefined;
          if (term < before.term) return `${actor} had voted in term ${before.term} and begins its next life in term ${term}`;
          // The disk may hold more than the life before was told of.
          if (term > before.term || before.vote === "" || vote === before.vote) return undefined;
          return `${actor} had voted for ${before.vote} in term ${term} and begins its next life with a vote for ${vote || "nobody"}`;
        }
        const voted = factOf(event, "raft.voted");
        if (voted) onDisk.set(actor, { term: voted.term as number, vote: String(voted.candidate) });
        const granted = factOf(event, "raft.granted");
        if (!granted) return undefined;
        votes++;
        const ballot = `${actor} in term ${String(granted.term)}`;
        const candidate = String(granted.candidate);
        const other = given.get(ballot);
        given.set(ballot, candidate);
        if (other !== undefined && other !== candidate) return `${ballot} said yes to ${other} and to ${candidate}`;
        const durable = onDisk.get(actor);
        if (durable?.term === granted.term && durable?.vote === candidate) return undefined;
        return `${ballot} said yes to ${candidate} before that was on its disk`;
      },
      end: () => ({ detail: `${votes} votes given, each on disk before`, reached: votes }),
    };
  },
};
