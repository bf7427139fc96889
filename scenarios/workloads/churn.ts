import { activities } from "./churn-activities";
import { type ChurnConfig, ChurnLoad } from "./churn-load";
import { millisecondsOf, type Workload } from "./workload";

export const churn: Workload = {
  name: "churn",
  what: "Somebody who is never content with a cluster: rolls out, scales, runs Jobs, makes and deletes namespaces, drains nodes, one thing after the other, in a namespace of its own.",
  params: {
    every: { type: "string", description: 'how long it rests between two things on average, "5s" where not given' },
    for: { type: "string", description: 'how long it goes on, "60s" where not given; it should end before the storm does' },
    activities: {
      type: "array",
      items: { enum: activities.map(({ name }) => name) },
      minItems: 1,
      description: "what it does; all where not given",
    },
    namespace: { type: "string", description: 'its namespace, "churn" where not given' },
  },
  required: [],
  service: () => undefined,
  configure(params, { apiServers, nodes }) {
    const config: ChurnConfig = {
      type: "churn",
      apiServers,
      nodes,
      namespace: String(params.namespace ?? "churn"),
      everyMs: millisecondsOf(params.every, "5s"),
      forMs: millisecondsOf(params.for, "60s"),
      activities: (params.activities as readonly string[] | undefined) ?? activities.map(({ name }) => name),
    };
    return { ...config };
  },
  start: (config) => new ChurnLoad(config as unknown as ChurnConfig),
};
