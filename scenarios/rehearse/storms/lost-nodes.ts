import { exceedsBudget, whole } from "../../budget";
import { hostsOf, lose, type StandardStorm, seldom } from "./storm";

/**
 * Kubernetes' defaults: 50 s until a silent node is NotReady, 300 s that pods tolerate it, and time to make new ones. Only then is it known
 * whether the lost pods come back.
 */
const seconds = 390;

export const nodeLost: StandardStorm = {
  name: "node-lost",
  what: "Each node in turn loses power and stays away for six and a half minutes, longer than pods tolerate it.",
  standard: true,
  cases: (_subjects, plan) =>
    hostsOf(plan, "node").map(({ name, zone }) => ({
      about: name,
      happened: `${name} (in ${zone}) was lost`,
      lost: [name],
      steps: [lose([name], seconds)],
      seconds,
      requestsPerSecond: seldom,
    })),
};

export const zoneLost: StandardStorm = {
  name: "zone-lost",
  what: "Each zone in turn loses power for six and a half minutes: its nodes, its etcd member, its API server, its controllers.",
  standard: true,
  cases: (_subjects, plan) => {
    const zones = [...new Set(plan.hosts.map(({ zone }) => zone))];
    const nodeZones = new Set(hostsOf(plan, "node").map(({ zone }) => zone));
    if (zones.length < 2) return [];
    return zones
      .filter((zone) => nodeZones.has(zone))
      .map((zone) => {
        const lost = plan.hosts.filter((host) => host.zone === zone).map(({ name }) => name);
        const beyondBudget = exceedsBudget(whole(plan.hosts), new Set(lost), new Set(lost)) !== undefined;
        const steps = [lose(lost, seconds)];
        return { about: zone, happened: `${zone} was lost`, lost, steps, seconds, beyondBudget, requestsPerSecond: seldom };
      });
  },
};
