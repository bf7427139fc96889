import type { Fault } from "./fault";

export const pause: Fault = {
  name: "pause",
  what: "Freezes hosts, as a virtual machine that is not scheduled: nothing is lost, messages and timers pile up, and it goes on as if no time had passed.",
  params: {},
  required: [],
  silences: true,
  swarm: { roles: ["etcd", "apiserver", "control", "node"] },
  begin(tank, hosts) {
    for (const host of hosts) tank.pauseHost(host);
    return {
      end() {
        for (const host of hosts) tank.resumeHost(host);
        return `${hosts.join(", ")} frozen and resumed`;
      },
    };
  },
};
