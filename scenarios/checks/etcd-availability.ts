import { parseDurationMs } from "../../protocol/kinds/duration";
import type { Check } from "./check";
import { EtcdMembers } from "./etcd-members";
import { Undisturbed } from "./undisturbed";
import { known } from "./watch/told";

/** A majority that has been left in peace for so long has a leader that serves. */
const defaultWithin = "5s";

/** What a replicated store is for: as long as a majority is well, it serves, whatever becomes of the others. */
export const etcdAvailability: Check = {
  name: "etcd-availability",
  claim:
    "Requests to a member that is well are answered whenever a majority, this one among them, has been well and nothing has happened to the others for a while.",
  source:
    "Raft (extended version), section 2: fully functional as long as any majority of the servers is operational; TigerBeetle's liveness mode",
  params: {
    within: {
      type: "string",
      description: `how long the majority has to have been well, and the others as they are, "${defaultWithin}" where not given`,
    },
  },
  required: [],
  begin({ within = defaultWithin }) {
    const settledUs = (parseDurationMs(String(within)) ?? 0) * 1000;
    const members = new EtcdMembers();
    const clients = new Undisturbed();
    const open = new Map<string, string>();
    let served = 0;
    return {
      see(event) {
        members.see(event);
        clients.see(event);
        if (event.type !== "fact") return undefined;
        const isWell = (member: string) =>
          members.isSettled(member, settledUs, event.atUs) && (clients.forUs(event.actor, event.host, event.atUs) ?? -1) >= settledUs;
        const called = known(event, "register.called");
        if (called && isWell(called.member)) open.set(called.call, called.member);
        const returned = known(event, "register.returned");
        const member = returned && open.get(returned.call);
        if (!returned || member === undefined) return undefined;
        open.delete(returned.call);
        // Trouble that came in between excuses the failure.
        if (returned.outcome !== "done" && isWell(member))
          return `${returned.call} failed at ${member} (${returned.detail}), though a majority has been well, and the others as they are, for more than ${String(within)}`;
        if (returned.outcome === "done") served++;
        return undefined;
      },
      end: () => ({ detail: `${served} requests were served while a majority was well`, reached: served }),
    };
  },
};
