import type { JsonObject } from "../../protocol/kinds/object";
import type { Task } from "../actions/action";
import { cordonTask } from "../actions/nodes";

/** What an activity may use: where it works, a number that no other has, and chance. */
export interface Occasion {
  readonly namespace: string;
  readonly nodes: readonly string[];
  readonly number: number;
  /** A whole number below that. */
  readonly draw: (below: number) => number;
}

export interface Activity {
  readonly name: string;
  /** undefined where there is nothing to do it to. */
  tasks(occasion: Occasion): readonly Task[] | undefined;
}

const deploymentOf = (namespace: string) => ({ apiVersion: "apps/v1", kind: "Deployment", namespace, name: "churned" });

/** What churn begins with: a namespace and a Deployment in it. */
export function beginnings(namespace: string): readonly JsonObject[] {
  const labels = { app: "churned" };
  const container = { name: "main", image: "example.com/churned:1", resources: { requests: { cpu: "50m", memory: "32Mi" } } };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 2, containers: [container] } };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name: "churned" },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    },
  ];
}

export const activities: readonly Activity[] = [
  {
    name: "rollout",
    tasks: ({ namespace, number }) => [
      {
        type: "patch",
        object: deploymentOf(namespace),
        patchType: "merge",
        patch: { spec: { template: { metadata: { annotations: { round: String(number) } } } } },
        subresource: "",
      },
    ],
  },
  {
    name: "scale",
    tasks: ({ namespace, draw }) => [
      {
        type: "patch",
        object: deploymentOf(namespace),
        patchType: "merge",
        patch: { spec: { replicas: 1 + draw(4) } },
        subresource: "scale",
      },
    ],
  },
  {
    name: "job",
    tasks({ namespace, number, draw }) {
      const container = { name: "main", image: "example.com/churned-job:1", command: ["sh", "-c", "sleep 2"] };
      const template = { spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 2, containers: [container] } };
      const spec = { completions: 1 + draw(3), parallelism: 2, backoffLimit: 20, ttlSecondsAfterFinished: 30, template };
      return [{ type: "apply", objects: [{ apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name: `job-${number}` }, spec }] }];
    },
  },
  {
    name: "namespace",
    tasks({ namespace, number }) {
      const name = `${namespace}-${number}`;
      const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
      const settings = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: name, name: "settings" },
        data: { round: String(number) },
      };
      return [
        { type: "apply", objects: [object, settings] },
        { type: "delete", object: { apiVersion: "v1", kind: "Namespace", namespace: "", name } },
      ];
    },
  },
  {
    name: "drain",
    tasks({ nodes, draw }) {
      // From the only node nothing could go anywhere.
      if (nodes.length < 2) return undefined;
      const node = nodes[draw(nodes.length)]!;
      return [cordonTask(node, true), { type: "drain", node, withinMs: 30_000 }, cordonTask(node, false)];
    },
  },
];
