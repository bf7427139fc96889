import type { Check } from "../check";
import { type MemberModel, RaftModel } from "./model";

/** An invariant of the TLA+ specification of etcd's Raft (etcd-io/raft/tla/etcdraft.tla), judged after each step of each member. */
export interface Invariant {
  /** Its name there. */
  readonly name: string;
  readonly claim: string;
  /** What is wrong in this state, if something is; `moved` is the member that took the last step. */
  judge(model: RaftModel, moved: MemberModel): string | undefined;
}

/** A check of invariants over one model of all members. */
export function invariantCheck(name: string, claim: string, invariants: readonly Invariant[]): Check {
  return {
    name,
    claim,
    source: `${invariants.map((invariant) => invariant.name).join(", ")} in etcd-io/raft, tla/etcdraft.tla`,
    params: {},
    required: [],
    begin() {
      const model = new RaftModel();
      let steps = 0;
      return {
        see(event) {
          const moved = model.see(event);
          if (!moved) return undefined;
          steps++;
          for (const invariant of invariants) {
            const wrong = invariant.judge(model, moved);
            if (wrong !== undefined) return invariants.length > 1 ? `${invariant.name}: ${wrong}` : wrong;
          }
          return undefined;
        },
        end: () => ({
          detail: `${steps} steps of ${model.members.size} members, ${model.committed.last} entries committed`,
          reached: model.committed.last,
        }),
      };
    },
  };
}

/** The check of one invariant, under its name in the manner of all checks. */
export function checkOf(name: string, invariant: Invariant): Check {
  return invariantCheck(name, invariant.claim, [invariant]);
}
