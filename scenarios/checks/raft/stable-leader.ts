import { parseDurationMs } from "../../../protocol/kinds/duration";
import type { Check } from "../check";
import { EtcdMembers } from "../etcd-members";
import { factOf } from "./history";

const defaultWithin = "3s";

/** Members that were cut off and come back must not cost the others their leader. */
export const raftStableLeader: Check = {
  name: "raft-stable-leader",
  claim: "A leader that is well, with a majority that is well, goes on leading, whatever becomes of the others.",
  source: "Ongaro's thesis, section 9.6: preventing disruptions when a server rejoins the cluster; section 6.2, check of the quorum",
  params: { within: { type: "string", description: `how long the majority has to be undisturbed, "${defaultWithin}" where not given` } },
  required: [],
  begin({ within = defaultWithin }) {
    const settledUs = (parseDurationMs(String(within)) ?? 0) * 1000;
    const members = new EtcdMembers();
    let leader: { readonly actor: string; readonly term: number } | undefined;
    let kept = 0;
    return {
      see(event) {
        const led = factOf(event, "raft.leader");
        const deposed = leader;
        const wasWell = led && deposed && members.isWellPlaced(deposed.actor, settledUs, event.atUs);
        members.see(event);
        if (event.type === "fault" && deposed && members.isWellPlaced(deposed.actor, settledUs, event.atUs)) kept++;
        if (!led || event.type !== "fact" || (deposed && (led.term as number) <= deposed.term)) return undefined;
        leader = { actor: event.actor, term: led.term as number };
        if (!wasWell) return undefined;
        return `${event.actor} leads term ${leader.term}, though ${deposed!.actor}, which led term ${deposed!.term}, and a majority have been well for more than ${String(within)}`;
      },
      end: () => ({ detail: `${kept} times trouble came to others, and the leader stayed`, reached: kept }),
    };
  },
};
