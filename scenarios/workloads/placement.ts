import { type Address, address } from "../../protocol/address";
import { parseDurationMs } from "../../protocol/kinds/duration";
import type { ActorPlan, HostPlan } from "../cluster";
import type { Scenario } from "../scenario";
import type { HttpConfig } from "./http-load";
import type { OperatorConfig } from "./operator";
import type { RegisterConfig } from "./register-load";
import type { WatchConfig } from "./watch-load";
import type { Params } from "./workload";

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
  const nodes = scenario.plan.hosts.filter(({ role }) => role === "node").map(({ name }) => name);
  const members = scenario.plan.hosts.filter(({ role }) => role === "etcd").flatMap(({ actors }) => actors.map((actor) => actor.address));
  return scenario.load.map(({ workload, params, path }): ActorPlan => {
    const i = Number(path[1]);
    const ofEtcd = etcdClient(workload.name, params, members);
    if (ofEtcd) return { address: address("client", `${workload.name}-${i}`), config: { ...ofEtcd } };
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
      nodes: ((params.from as readonly string[] | undefined) ?? nodes).filter((node) => nodes.includes(node)),
      sourceIp: `192.0.2.${(i % 250) + 1}`,
    };
    return { address: address("client", name), config: { ...config } };
  });
}

/** The configuration of a workload that talks to etcd itself, if it is one. */
function etcdClient(workload: string, params: Params, members: readonly Address[]): RegisterConfig | WatchConfig | undefined {
  const prefix = String(params.prefix ?? "registers/");
  const milliseconds = (field: string, otherwise: string) => parseDurationMs(String(params[field] ?? otherwise)) ?? 0;
  switch (workload) {
    case "registers":
      return {
        type: "registers",
        prefix,
        members,
        keys: (params.keys as number | undefined) ?? 5,
        processes: (params.processes as number | undefined) ?? 4,
        requestsPerSecond: params.requestsPerSecond as number,
        timeoutMs: milliseconds("timeout", "2s"),
        compactEveryMs: milliseconds("compactEvery", "0"),
      };
    case "watches":
      return {
        type: "watches",
        prefix,
        members,
        watches: (params.watches as number | undefined) ?? 4,
        progressEveryMs: milliseconds("progressEvery", "1s"),
        anewEveryMs: milliseconds("anewEvery", "0"),
      };
    default:
      return undefined;
  }
}

function apiServersOf(scenario: Scenario): readonly Address[] {
  return scenario.plan.hosts.filter(({ role }) => role === "apiserver").flatMap(({ actors }) => actors.map((actor) => actor.address));
}
