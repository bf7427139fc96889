import { type HttpConfig, HttpLoad } from "./http-load";
import { millisecondsOf, type Workload } from "./workload";

export const http: Workload = {
  name: "http",
  what: "Sends HTTP requests to a Service at a steady rate, each from the next node that can be reached, as users behind a load balancer do.",
  params: {
    service: { type: "string", pattern: "^[^/]+/[^/]+$", description: 'the Service, "namespace/name"' },
    requestsPerSecond: { type: "number", exclusiveMinimum: 0, maximum: 10_000, description: "how many each second" },
    port: { type: "integer", minimum: 1, maximum: 65_535, description: "the Service's port; its first where not given" },
    method: { type: "string", description: "GET where not given" },
    path: { type: "string", pattern: "^/", description: 'the path, "/" where not given' },
    timeout: { type: "string", description: 'how long an answer may take, "2s" where not given' },
    from: { type: "array", items: { type: "string" }, minItems: 1, description: "the nodes where requests come in; all where not given" },
  },
  required: ["service", "requestsPerSecond"],
  service: (params) => String(params.service),
  clientName: (params, index) => `${String(params.service).split("/")[1]}-${index}`,
  configure(params, { index, apiServers, nodes }) {
    const [namespace = "", service = ""] = String(params.service).split("/");
    const config: HttpConfig = {
      type: "http",
      name: `${service}-${index}`,
      apiServers,
      namespace,
      service,
      port: (params.port as number | undefined) ?? 0,
      method: String(params.method ?? "GET"),
      path: String(params.path ?? "/"),
      requestsPerSecond: params.requestsPerSecond as number,
      timeoutMs: millisecondsOf(params.timeout, "2s"),
      nodes: ((params.from as readonly string[] | undefined) ?? nodes).filter((node) => nodes.includes(node)),
      sourceIp: `192.0.2.${(index % 250) + 1}`,
    };
    return { ...config };
  },
  start: (config) => new HttpLoad(config as unknown as HttpConfig),
};
