import type { PodSpec } from "../../../protocol/kinds/generated";
import { objectId } from "../../history";
import type { Manifest } from "../../manifests";
import type { Note } from "../note";
import { type Workload, workloadOf } from "../workload";
import { type Adaptation, noteOn, standIn } from "./adaptation";

/** Namespaces and classes that every cluster has. */
const born: ReadonlySet<string> = new Set([
  ...["default", "kube-system", "kube-public", "kube-node-lease"].map((name) => `Namespace ${name}`),
  ...["system-cluster-critical", "system-node-critical"].map((name) => `PriorityClass ${name}`),
]);

/** What manifests name and somebody else makes (Namespaces, Secrets, ConfigMaps, ServiceAccounts, classes): stands in, or no pod would start. */
export const references: Adaptation = (manifests) => {
  const ids = new Set([...born, ...manifests.map(({ object }) => objectId(object))]);
  const added: Manifest[] = [];
  const notes: Note[] = [];
  const want = (wanting: Manifest, id: string, line: readonly (string | number)[], make: () => Manifest) => {
    if (ids.has(id)) return;
    ids.add(id);
    added.push(make());
    notes.push(noteOn(wanting, line, id, "taken for granted: no manifest makes it, so an empty one stands in"));
  };
  for (const manifest of manifests) {
    const { namespace } = manifest.object.metadata;
    if (manifest.kind.namespaced && namespace)
      want(manifest, `Namespace ${namespace}`, ["metadata", "namespace"], () => standIn(manifest, "v1", "Namespace", { name: namespace }));
    const workload = workloadOf(manifest);
    if (workload) ofPods(workload, want);
  }
  return { manifests: [...added, ...manifests], notes };
};

type Want = (wanting: Manifest, id: string, line: readonly (string | number)[], make: () => Manifest) => void;

function ofPods({ manifest, namespace, podPath, podSpec }: Workload, want: Want): void {
  const keys = new Map<string, Set<string>>();
  const note = (kind: string, name: string | undefined, key?: string) => {
    if (name === undefined) return;
    const own = keys.get(`${kind} ${name}`) ?? new Set();
    keys.set(`${kind} ${name}`, key === undefined ? own : own.add(key));
  };
  named(podSpec, note);
  for (const [id, own] of keys) {
    const [kind = "", name = ""] = id.split(" ");
    const metadata = { namespace, name };
    const data = Object.fromEntries([...own].map((key) => [key, ""]));
    want(manifest, `${kind} ${namespace}/${name}`, podPath, () =>
      standIn(manifest, "v1", kind, metadata, kind === "ServiceAccount" ? {} : { data }),
    );
  }
  const { priorityClassName, runtimeClassName } = podSpec;
  if (runtimeClassName)
    want(manifest, `RuntimeClass ${runtimeClassName}`, [...podPath, "runtimeClassName"], () =>
      standIn(manifest, "node.k8s.io/v1", "RuntimeClass", { name: runtimeClassName }, { handler: "simulated" }),
    );
  if (priorityClassName)
    want(manifest, `PriorityClass ${priorityClassName}`, [...podPath, "priorityClassName"], () =>
      standIn(manifest, "scheduling.k8s.io/v1", "PriorityClass", { name: priorityClassName }, { value: 0 }),
    );
}

/** Tells of everything that a pod cannot start without. */
function named(spec: PodSpec, note: (kind: string, name: string | undefined, key?: string) => void): void {
  if (spec.serviceAccountName && spec.serviceAccountName !== "default") note("ServiceAccount", spec.serviceAccountName);
  for (const { env = [], envFrom = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { configMapRef, secretRef } of envFrom) {
      if (!configMapRef?.optional) note("ConfigMap", configMapRef?.name);
      if (!secretRef?.optional) note("Secret", secretRef?.name);
    }
    for (const { valueFrom } of env) {
      const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
      if (!configMapKeyRef?.optional) note("ConfigMap", configMapKeyRef?.name, configMapKeyRef?.key);
      if (!secretKeyRef?.optional) note("Secret", secretKeyRef?.name, secretKeyRef?.key);
    }
  }
  for (const { configMap, secret, projected } of spec.volumes ?? []) {
    if (!configMap?.optional) note("ConfigMap", configMap?.name);
    if (!secret?.optional) note("Secret", secret?.secretName);
    for (const source of projected?.sources ?? []) {
      if (!source.configMap?.optional) note("ConfigMap", source.configMap?.name);
      if (!source.secret?.optional) note("Secret", source.secret?.name);
    }
  }
}
