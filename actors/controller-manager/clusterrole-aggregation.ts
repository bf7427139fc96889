import type { ClusterRole, PolicyRule } from "../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../protocol/kinds/label-selector";
import type { Stored } from "../../protocol/kinds/object";
import { type Controller, clusterRoles, nothingToDo, patch, type View, watch } from "../client";
import { isSame } from "./canonical";

/** Writes into each ClusterRole with an aggregation rule the rules of those that it selects. Source: "Using RBAC Authorization", aggregated ClusterRoles. */
export const clusterRoleAggregation: Controller = {
  name: "clusterrole-aggregation",
  watches: [watch(clusterRoles, (_role, view) => aggregating(view))],
  reconcile(key, view) {
    const role = view.of(clusterRoles).get(key);
    if (!role?.aggregationRule || role.metadata.deletionTimestamp !== undefined) return nothingToDo;
    const rules = rulesFor(role, [...view.of(clusterRoles).list()]);
    return isSame(role.rules ?? [], rules) ? nothingToDo : { steps: [patch(clusterRoles, role, "merge", { rules })] };
  },
};

function aggregating(view: View): readonly string[] {
  return [...view.of(clusterRoles).list()]
    .filter(({ aggregationRule }) => aggregationRule !== undefined)
    .map(({ metadata }) => metadata.name);
}

/** In the order of the roles' names, each rule once. */
export function rulesFor(role: Stored<ClusterRole>, all: readonly Stored<ClusterRole>[]): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const selected = all
    .filter(({ metadata }) => metadata.name !== role.metadata.name && selectors.some((each) => matchesLabelSelector(each, metadata.labels)))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0));
  const rules: PolicyRule[] = [];
  for (const rule of selected.flatMap((each) => each.rules ?? [])) if (!rules.some((other) => isSame(other, rule))) rules.push(rule);
  return rules;
}
