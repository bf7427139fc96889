import { formatQuantity, quantityOf, quantityOfMilli } from "../../../protocol/kinds/quantity";
import type { Path } from "../../source";
import type { Change } from "../change";
import { requestsOf } from "../sizing";
import type { Workload } from "../workload";
import { type Blame, countOf, type Evidence, type Found, failuresBy, longestOutage, placeOf, plural, podsBehind, spell } from "./blame";

/** So long a pod must have waited for a node. */
const leastSeconds = 10;

/** Why a pod found no node, by what the scheduler says of it. */
const placementRules: readonly (readonly [RegExp, string, Path])[] = [
  [
    /didn't match pod anti-affinity rules/,
    "a required podAntiAffinity",
    ["affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"],
  ],
  [/didn't match pod topology spread constraints/, "topologySpreadConstraints with DoNotSchedule", ["topologySpreadConstraints"]],
  [
    /didn't match pod affinity rules/,
    "a required podAffinity",
    ["affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"],
  ],
  [/didn't match Pod's node affinity\/selector/, "a nodeSelector or a required nodeAffinity", ["nodeSelector"]],
];

interface Stranded {
  readonly workload: Workload;
  readonly count: number;
  readonly reason: string;
  readonly waitedSeconds: number;
}

/** The pods of each workload that waited for a node in vain. */
function strandedIn(evidence: Evidence): readonly Stranded[] {
  const { subject, observation } = evidence;
  return subject.workloads.flatMap((workload): readonly Stranded[] => {
    const waiting = podsBehind(evidence).filter(({ owner, unschedulable }) => owner === workload.id && unschedulable !== undefined);
    const seconds = waiting.map(({ boundUs, goneUs, createdUs }) => ((boundUs ?? goneUs ?? observation.endUs) - createdUs) / 1e6);
    const waitedSeconds = Math.max(0, ...seconds);
    if (waitedSeconds < leastSeconds) return [];
    const reason = waiting.at(-1)!.unschedulable!.reason.replace(/ preemption: .*$/, "");
    return [{ workload, count: waiting.length, reason, waitedSeconds }];
  });
}

const lacks = /Insufficient (cpu|memory)/;

/** What the wait came to for users. */
function consequence({ service, observation }: Evidence, waitedSeconds: number): string {
  if (!observation.settled) return "the Service never came up";
  if (failuresBy(service, "no-endpoint").length > 0) return `nobody answered for ${spell(longestOutage(service))}`;
  return `for ${spell(waitedSeconds)} replicas were missing`;
}

export const requestsTooLarge: Blame = {
  name: "requests-fit-nowhere",
  title: "requests that fit no other node",
  what: "Pods had to go to another node, or were to be added, and none had as much free as they ask for.",
  find(evidence) {
    return strandedIn(evidence).flatMap(({ workload, count, reason, waitedSeconds }): readonly Found[] => {
      const [, resource] = lacks.exec(reason) ?? [];
      const rule = placementRules.find(([pattern]) => pattern.test(reason));
      // Where a rule forbids the nodes that have room, the rule is to blame.
      if (resource === undefined || (rule && evidence.observation.room.some((node) => node.ready && hasRoom(node, workload)))) return [];
      const index = largestContainer(workload, resource as "cpu" | "memory");
      const path = [...workload.podPath, "containers", index, "resources", "requests"];
      const { cpu, memory } = requestsOf(workload.podSpec);
      const asked = resource === "cpu" ? `${cpu}m of cpu` : `${Math.round(memory / 1024 ** 2)}Mi of memory`;
      return [
        {
          failed: countOf(failuresBy(evidence.service, "no-endpoint")),
          ...placeOf(workload.manifest, [...path, resource]),
          setting: `requests of ${asked} for each pod`,
          evidence: `${plural(count, "pod")} found no node ("${reason}"): ${consequence(evidence, waitedSeconds)}.`,
          fix: "Ask for less, or give the cluster nodes with room for one more.",
          changes: smaller(evidence, workload),
        },
      ];
    });
  },
};

export const placementTooStrict: Blame = {
  name: "placement-too-strict",
  title: "a rule of placement that leaves no node",
  what: "Pods found no node because of an affinity, a selector or a spread constraint that must be met.",
  find(evidence) {
    return strandedIn(evidence).flatMap(({ workload, count, reason, waitedSeconds }): readonly Found[] => {
      const rule = placementRules.find(([pattern]) => pattern.test(reason));
      if (!rule || (lacks.test(reason) && !evidence.observation.room.some((node) => node.ready && hasRoom(node, workload)))) return [];
      const [, what, inPod] = rule;
      const path = inPod[0] === "nodeSelector" && !workload.podSpec.nodeSelector ? ["affinity", "nodeAffinity"] : inPod;
      return [
        {
          failed: countOf(failuresBy(evidence.service, "no-endpoint")),
          ...placeOf(workload.manifest, [...workload.podPath, ...path]),
          setting: what,
          evidence: `${plural(count, "pod")} found no node ("${reason}"): ${consequence(evidence, waitedSeconds)}.`,
          fix: "Prefer it (preferredDuringScheduling…, ScheduleAnyway), or give the cluster more places that meet it.",
          changes: [relaxed(workload, path)],
        },
      ];
    });
  },
};

function hasRoom({ cpu, memory }: { readonly cpu: number; readonly memory: number }, { podSpec }: Workload): boolean {
  const asked = requestsOf(podSpec);
  return cpu >= asked.cpu && memory >= asked.memory;
}

function largestContainer({ podSpec }: Workload, resource: "cpu" | "memory"): number {
  const sizes = podSpec.containers.map((container) => requestsOf({ containers: [container] })[resource]);
  return Math.max(0, sizes.indexOf(Math.max(...sizes)));
}

/** Requests that would have fitted the nodes that were left: shrunk to what the pods of the workload can have of the freest. */
function smaller({ observation }: Evidence, workload: Workload): readonly Change[] {
  const asked = requestsOf(workload.podSpec);
  const ready = observation.room.filter((node) => node.ready);
  const share = (resource: "cpu" | "memory") => {
    // The pods of this workload that are there count as free: they would be smaller too.
    const most = Math.max(0, ...ready.map((node) => node[resource])) + asked[resource];
    return asked[resource] === 0 ? 1 : Math.min(1, most / asked[resource] / 2.2);
  };
  const [cpu, memory] = [share("cpu"), share("memory")];
  return workload.podSpec.containers.map((container, i): Change => {
    const own = requestsOf({ containers: [container] });
    const value = {
      cpu: formatQuantity(quantityOfMilli(Math.max(1, Math.floor(own.cpu * cpu)))),
      memory: formatQuantity(quantityOf(Math.floor((own.memory * memory) / 1024 ** 2) * 1024 ** 2, "BinarySI")),
    };
    return { type: "set", id: workload.id, path: [...workload.podPath, "containers", i, "resources", "requests"], value };
  });
}

function relaxed({ id, podPath, podSpec }: Workload, path: Path): Change {
  const [first] = path;
  if (first !== "topologySpreadConstraints") return { type: "set", id, path: [...podPath, ...path] };
  const value = podSpec.topologySpreadConstraints?.map((constraint) => ({ ...constraint, whenUnsatisfiable: "ScheduleAnyway" }));
  return { type: "set", id, path: [...podPath, "topologySpreadConstraints"], value };
}
