import { type ConfigMap, customResource, type Service, type StatefulSet, type Stored } from "wavetank";

/** What users write. */
export interface Database {
  readonly spec: { readonly replicas: number; readonly image: string };
  readonly status?: { readonly phase?: string; readonly readyReplicas?: number };
}

export const databases = customResource<Database>({
  group: "example.com",
  version: "v1",
  kind: "Database",
  plural: "databases",
  namespaced: true,
});

/** The three objects that a Database consists of, without owners. */
export function partsOf({ metadata, spec }: Stored<Database>) {
  const { name, namespace } = metadata;
  const labels = { "example.com/database": name };
  const named = { name, namespace: namespace!, labels };
  const config: ConfigMap = { metadata: named, data: { "database.conf": `members = ${spec.replicas}\n` } };
  const service: Service = {
    metadata: named,
    spec: { selector: labels, clusterIP: "None", ports: [{ port: 5432 }] },
  };
  const members: StatefulSet = {
    metadata: named,
    spec: {
      serviceName: name,
      replicas: spec.replicas,
      selector: { matchLabels: labels },
      podManagementPolicy: "Parallel",
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "database",
              image: spec.image,
              ports: [{ containerPort: 5432 }],
              readinessProbe: { tcpSocket: { port: 5432 } },
              volumeMounts: [{ name: "config", mountPath: "/etc/database" }],
            },
          ],
          volumes: [{ name: "config", configMap: { name } }],
        },
      },
    },
  };
  return { config, service, members };
}
