import { parseAddress } from "../../protocol/address";
import type { Fault } from "./fault";

export const stopActor: Fault = {
  name: "stop-actor",
  what: "Stops single actors, as a service that is stopped or a static pod whose manifest was moved away: they lose their memory and do not start again, not even with their hosts, until the fault ends.",
  params: {},
  required: [],
  aims: "actors",
  silences: true,
  swarm: { target: (d) => (d < 0.3 ? { role: "etcd" } : d < 0.6 ? { role: "apiserver" } : { role: "control" }) },
  begin(tank, actors) {
    for (const actor of actors) tank.keepActorDown(parseAddress(actor));
    return {
      end() {
        for (const actor of actors) tank.releaseActor(parseAddress(actor));
        return `${actors.join(", ")} stopped and started again`;
      },
    };
  },
};

export const kubeletStop: Fault = {
  name: "kubelet-stop",
  what: "Stops the nodes' kubelets, while their containers run on: nothing is reported, renewed or restarted there until the fault ends.",
  params: {},
  required: [],
  silences: false,
  swarm: { roles: ["node"] },
  begin(tank, nodes) {
    const kubelets = nodes.flatMap((node) => tank.actorsOn(node)).filter((actor) => actor.startsWith("kubelet/"));
    for (const kubelet of kubelets) tank.keepActorDown(kubelet);
    return {
      end() {
        for (const kubelet of kubelets) tank.releaseActor(kubelet);
        return kubelets.length === 0 ? "" : `${kubelets.join(", ")} stopped and started again`;
      },
    };
  },
};
