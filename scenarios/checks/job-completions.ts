import type { Job, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { controllerUid, isActive } from "./pods";
import { Standstill } from "./raft/standstill";

const handoverUs = 10_000_000;

interface Tracked {
  readonly id: string;
  job: Stored<Job>;
  /** Pods that succeeded and were not on their way out before that. */
  readonly succeeded: Set<string>;
  readonly active: Set<string>;
  finished: boolean;
}

/** A job does its work as often as it was asked to, and says so once it is true. */
export const jobCompletions: Check = {
  name: "job-completions",
  claim:
    "A Job never has more active pods than parallelism and than completions still lack, makes none once it is complete, and is called complete exactly when as many pods as asked for have succeeded.",
  source: "Kubernetes documentation, Jobs, Parallel execution; kubernetes/kubernetes#105200, #130103",
  params: {},
  required: [],
  begin() {
    const jobs = new Map<string, Tracked>();
    const standstill = new Standstill();
    let handoverAtUs = Number.NEGATIVE_INFINITY;
    let made = 0;
    let complete = 0;

    const seePod = (pod: Stored<Pod>, before: Stored<Pod> | undefined, isGone: boolean, atUs: number): string | undefined => {
      const tracked = jobs.get(controllerUid(pod));
      if (!tracked) return undefined;
      const { uid } = pod.metadata;
      if (isGone || !isActive(pod)) tracked.active.delete(uid);
      else tracked.active.add(uid);
      if (!isGone && pod.status?.phase === "Succeeded" && before?.metadata.deletionTimestamp === undefined) tracked.succeeded.add(uid);
      if (before || isGone) return undefined;
      made++;
      const { parallelism = 1, completions } = tracked.job.spec ?? {};
      const lacking = completions === undefined ? parallelism : Math.max(0, completions - tracked.succeeded.size);
      const most = Math.min(parallelism, lacking);
      if (standstill.sinceUs(handoverAtUs, atUs) <= handoverUs) return undefined;
      if (tracked.finished) return `${tracked.id} is finished, and Pod ${pod.metadata.name} was made for it`;
      if (tracked.active.size > most)
        return `${tracked.id} has ${tracked.active.size} active pods, and parallelism ${parallelism} with ${lacking} completions to go allows ${most}`;
      return undefined;
    };

    const seeJob = (id: string, job: Stored<Job>): string | undefined => {
      const { uid } = job.metadata;
      const tracked = jobs.get(uid) ?? { id, job, succeeded: new Set(), active: new Set(), finished: false };
      jobs.set(uid, tracked);
      const before = tracked.job.spec?.parallelism ?? 1;
      tracked.job = job;
      const isComplete = hasCondition(job, "Complete");
      const wasFinished = tracked.finished;
      tracked.finished = isComplete || hasCondition(job, "Failed");
      if (wasFinished && !tracked.finished) return `${id} was finished, and then it was not`;
      if (!isComplete || wasFinished) return undefined;
      complete++;
      const { completions } = job.spec ?? {};
      const { succeeded = 0 } = job.status ?? {};
      if (completions === undefined || before === 0) return undefined;
      if (succeeded !== completions) return `${id} is called complete with ${succeeded} of ${completions} completions`;
      // Pods that succeed on their way out may count too, so there may be fewer here than were counted; never more.
      if (tracked.succeeded.size > completions && job.spec?.completionMode !== "Indexed")
        return `${id} asked for ${completions} completions, and ${tracked.succeeded.size} pods did the work`;
      return undefined;
    };

    return {
      see(event) {
        standstill.see(event);
        if (event.type === "fact" && event.fact.kind === "leader.elected") handoverAtUs = event.atUs;
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "Job" && event.after) return seeJob(event.id, event.after as Stored<Job>);
        if (object.kind !== "Pod") return undefined;
        return seePod(object as Stored<Pod>, event.before as Stored<Pod> | undefined, !event.after, event.atUs);
      },
      end: () => ({ detail: `${made} pods made for ${jobs.size} Jobs, of which ${complete} are complete`, reached: made }),
    };
  },
};

function hasCondition({ status }: Job, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}
