import type { Check } from "../check";
import { known } from "../watch/told";
import { Terms } from "./terms";

/** An election on etcd: one leader for as long as its lease counts, terms that rise, and nobody who asks is taken back to an older leader. */
export const electionSafety: Check = {
  name: "election-safety",
  claim:
    "While a leader may count on its lease nobody else leads, each term is higher than all before it, no proclamation of a term follows one of a later term, each term has one leader for all who ask, and who asks after another was told of a term is not told of an older one.",
  source: "etcd documentation, concurrency API: Election (Campaign, Proclaim, Observe); Lease API guarantees; linearizability of reads",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const terms = new Terms();
    const leaders = new Map<string, string>();
    /** The newest term that anybody was told of, by election; and for each question under way, what it was when it was asked. */
    const newestSeen = new Map<string, number>();
    const atLeast = new Map<string, number>();
    let answers = 0;
    const leaderOf = (election: string, term: number, leader: string): string | undefined => {
      const before = leaders.get(`${election} ${term}`);
      leaders.set(`${election} ${term}`, leader);
      return before !== undefined && before !== leader ? `term ${term} of ${election} has two leaders, ${before} and ${leader}` : undefined;
    };
    return {
      see(event) {
        if (event.type === "store" && event.value != null && event.key.endsWith("/proclaimed"))
          return terms.wrote(event.key, Number(event.value), "term");
        const ended = known(event, "election.ended");
        if (ended) terms.released(ended.election, ended.leader);
        const asked = known(event, "election.asked");
        if (asked) atLeast.set(asked.call, newestSeen.get(asked.election) ?? 0);
        const leads = known(event, "election.leads");
        if (leads) {
          const { election, leader, term } = leads;
          newestSeen.set(election, Math.max(newestSeen.get(election) ?? 0, term));
          return leaderOf(election, term, leader) ?? terms.held(election, { ...leads, holder: leader, fence: term }, "leads", "term");
        }
        const seen = known(event, "election.seen");
        if (!seen) return undefined;
        const { election, call, leader, term } = seen;
        const least = atLeast.get(call) ?? 0;
        atLeast.delete(call);
        // Nobody stands: between two leaders, or when there are no candidates.
        if (term === 0) return undefined;
        answers++;
        newestSeen.set(election, Math.max(newestSeen.get(election) ?? 0, term));
        if (term < least) return `${call} was told that ${leader} leads ${election} in term ${term}, after term ${least} had been seen`;
        return leaderOf(election, term, leader);
      },
      end: () => ({
        detail: `${terms.taken} terms, ${terms.writes} proclamations in their order, ${answers} answers to who leads`,
        reached: terms.taken,
      }),
    };
  },
};
