import { type Address, address } from "../../protocol/address";
import type { ActorPlan, HostPlan } from "../cluster";
import type { Scenario } from "../scenario";
import type { OperatorConfig } from "./operator";

export const operatorAddress = address("client", "operator");

/** The hosts of those who use the cluster: one for the operator, one for each workload. They are no part of the cluster and suffer no fault unless named. */
export function clientHosts(scenario: Scenario): readonly HostPlan[] {
  const apiServers = apiServersOf(scenario);
  const config: OperatorConfig = { type: "operator", apiServers };
  const operator: ActorPlan = { address: operatorAddress, config: { ...config } };
  // Numbered by their places in the file: those that are left when others are taken away stay who they are.
  const loads = loadClients(scenario).map((actor, i) => ({ number: Number(scenario.load[i]!.path[1]) + 1, actors: [actor] }));
  // Where etcd stands alone there is nothing to apply, and nobody to apply it to; the host stays, so that the others keep their names.
  const hosts = [{ number: 0, actors: apiServers.length > 0 ? [operator] : [] }, ...loads];
  return hosts.map(({ number, actors }) => ({ name: `client-${number}`, zone: "outside", role: "client", actors }));
}

/** The clients that send the scenario's load. */
export function loadClients(scenario: Scenario): readonly ActorPlan[] {
  const { hosts } = scenario.plan;
  const nodes = hosts.filter(({ role }) => role === "node").map(({ name }) => name);
  const members = hosts.filter(({ role }) => role === "etcd").flatMap(({ actors }) => actors.map((actor) => actor.address));
  return scenario.load.map(({ workload, params, path }): ActorPlan => {
    const index = Number(path[1]);
    const name = workload.clientName?.(params, index) ?? `${workload.name}-${index}`;
    const config = workload.configure(params, { index, members, apiServers: apiServersOf(scenario), nodes });
    return { address: address("client", name), config: { ...config } };
  });
}

function apiServersOf(scenario: Scenario): readonly Address[] {
  return scenario.plan.hosts.filter(({ role }) => role === "apiserver").flatMap(({ actors }) => actors.map((actor) => actor.address));
}
