import type { Container, EnvVarSource, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { quantityMilliValue, quantityValue } from "../../protocol/kinds/quantity";

/** The values of a ConfigMap or a Secret by "configmap/NAME" or "secret/NAME"; undefined where it was not found. */
export type ReferencedData = (key: string) => Values | undefined;

/** By key; what is no text, and what a ConfigMap has as binaryData, is bytes. */
export type Values = ReadonlyMap<string, string | Uint8Array>;

export interface NodeFacts {
  readonly hostIp: string;
  readonly podIp: string;
  /** What the node has, for limits that are not set. */
  readonly capacity: Readonly<Record<string, string | number | undefined>>;
}

/** What Linux lets one variable and all of them take, in bytes: MAX_ARG_STRLEN, and a quarter of the usual stack. */
const [variableBytesMax, environmentBytesMax] = [128 * 1024, 2 * 1024 * 1024];

/** Whether no program could be started with this environment (E2BIG). */
export function isTooLong(environment: readonly (readonly [string, string])[]): boolean {
  const sizes = environment.map(([name, value]) => Buffer.byteLength(name) + Buffer.byteLength(value) + 2);
  return sizes.some((size) => size > variableBytesMax) || sizes.reduce((sum, size) => sum + size, 0) > environmentBytesMax;
}

/**
 * The environment of a container: envFrom, then env, whose values may refer to what stands before them as $(NAME). Later entries replace
 * earlier ones of the same name. What is optional and not there is left out. What Services say of themselves comes last, replaces nothing, and may be
 * referred to. Variables that refer to each other twice and twice again would soon fill the memory: of what `isTooLong` there is only the beginning.
 * Source: "Define Environment Variables for a Container",
 * "Expose Pod Information to Containers Through Environment Variables".
 */
export function environmentOf(
  container: Container,
  pod: Stored<Pod>,
  data: ReferencedData,
  node: NodeFacts,
  services: ReadonlyMap<string, string> = new Map(),
): readonly (readonly [string, string])[] {
  const environment = new Map<string, string>();
  let length = 0;
  const set = (name: string, value: string) => {
    length += name.length + value.length;
    environment.set(name, value);
  };
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    if (length > environmentBytesMax) break;
    const found = configMapRef ? data(`configmap/${configMapRef.name}`) : secretRef ? data(`secret/${secretRef.name}`) : undefined;
    for (const [name, value] of found ?? []) {
      const text = variableText(value, configMapRef !== undefined);
      if (text !== undefined) set(prefix + name, text);
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (length > environmentBytesMax) break;
    const known = valueFrom ? valueFromSource(valueFrom, container, pod, data, node) : expandReferences(value ?? "", environment, services);
    if (known !== undefined) set(name, known);
  }
  for (const [name, value] of services) if (!environment.has(name)) environment.set(name, value);
  return [...environment];
}

/**
 * Fills in $(NAME) where NAME is known, in the first of the maps that knows it, and leaves it as it is where not; $$ stands for one $. What has become longer than a
 * variable may be is filled in no further.
 */
export function expandReferences(text: string, ...environments: readonly ReadonlyMap<string, string>[]): string {
  const known = (name: string) => environments.find((environment) => environment.has(name))?.get(name);
  let filled = 0;
  return text.replace(/\$(\$|\(([^()]*)\))/g, (all, rest: string, name: string) => {
    if (rest === "$") return "$";
    const value = filled > variableBytesMax ? undefined : known(name);
    filled += value?.length ?? 0;
    return value ?? all;
  });
}

/** What a variable or a file of the downward API is filled with; undefined where that is not there. */
export function valueFromSource(
  source: EnvVarSource,
  container: Container,
  pod: Stored<Pod>,
  data: ReferencedData,
  node: NodeFacts,
): string | undefined {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = source;
  if (configMapKeyRef) return variableText(data(`configmap/${configMapKeyRef.name}`)?.get(configMapKeyRef.key), true);
  if (secretKeyRef) return variableText(data(`secret/${secretKeyRef.name}`)?.get(secretKeyRef.key), false);
  if (fieldRef) return fieldOf(fieldRef.fieldPath, pod, node);
  if (!resourceFieldRef) return undefined;
  const { resource, containerName, divisor } = resourceFieldRef;
  const of = containerName ? (pod.spec?.containers.find(({ name }) => name === containerName) ?? container) : container;
  const [list = "", name = ""] = resource.split(".");
  const amount = (list === "limits" ? (of.resources?.limits?.[name] ?? node.capacity[name]) : of.resources?.requests?.[name]) ?? "0";
  return resourceValue(name, amount, divisor === undefined || divisor === "0" ? "1" : divisor);
}

/** Of a ConfigMap only its data goes into environments, of a Secret all. */
function variableText(value: string | Uint8Array | undefined, ofConfigMap: boolean): string | undefined {
  if (typeof value !== "object") return value;
  return ofConfigMap ? undefined : Buffer.from(value).toString("utf8");
}

/** Rounded up to whole divisors, as the downward API does. */
function resourceValue(name: string, amount: string | number, divisor: string | number): string {
  if (name === "cpu") return String(Math.ceil(quantityMilliValue(amount) / quantityMilliValue(divisor)));
  return String(Math.ceil(quantityValue(amount) / quantityValue(divisor)));
}

function fieldOf(path: string, { metadata, spec }: Stored<Pod>, { hostIp, podIp }: NodeFacts): string | undefined {
  const [, map, key = ""] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map === "labels") return metadata.labels?.[key] ?? "";
  if (map === "annotations") return metadata.annotations?.[key] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "spec.nodeName":
      return spec?.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec?.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return hostIp;
    case "status.podIP":
    case "status.podIPs":
      return podIp;
    default:
      return undefined;
  }
}
