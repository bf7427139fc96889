import type { Check } from "./check";
import { factOf } from "./raft/history";
import { known } from "./watch/told";

type Change = NonNullable<ReturnType<typeof known<"etcd.memberChange">>>;

/** Who votes and who only learns is changed by whoever was asked to, in the way he was asked to, and by nothing else. */
export const memberChanges: Check = {
  name: "member-changes",
  claim:
    "A member becomes a learner or a voter only by being added as one, a learner a voter only by being promoted, and nobody leaves who was not removed; whoever only learns never leads.",
  source: "etcd documentation, Learner; runtime reconfiguration (member add, promote, update, remove); etcd-io/etcd#21694",
  params: {},
  required: [],
  begin() {
    const asked: Change[] = [];
    let index = -1;
    let voters = new Set<string>();
    let learners = new Set<string>();
    let configurations = 0;
    let leaders = 0;
    const wasAsked = (change: Change["change"], member: string, learner = false) =>
      asked.some((one) => one.change === change && one.member === member && (change !== "add" || one.learner === learner));
    const wrongWith = (votersNow: ReadonlySet<string>, learnersNow: ReadonlySet<string>): string | undefined => {
      for (const member of votersNow)
        if (!voters.has(member) && !(learners.has(member) ? wasAsked("promote", member) : wasAsked("add", member)))
          return learners.has(member)
            ? `the learner ${member} votes, and was not promoted`
            : `${member} votes, and was not added as a voter`;
      for (const member of learnersNow) {
        if (voters.has(member)) return `${member} was a voter, and is a learner`;
        if (!learners.has(member) && !wasAsked("add", member, true)) return `${member} is a learner, and was not added as one`;
      }
      for (const member of [...voters, ...learners])
        if (!votersNow.has(member) && !learnersNow.has(member) && !wasAsked("remove", member))
          return `${member} is no member any more, and was not removed`;
      return undefined;
    };
    return {
      see(event) {
        const change = known(event, "etcd.memberChange");
        if (change) asked.push(change);
        // Whoever was promoted may have it in his log, and go by it, before anybody has applied it.
        const leads = event.type === "fact" && factOf(event, "raft.leader") ? event.actor : undefined;
        if (leads) leaders++;
        if (leads && learners.has(leads) && !wasAsked("promote", leads)) return `${leads} leads, and is a learner`;
        const applied = known(event, "raft.configuration");
        if (!applied || applied.index <= index) return undefined;
        const first = index < 0;
        index = applied.index;
        // On the way to C_new the old voters vote as well.
        const [votersNow, learnersNow] = [new Set([...applied.voters, ...applied.outgoing]), new Set(applied.learners)];
        const wrong = first ? undefined : wrongWith(votersNow, learnersNow);
        if (!first) configurations++;
        [voters, learners] = [votersNow, learnersNow];
        return wrong === undefined ? undefined : `by the configuration of entry ${index} ${wrong}`;
      },
      end: () => ({
        detail: `${configurations} configurations, each as it was asked for, and ${leaders} leaders, none of them a learner`,
        reached: configurations + leaders,
      }),
    };
  },
};
