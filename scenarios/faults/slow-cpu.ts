import type { Fault } from "./fault";

export const slowCpu: Fault = {
  name: "slow-cpu",
  what: "Everything that the hosts compute takes `factor` times as long.",
  params: { factor: { type: "number", minimum: 1, description: "how many times slower" } },
  required: ["factor"],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "control"], params: (d) => ({ factor: Math.round(2 + d * 48) }) },
  begin(tank, hosts, params) {
    for (const host of hosts) tank.slowHost(host, params.factor as number);
    return {
      end() {
        for (const host of hosts) tank.slowHost(host, 1);
        return `${hosts.join(", ")} slowed ${String(params.factor)} times`;
      },
    };
  },
};
