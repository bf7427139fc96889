import type { Job, JobSpec, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { parseIndexes } from "./job-indexes";

/** What a Job's own policies make of pods that failed and of indexes that succeeded. Source: "Jobs" in the documentation, pod failure policy, success policy. */

type FailurePolicy = NonNullable<JobSpec["podFailurePolicy"]>;
type FailureRule = FailurePolicy["rules"][number];
type SuccessPolicy = NonNullable<JobSpec["successPolicy"]>;

export interface FailureVerdict {
  readonly action: string;
  /** What about the pod the rule matched, in the words of the Job's condition. */
  readonly message: string;
}

/** What the first rule that matches says of a pod that failed; undefined where none does, and the failure counts like any other. */
export function failureVerdict(policy: FailurePolicy | undefined, pod: Stored<Pod>): FailureVerdict | undefined {
  const { namespace = "", name } = pod.metadata;
  for (const [at, rule] of (policy?.rules ?? []).entries()) {
    const by = `matching ${rule.action} rule at index ${at}`;
    const ended = rule.onExitCodes && endedAsNamed(rule.onExitCodes, pod);
    if (ended)
      return {
        action: rule.action,
        message: `Container ${ended.name} for pod ${namespace}/${name} failed with exit code ${ended.exitCode} ${by}`,
      };
    const condition = pod.status?.conditions?.find((found) =>
      rule.onPodConditions?.some(({ type, status = "True" }) => type === found.type && status === found.status),
    );
    if (condition) return { action: rule.action, message: `Pod ${namespace}/${name} has condition ${condition.type} ${by}` };
  }
  return undefined;
}

/** The first container that ended with a code that the rule names; one that ended well never counts. */
function endedAsNamed({ containerName, operator, values }: NonNullable<FailureRule["onExitCodes"]>, { status }: Pod) {
  for (const { name, state } of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    const exitCode = state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (containerName !== undefined && containerName !== name)) continue;
    if (values.includes(exitCode) === (operator === "In")) return { name, exitCode };
  }
  return undefined;
}

/** The first rule of a success policy that the succeeded indexes fulfil, as its place in the list. */
export function fulfilledRule(policy: SuccessPolicy | undefined, job: Job, succeeded: ReadonlySet<number>): number | undefined {
  const found = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
    const wanted = parseIndexes(succeededIndexes, job.spec?.completions ?? 0);
    const there = [...wanted].filter((index) => succeeded.has(index)).length;
    return there >= (succeededCount ?? wanted.size);
  });
  return found < 0 ? undefined : found;
}
