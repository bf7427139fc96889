import type { Namespace, NamespaceCondition } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { groupVersions } from "../../protocol/kinds/registry";
import {
  type Controller,
  fail,
  gather,
  namespaces,
  nothingToDo,
  type ObjectList,
  pods,
  type Request,
  type Resource,
  type Result,
  requeue,
  resourceName,
  resourceOfKind,
  type Step,
  update,
  updateStatus,
  watch,
} from "../client";
import { isSame } from "./canonical";
import { withCondition } from "./condition";

const finalizer = "kubernetes";
const lookAgainMs = 5000;

/** Empties a namespace that is being deleted, pods before anything else, and then takes the finalizer off that keeps it. Source: "Namespaces walkthrough" and the API reference's namespace conditions. */
export const namespaceController: Controller = {
  name: "namespace",
  workers: 10,
  apiRateFactor: 20,
  watches: [watch(namespaces, ({ metadata }) => [metadata.name])],
  customResources: "named",
  reconcile(key, view, { nowMs }) {
    const namespace = view.of(namespaces).get(key);
    if (!namespace || !isBeingDeleted(namespace) || !namespace.spec?.finalizers?.includes(finalizer)) return nothingToDo;
    return { steps: empty(namespace, [...contentResources(), ...view.customResources().filter(({ namespaced }) => namespaced)], nowMs) };
  },
};

/** All built-in kinds that can lie in a namespace and be deleted, in the version that its group prefers. */
export function contentResources(): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const { kinds } of groupVersions())
    for (const kind of kinds) {
      const resource = resourceOfKind(kind);
      const name = resourceName(resource);
      if (kind.namespaced && kind.verbs.includes("list") && kind.verbs.includes("delete") && !found.has(name)) found.set(name, resource);
    }
  return [...found.values()];
}

/** What is left of one resource. */
interface Remainder {
  readonly resource: Resource;
  readonly items: ObjectList<unknown>["items"];
  readonly failure: string | undefined;
}

function empty(namespace: Stored<Namespace>, contents: readonly Resource[], nowMs: number): readonly Step[] {
  const others = contents.filter((resource) => resource.plural !== pods.plural || resource.group !== pods.group);
  return sweep(namespace.metadata.name, [pods], (remainingPods) => {
    if (remainingPods.length > 0) return report(namespace, remainingPods, nowMs);
    return sweep(namespace.metadata.name, others, (remaining) =>
      remaining.length > 0 ? report(namespace, remaining, nowMs) : finalize(namespace),
    );
  });
}

/** Looks at each resource, deletes what there is, and looks once more at those. */
function sweep(name: string, resources: readonly Resource[], then: (remaining: readonly Remainder[]) => readonly Step[]): readonly Step[] {
  const look = (resource: Resource): Request => ({ do: "list", resource, namespace: name, query: {} });
  const wipe = (resource: Resource): Request => ({
    do: "deleteCollection",
    resource,
    namespace: name,
    query: {},
    options: { propagationPolicy: "Background" },
  });
  return [
    gather(resources.map(look), (before) => {
      const left = remainders(resources, before);
      const filled = left.filter(({ items }) => items.length > 0).map(({ resource }) => resource);
      const unread = left.filter(({ failure }) => failure !== undefined);
      if (filled.length === 0) return then(unread);
      return [
        gather(filled.map(wipe), (wiped) => [
          gather(filled.map(look), (after) => {
            const remaining = remainders(filled, after).map((each, at) => ({ ...each, failure: each.failure ?? failureOf(wiped[at]!) }));
            return then([...unread, ...remaining.filter(({ items, failure }) => items.length > 0 || failure !== undefined)]);
          }),
        ]),
      ];
    }),
  ];
}

function remainders(resources: readonly Resource[], results: readonly Result<unknown>[]): readonly Remainder[] {
  return resources.map((resource, at) => {
    const result = results[at]!;
    return { resource, items: result.ok ? (result.object as ObjectList<unknown>).items : [], failure: failureOf(result) };
  });
}

/** A resource that this API does not serve has nothing in it. */
function failureOf(result: Result<unknown>): string | undefined {
  return result.ok || result.status.reason === "NotFound" || result.status.reason === "MethodNotAllowed"
    ? undefined
    : result.status.message;
}

function finalize(namespace: Stored<Namespace>): readonly Step[] {
  const finalizers = namespace.spec!.finalizers!.filter((each) => each !== finalizer);
  return [
    {
      ...update(namespaces, { ...namespace, spec: { ...namespace.spec, finalizers } }, { ignore: ["NotFound"] }),
      subresource: "finalize",
    } as Step,
  ];
}

/** Says in the conditions what is left, and looks again when pods may have ended, at the latest after their grace period. */
function report(namespace: Stored<Namespace>, remaining: readonly Remainder[], nowMs: number): readonly Step[] {
  const failures = remaining.map(({ failure }) => failure).filter((failure) => failure !== undefined);
  const counts = remaining
    .filter(({ items }) => items.length > 0)
    .map(({ resource, items }) => `${resourceName(resource)} has ${items.length} resource instances`);
  const finalizers = new Map<string, number>();
  for (const { items } of remaining)
    for (const { metadata } of items) for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  const held = [...finalizers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} in ${count} resource instances`);

  let conditions: readonly NamespaceCondition[] = namespace.status?.conditions ?? [];
  const enter = (type: string, isTrue: boolean, reason: string, message: string) => {
    conditions = withCondition(conditions, { type, status: isTrue ? "True" : "False", reason, message }, nowMs);
  };
  enter("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered");
  if (failures.length > 0)
    enter(
      "NamespaceDeletionContentFailure",
      true,
      "ContentDeletionFailed",
      `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(", ")}`,
    );
  else
    enter("NamespaceDeletionContentFailure", false, "ContentDeleted", "All content successfully deleted, may be waiting on finalization");
  if (counts.length > 0)
    enter("NamespaceContentRemaining", true, "SomeResourcesRemain", `Some resources are remaining: ${counts.join(", ")}`);
  else enter("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed");
  if (held.length > 0)
    enter(
      "NamespaceFinalizersRemaining",
      true,
      "SomeFinalizersRemain",
      `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
    );
  else enter("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", "All content-preserving finalizers finished");

  const status = { ...namespace.status, phase: "Terminating", conditions };
  const written = isSame(status, namespace.status) ? [] : [updateStatus(namespaces, { ...namespace, status })];
  if (failures.length > 0) return [...written, fail(failures[0]!)];
  return [...written, requeue(Math.max(1000, graceMs(remaining) / 2 || lookAgainMs))];
}

/** The longest that a pod among them may still take. */
function graceMs(remaining: readonly Remainder[]): number {
  const seconds = remaining.flatMap(({ items }) => items.map(({ metadata }) => metadata.deletionGracePeriodSeconds ?? 0));
  return Math.max(0, ...seconds) * 1000;
}
