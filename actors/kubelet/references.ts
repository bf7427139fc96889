import type { Container, KeyToPath, Pod } from "../../protocol/kinds/generated";

/** A ConfigMap or Secret that a pod takes something from. */
export interface Reference {
  readonly kind: "configmap" | "secret";
  readonly name: string;
  /** Keys that must be in it. */
  readonly keys: readonly string[];
  /** The pod can do without. */
  readonly optional: boolean;
}

/** What a container's environment is taken from. */
export function environmentReferences(container: Container): readonly Reference[] {
  const found: Reference[] = [];
  const add = (kind: Reference["kind"], name: string | undefined, optional: boolean | undefined, key?: string) => {
    if (name) found.push({ kind, name, keys: key === undefined ? [] : [key], optional: optional ?? false });
  };
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    add("configmap", configMapRef?.name, configMapRef?.optional);
    add("secret", secretRef?.name, secretRef?.optional);
  }
  for (const { valueFrom } of container.env ?? []) {
    add("configmap", valueFrom?.configMapKeyRef?.name, valueFrom?.configMapKeyRef?.optional, valueFrom?.configMapKeyRef?.key);
    add("secret", valueFrom?.secretKeyRef?.name, valueFrom?.secretKeyRef?.optional, valueFrom?.secretKeyRef?.key);
  }
  return found;
}

/** What a pod's volumes are filled from, by volume. The volume with the pod's own token is filled when somebody may read it: `withToken` counts it in. */
export function volumeReferences(pod: Pod, withToken = false): readonly (Reference & { readonly volume: string })[] {
  const found: (Reference & { readonly volume: string })[] = [];
  for (const { name: volume, configMap, secret, projected } of pod.spec?.volumes ?? []) {
    const add = (kind: Reference["kind"], name: string | undefined, optional: boolean | undefined, items: readonly KeyToPath[] = []) => {
      if (name) found.push({ volume, kind, name, keys: items.map(({ key }) => key), optional: optional ?? false });
    };
    if (configMap) add("configmap", configMap.name, configMap.optional, configMap.items);
    if (secret) add("secret", secret.secretName, secret.optional, secret.items);
    const sources = projected?.sources ?? [];
    if (!withToken && sources.some((source) => source.serviceAccountToken)) continue;
    for (const source of sources) {
      add("configmap", source.configMap?.name, source.configMap?.optional, source.configMap?.items);
      add("secret", source.secret?.name, source.secret?.optional, source.secret?.items);
    }
  }
  return found;
}

/** What is wrong with a reference, given the data of the object that it names; undefined where nothing is. */
export function wrongWithReference(reference: Reference, namespace: string, data: ReadonlySet<string> | undefined): string | undefined {
  const { kind, name, keys, optional } = reference;
  if (optional) return undefined;
  if (data === undefined) return `${kind} "${name}" not found`;
  const missing = keys.find((key) => !data.has(key));
  if (missing === undefined) return undefined;
  return `couldn't find key ${missing} in ${kind === "configmap" ? "ConfigMap" : "Secret"} ${namespace}/${name}`;
}
