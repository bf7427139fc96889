import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { canonicalQuantity, compareQuantity, formatQuantity, parseQuantity, quantityMilliValue } from "../../../protocol/kinds/quantity";
import { type Failure, forbidden } from "../../../protocol/status";
import { isSidecar } from "../../scheduler/resource-amounts";
import { type Admission, isOf, type Plugin } from "./admission";

/** Fills in a namespace's default requests and limits, and holds Pods and claims to its bounds. Source: "Limit Ranges". */
export const limitRanger: Plugin = {
  name: "LimitRanger",
  mutate(admission) {
    const { object } = admission;
    if (admission.operation !== "CREATE" || !isOf(admission, "", "pods")) return object;
    const containers = itemsOf(admission, "Container");
    if (containers.length === 0) return object;
    return withDefaults(object as ApiObject & Pod, containers) as ApiObject;
  },
  validate(admission) {
    if (admission.operation === "DELETE") return undefined;
    const changesPods = admission.operation === "CREATE" ? isOf(admission, "", "pods") : admission.subresource === "resize";
    if (!changesPods && !isOf(admission, "", "persistentvolumeclaims")) return undefined;
    if (itemsOf(admission).length === 0) return undefined;
    const wrong = changesPods
      ? wrongWithPod(admission.object as ApiObject & Pod, admission)
      : isOf(admission, "", "persistentvolumeclaims")
        ? wrongWithClaim(admission.object as ApiObject & PersistentVolumeClaim, admission)
        : [];
    return wrong.length === 0 ? undefined : refusal(admission, wrong);
  },
};

type ResourceList = Readonly<Record<string, string | number>>;

function itemsOf({ cluster, namespace }: Admission, type?: string): readonly LimitRangeItem[] {
  return (cluster.list("", "v1", "limitranges") as readonly Stored<LimitRange>[])
    .filter(({ metadata }) => metadata.namespace === namespace)
    .flatMap(({ spec }) => spec?.limits ?? [])
    .filter((item) => type === undefined || item.type === type);
}

function withDefaults(pod: ApiObject & Pod, items: readonly LimitRangeItem[]): ApiObject & Pod {
  // Each range's own fallbacks first: a default limit is a default request, and a maximum a default limit.
  const limits = Object.assign({}, ...items.map(({ max, default: given }) => ({ ...max, ...given }))) as ResourceList;
  const requests = Object.assign(
    {},
    ...items.map(({ min, max, default: limit, defaultRequest }) => ({ ...min, ...max, ...limit, ...defaultRequest })),
  ) as ResourceList;
  const complete = (container: Container): Container => {
    const { resources = {} } = container;
    const ownLimits = { ...limits, ...resources.limits };
    // A limit that the container names itself is its request, which comes before the range's.
    const ownRequests = { ...requests, ...resources.limits, ...resources.requests };
    return { ...container, resources: { ...resources, ...filled("limits", ownLimits), ...filled("requests", ownRequests) } };
  };
  // What is missing is for the validation to say.
  const spec: PodSpec = pod.spec ?? { containers: [] };
  const inits = spec.initContainers ? { initContainers: spec.initContainers.map(complete) } : {};
  return { ...pod, spec: { ...spec, containers: (spec.containers ?? []).map(complete), ...inits } };
}

function filled(name: "limits" | "requests", list: ResourceList): { readonly [list in "limits" | "requests"]?: ResourceList } {
  if (Object.keys(list).length === 0) return {};
  return { [name]: Object.fromEntries(Object.entries(list).map(([resource, amount]) => [resource, canonicalQuantity(amount) ?? amount])) };
}

function wrongWithPod({ spec }: Pod, admission: Admission): readonly string[] {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const ofContainers = itemsOf(admission, "Container").flatMap((item) =>
    all.flatMap(({ resources }) => wrongWith(item, "Container", resources?.requests ?? {}, resources?.limits ?? {})),
  );
  const ofPods = itemsOf(admission, "Pod").flatMap((item) => wrongWith(item, "Pod", totalOf(spec, "requests"), totalOf(spec, "limits")));
  return [...ofContainers, ...ofPods];
}

/** What a whole Pod asks for: its containers together, or an init container where that asks for more. */
function totalOf(spec: PodSpec | undefined, list: "requests" | "limits"): ResourceList {
  const total = new Map<string, ReturnType<typeof parseQuantity>>();
  for (const { resources } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(isSidecar)])
    for (const [name, amount] of Object.entries(resources?.[list] ?? {})) {
      const before = total.get(name);
      const more = parseQuantity(amount);
      total.set(name, before ? { ...before, nanos: before.nanos + more.nanos } : more);
    }
  for (const { resources } of (spec?.initContainers ?? []).filter((container) => !isSidecar(container)))
    for (const [name, amount] of Object.entries(resources?.[list] ?? {})) {
      const before = total.get(name);
      const own = parseQuantity(amount);
      if (!before || compareQuantity(own, before) > 0) total.set(name, own);
    }
  return Object.fromEntries([...total].map(([name, amount]) => [name, formatQuantity(amount)]));
}

function wrongWithClaim({ spec }: PersistentVolumeClaim, admission: Admission): readonly string[] {
  const requests = spec?.resources?.requests ?? {};
  return itemsOf(admission, "PersistentVolumeClaim").flatMap((item) =>
    wrongWith({ ...item, max: item.max ?? {} }, "PersistentVolumeClaim", requests, requests),
  );
}

/** Everything about the amounts that a range forbids, in the words of Kubernetes. */
function wrongWith(
  { min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem,
  type: string,
  requests: ResourceList,
  limits: ResourceList,
): readonly string[] {
  const wrong: string[] = [];
  const text = (amount: string | number) => canonicalQuantity(amount) ?? String(amount);
  const below = (a: string | number, b: string | number) => compareQuantity(parseQuantity(a), parseQuantity(b)) < 0;
  for (const [name, least] of Object.entries(min)) {
    const [request, limit] = [amountOf(requests, name), amountOf(limits, name)];
    if (request === undefined) wrong.push(`minimum ${name} usage per ${type} is ${text(least)}.  No request is specified`);
    else if (below(request, least)) wrong.push(`minimum ${name} usage per ${type} is ${text(least)}, but request is ${text(request)}`);
    else if (limit !== undefined && below(limit, least))
      wrong.push(`minimum ${name} usage per ${type} is ${text(least)}, but limit is ${text(limit)}`);
  }
  for (const [name, most] of Object.entries(max)) {
    const [request, limit] = [amountOf(requests, name), amountOf(limits, name)];
    if (limit === undefined) wrong.push(`maximum ${name} usage per ${type} is ${text(most)}.  No limit is specified`);
    else if (below(most, limit)) wrong.push(`maximum ${name} usage per ${type} is ${text(most)}, but limit is ${text(limit)}`);
    else if (request !== undefined && below(most, request))
      wrong.push(`maximum ${name} usage per ${type} is ${text(most)}, but request is ${text(request)}`);
  }
  for (const [name, ratio] of Object.entries(maxLimitRequestRatio)) {
    const [request, limit] = [amountOf(requests, name), amountOf(limits, name)];
    if (request === undefined)
      wrong.push(`${name} max limit to request ratio per ${type} is ${text(ratio)}, but no request is specified or request is 0`);
    else if (limit === undefined)
      wrong.push(`${name} max limit to request ratio per ${type} is ${text(ratio)}, but no limit is specified or limit is 0`);
    else {
      const actual = quantityMilliValue(limit) / quantityMilliValue(request);
      if (actual > quantityMilliValue(ratio) / 1000)
        wrong.push(`${name} max limit to request ratio per ${type} is ${text(ratio)}, but provided ratio is ${actual.toFixed(6)}`);
    }
  }
  return wrong;
}

function refusal({ kind, name }: Admission, wrong: readonly string[]): Failure {
  const text = wrong.length === 1 ? wrong[0]! : `[${wrong.join(", ")}]`;
  return forbidden({ group: kind.group, resource: kind.plural, name }, text);
}

/** What a list says of a resource, which may be called like something that every object has. */
function amountOf(list: ResourceList, name: string): ResourceList[string] | undefined {
  return Object.hasOwn(list, name) ? list[name] : undefined;
}
