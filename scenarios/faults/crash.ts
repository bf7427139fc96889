import { type Fault, listed } from "./fault";

export const crash: Fault = {
  name: "crash",
  what: "Kills hosts at once: memory and writes that were not synced are gone; when it ends they start again from their disks. With `silent` their peers are not told, as when a machine loses power.",
  params: { silent: { type: "boolean", description: "peers find out by their own time-outs only" } },
  required: [],
  silences: true,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => (d < 0.5 ? { silent: true } : {}) },
  begin(tank, hosts, params) {
    const before = new Map(hosts.map((host) => [host, tank.diskCounts(host).lostWrites]));
    for (const host of hosts) tank.crashHost(host, params.silent === true);
    return {
      end() {
        const lost = hosts.reduce((sum, host) => sum + tank.diskCounts(host).lostWrites - before.get(host)!, 0);
        for (const host of hosts) tank.startHost(host);
        return listed(`${hosts.join(", ")} killed and started again`, lost > 0 ? `${lost} unsynced writes lost` : "");
      },
    };
  },
};
