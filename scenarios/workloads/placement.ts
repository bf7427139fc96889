import { type Address, address } from "../../protocol/address";
import { parseDurationMs } from "../../protocol/kinds/duration";
import type { ActorPlan, HostPlan } from "../cluster";
import type { Scenario } from "../scenario";
import type { HttpConfig } from "./http-load";
import type { OperatorConfig } from "./operator";

export const operatorAddress = address("client", "operator");

/** The hosts of those who use the cluster: one for the operator, one for each workload. They are no part of the cluster and suffer no fault unless named. */
export function clientHosts(scenario: Scenario): readonly HostPlan[] {
  const apiServers = apiServersOf(scenario);
  const config: OperatorConfig = { type: "operator", apiServers };
  const operator: ActorPlan = { address: operatorAddress, config: { ...config } };
  return [operator, ...loadClients(scenario)].map((actor, i) => ({
    name: `client-${i}`,
    zone: "outside",
    role: "client",
    actors: [actor],
  }));
}

/** The clients that send the scenario's load. */
export function loadClients(scenario: Scenario): readonly ActorPlan[] {
  const nodes = scenario.plan.hosts.filter(({ role }) => role === "node").map(({ name }) => name);
  return scenario.load.map(({ params }, i): ActorPlan => {
    const [namespace = "", service = ""] = String(params.service).split("/");
    const name = `${service}-${i}`;
    const config: HttpConfig = {
      type: "http",
      name,
      apiServers: apiServersOf(scenario),
      namespace,
      service,
      port: (params.port as number | undefined) ?? 0,
      method: String(params.method ?? "GET"),
      path: String(params.path ?? "/"),
      requestsPerSecond: params.requestsPerSecond as number,
      timeoutMs: parseDurationMs(String(params.timeout ?? "2s")) ?? 2000,
      nodes: (params.from as readonly string[] | undefined) ?? nodes,
      sourceIp: `192.0.2.${(i % 250) + 1}`,
    };
    return { address: address("client", name), config: { ...config } };
  });
}

function apiServersOf(scenario: Scenario): readonly Address[] {
  return scenario.plan.hosts.filter(({ role }) => role === "apiserver").flatMap(({ actors }) => actors.map((actor) => actor.address));
}
