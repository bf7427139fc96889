import type { Workload } from "./workload";

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
};
