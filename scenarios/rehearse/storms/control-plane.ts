import type { HostPlan } from "../../cluster";
import type { Subjects } from "../subject";
import { rollout } from "./rollout";
import { firstStepAt, hostsOf, lose, often, type StandardStorm, type StormCase } from "./storm";

const seconds = 60;

function eachLost(hosts: readonly HostPlan[], what: string): readonly StormCase[] {
  return hosts.map(({ name }) => ({
    about: name,
    happened: `${what} ${name} was lost`,
    lost: [name],
    steps: [lose([name], seconds)],
    seconds: seconds + 5,
    requestsPerSecond: often,
  }));
}

export const etcdMemberLost: StandardStorm = {
  name: "etcd-member-lost",
  what: "Each etcd member in turn loses power for a minute.",
  standard: true,
  // The last one takes the API with it, which is no member's loss but etcd's.
  cases: (_subjects, plan) => (hostsOf(plan, "etcd").length < 3 ? [] : eachLost(hostsOf(plan, "etcd"), "etcd member")),
};

export const apiServerLost: StandardStorm = {
  name: "api-server-lost",
  what: "Each API server in turn loses power for a minute.",
  standard: true,
  cases: (_subjects, plan) => {
    const servers = hostsOf(plan, "apiserver");
    return eachLost(servers, "API server").map((one) => ({ ...one, beyondBudget: servers.length === 1 }));
  },
};

export const controllerLost: StandardStorm = {
  name: "controller-lost",
  what: "Each host with a controller manager and a scheduler in turn loses power for a minute, just when everything is rolled out.",
  standard: true,
  cases: (subjects, plan) =>
    eachLost(hostsOf(plan, "control"), "controller host").map((one) => ({
      ...one,
      happened: `${one.happened} in a rollout of everything`,
      steps: [...rollouts(subjects), ...one.steps],
      seconds: 90,
    })),
};

export const apiServersCutOff: StandardStorm = {
  name: "api-servers-cut-off",
  what: "Nobody reaches any API server for half a minute.",
  standard: true,
  cases: (_subjects, plan) => {
    const hosts = hostsOf(plan, "apiserver").map(({ name }) => name);
    return [
      {
        about: "",
        happened: "no API server could be reached",
        lost: [],
        steps: [{ at: firstStepAt, fault: "isolate", target: { hosts }, for: "30s" }],
        seconds: seconds + 15,
        beyondBudget: true,
        requestsPerSecond: often,
      },
    ];
  },
};

export const slowDisks: StandardStorm = {
  name: "slow-disks",
  what: "The disks of all etcd members become a hundred times slower for 45 seconds, just when everything is rolled out.",
  standard: true,
  cases: (subjects, plan) => [
    {
      about: "",
      happened: "etcd's disks were slow in a rollout of everything",
      lost: [],
      steps: [
        { at: firstStepAt, fault: "slow-disk", target: { hosts: hostsOf(plan, "etcd").map(({ name }) => name) }, factor: 100, for: "45s" },
        ...rollouts(subjects),
      ],
      seconds: 90,
      requestsPerSecond: often,
    },
  ],
};

function rollouts({ workloads }: Subjects) {
  return workloads.filter(({ rolls }) => rolls).map((workload) => rollout(workload, "3s"));
}
