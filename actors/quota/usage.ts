import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from "../../protocol/kinds/generated";
import type { ApiObject } from "../../protocol/kinds/object";
import {
  addQuantity,
  compareQuantity,
  formatQuantity,
  parseQuantity,
  type Quantity,
  quantityOf,
  subtractQuantity,
} from "../../protocol/kinds/quantity";
import { groupResourceOf, type Kind } from "../../protocol/kinds/registry";
import { isSidecar } from "../scheduler/resource-amounts";
import { isInScope } from "./scopes";

/** How much of what a quota limits an object takes, as the API server books it and the controller counts it again. Source: "Resource Quotas". */
export type Usage = ReadonlyMap<string, Quantity>;

type Kinded = Pick<Kind, "group" | "plural">;

const one = quantityOf(1);

/** The names under which a quota can limit an object of this kind, with the amounts that it takes. */
export function usageOf(kind: Kinded, object: ApiObject): Usage {
  const usage = new Map<string, Quantity>();
  // A pod that has ended counts as an object still, but takes nothing.
  usage.set(`count/${groupResourceOf(kind)}`, one);
  if (kind.group !== "") return usage;
  switch (kind.plural) {
    case "pods":
      return addPod(usage, object as ApiObject & Pod);
    case "services":
      return addService(usage, object as ApiObject & Service);
    case "persistentvolumeclaims":
      return addClaim(usage, object as ApiObject & PersistentVolumeClaim);
    case "configmaps":
    case "secrets":
    case "replicationcontrollers":
    case "resourcequotas":
      return usage.set(kind.plural, one);
    default:
      return usage;
  }
}

function addPod(usage: Map<string, Quantity>, pod: ApiObject & Pod): Usage {
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed") return usage;
  usage.set("pods", one);
  const requests = totalOf(pod, "requests");
  for (const [name, amount] of requests) {
    usage.set(`requests.${name}`, amount);
    if (name === "cpu" || name === "memory" || name === "ephemeral-storage" || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of totalOf(pod, "limits"))
    if (name === "cpu" || name === "memory" || name === "ephemeral-storage") usage.set(`limits.${name}`, amount);
  return usage;
}

/** A pod's containers and sidecars together, or an init container where that takes more, and its overhead. */
function totalOf({ spec }: Pod, list: "requests" | "limits"): ReadonlyMap<string, Quantity> {
  const total = new Map<string, Quantity>();
  const add = (name: string, amount: Quantity) => total.set(name, total.has(name) ? addQuantity(total.get(name)!, amount) : amount);
  const inits = spec?.initContainers ?? [];
  for (const { resources } of [...(spec?.containers ?? []), ...inits.filter(isSidecar)])
    for (const [name, amount] of Object.entries(resources?.[list] ?? {})) add(name, parseQuantity(amount));
  for (const { resources } of inits.filter((container) => !isSidecar(container)))
    for (const [name, given] of Object.entries(resources?.[list] ?? {})) {
      const amount = parseQuantity(given);
      const known = total.get(name);
      if (!known || compareQuantity(amount, known) > 0) total.set(name, amount);
    }
  for (const [name, amount] of Object.entries(spec?.overhead ?? {}))
    if (list === "requests" || total.has(name)) add(name, parseQuantity(amount));
  return total;
}

function addService(usage: Map<string, Quantity>, { spec }: ApiObject & Service): Usage {
  const ports = spec?.ports ?? [];
  usage.set("services", one);
  const allocates = spec?.type === "NodePort" || (spec?.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
  usage.set("services.nodeports", quantityOf(allocates ? ports.length : 0));
  usage.set("services.loadbalancers", quantityOf(spec?.type === "LoadBalancer" ? 1 : 0));
  return usage;
}

function addClaim(usage: Map<string, Quantity>, { spec }: ApiObject & PersistentVolumeClaim): Usage {
  const storage = parseQuantity(spec?.resources?.requests?.storage ?? "0");
  usage.set("persistentvolumeclaims", one);
  usage.set("requests.storage", storage);
  if (spec?.storageClassName) {
    const prefix = `${spec.storageClassName}.storageclass.storage.k8s.io/`;
    usage.set(`${prefix}persistentvolumeclaims`, one);
    usage.set(`${prefix}requests.storage`, storage);
  }
  return usage;
}

/** A quota's scopes in both of the forms in which they are written. */
export function scopesOf({ spec }: ResourceQuota) {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}

/** Whether a quota counts the object at all: its scopes have to fit. */
export function counts(quota: ResourceQuota, kind: Kinded, object: ApiObject): boolean {
  const scopes = scopesOf(quota);
  if (scopes.length === 0) return true;
  // Scopes are about pods; a quota with scopes counts nothing else.
  return kind.group === "" && kind.plural === "pods" && scopes.every((scope) => isInScope(object as ApiObject & Pod, scope));
}

/** The amounts that a quota limits, of what is used. */
export function limitedBy(quota: ResourceQuota, usage: Usage): Usage {
  const hard = quota.spec?.hard ?? {};
  return new Map([...usage].filter(([name]) => Object.hasOwn(hard, name)));
}

export function plus(a: Usage, b: Usage): Usage {
  return combined(a, b, addQuantity);
}

export function minus(a: Usage, b: Usage): Usage {
  return combined(a, b, subtractQuantity);
}

function combined(a: Usage, b: Usage, how: (x: Quantity, y: Quantity) => Quantity): Usage {
  const result = new Map(a);
  for (const [name, amount] of b) result.set(name, how(result.get(name) ?? quantityOf(0), amount));
  return result;
}

/** As it stands in the API, sorted by name. */
export function resourceListOf(usage: Usage): Readonly<Record<string, string>> {
  return Object.fromEntries([...usage].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, amount]) => [name, formatQuantity(amount)]));
}

/** What a list of the API says. */
export function usageIn(list: Readonly<Record<string, string | number>> | undefined): Usage {
  return new Map(Object.entries(list ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]));
}
