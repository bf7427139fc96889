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
import { preferred, resourcesDiscovered } from "../client/aggregated-resources";
import { isList } from "../client/named";
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
    const groups = view.aggregatedGroups();
    const isAggregated = (resource: Resource) => groups.some(({ group }) => group === resource.group);
    const custom = view.customResources().filter((resource) => resource.namespaced && !isAggregated(resource));
    const contents: readonly Content[] = [...contentResources(), ...custom];
    if (groups.length === 0) return { steps: empty({ namespace, contents, undiscovered: [], nowMs }) };
    const lookups = groups.map(({ group, version }): Request => ({ do: "discover", group, version }));
    const discovered = (results: readonly Result<unknown>[]) => {
      const found = groups.map((group, at) => resourcesDiscovered(group, results[at]!));
      const undiscovered = found.flatMap((each, at) =>
        typeof each === "string" ? [`${groups[at]!.group}/${groups[at]!.version}: ${each}`] : [],
      );
      const resources = found.flatMap((each) => (typeof each === "string" ? [] : each));
      const deletable = resources.filter(({ namespaced, verbs }) => namespaced && verbs.includes("list") && verbs.includes("delete"));
      return empty({ namespace, contents: [...contents, ...preferred(deletable)], undiscovered, nowMs });
    };
    return { steps: [gather(lookups, discovered)] };
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

/** A resource of the namespace; `verbs` are told of what aggregated servers serve, which may know no deletecollection. */
type Content = Resource & { readonly verbs?: readonly string[] };

/** One attempt to empty a namespace. */
interface Emptying {
  readonly namespace: Stored<Namespace>;
  readonly contents: readonly Content[];
  /** The group versions whose server did not say what it has, and why. */
  readonly undiscovered: readonly string[];
  readonly nowMs: number;
}

/** What is left of one resource. */
interface Remainder {
  readonly resource: Content;
  readonly items: ObjectList<unknown>["items"];
  readonly failure: string | undefined;
}

function empty(emptying: Emptying): readonly Step[] {
  const { namespace, contents, undiscovered } = emptying;
  const others = contents.filter((resource) => resource.plural !== pods.plural || resource.group !== pods.group);
  return sweep(namespace.metadata.name, [pods], (remainingPods) => {
    if (remainingPods.length > 0) return report(emptying, remainingPods);
    return sweep(namespace.metadata.name, others, (remaining) =>
      remaining.length > 0 || undiscovered.length > 0 ? report(emptying, remaining) : finalize(namespace),
    );
  });
}

/** Looks at each resource, deletes what there is, and looks once more at those. */
function sweep(name: string, resources: readonly Content[], then: (remaining: readonly Remainder[]) => readonly Step[]): readonly Step[] {
  const look = (resource: Resource): Request => ({ do: "list", resource, namespace: name, query: {} });
  const options = { propagationPolicy: "Background" };
  const wipe = ({ resource, items }: Remainder): readonly Request[] =>
    resource.verbs?.includes("deletecollection") === false
      ? items.map(({ metadata }) => ({ do: "delete", resource, namespace: name, name: metadata.name, options, ignore: ["NotFound"] }))
      : [{ do: "deleteCollection", resource, namespace: name, query: {}, options }];
  return [
    gather(resources.map(look), (before) => {
      const left = remainders(resources, before);
      const full = left.filter(({ items }) => items.length > 0);
      const filled = full.map(({ resource }) => resource);
      const unread = left.filter(({ failure }) => failure !== undefined);
      if (filled.length === 0) return then(unread);
      const wipes = full.map(wipe);
      const firstOf = wipes.map((_, at) => wipes.slice(0, at).reduce((sum, { length }) => sum + length, 0));
      return [
        gather(wipes.flat(), (wiped) => [
          gather(filled.map(look), (after) => {
            const refused = filled.map((_, at) => {
              const results = wiped.slice(firstOf[at]!, firstOf[at]! + wipes[at]!.length);
              return results.map(failureOf).find((failure) => failure !== undefined);
            });
            const remaining = remainders(filled, after).map((each, at) => ({ ...each, failure: each.failure ?? refused[at] }));
            return then([...unread, ...remaining.filter(({ items, failure }) => items.length > 0 || failure !== undefined)]);
          }),
        ]),
      ];
    }),
  ];
}

function remainders(resources: readonly Content[], results: readonly Result<unknown>[]): readonly Remainder[] {
  return resources.map((resource, at) => {
    const result = results[at]!;
    if (!result.ok) return { resource, items: [], failure: failureOf(result) };
    // Whoever serves it may answer with anything.
    if (!isList(result.object))
      return { resource, items: [], failure: `${resourceName(resource)}: the server's answer is no list of objects` };
    return { resource, items: result.object.items, failure: undefined };
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
function report({ namespace, undiscovered, nowMs }: Emptying, remaining: readonly Remainder[]): readonly Step[] {
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
  const undescribed = `unable to retrieve the complete list of server APIs: ${undiscovered.join(", ")}`;
  if (undiscovered.length > 0)
    enter(
      "NamespaceDeletionDiscoveryFailure",
      true,
      "DiscoveryFailed",
      `Discovery failed for some groups, ${undiscovered.length} failing: ${undescribed}`,
    );
  else enter("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered");
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
  const failed = failures[0] ?? (undiscovered.length > 0 ? undescribed : undefined);
  if (failed !== undefined && (failures.length > 0 || remaining.length === 0)) return [...written, fail(failed)];
  return [...written, requeue(Math.max(1000, graceMs(remaining) / 2 || lookAgainMs))];
}

/** The longest that a pod among them may still take. */
function graceMs(remaining: readonly Remainder[]): number {
  const seconds = remaining.flatMap(({ items }) => items.map(({ metadata }) => metadata.deletionGracePeriodSeconds ?? 0));
  return Math.max(0, ...seconds) * 1000;
}
