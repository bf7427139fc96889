import type {
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from "../../../protocol/kinds/generated";
import { timestamp } from "../../../protocol/kinds/object";
import { sameJson } from "../storage/entry";
import { type Definition, isTrue } from "./definition";

/**
 * Which of its names a definition may have: those that no other definition of its group has been granted before. Once all are granted it is
 * established, and stays so. Source: the conditions in the API reference of CustomResourceDefinition.
 */
export function namedStatus(definition: Definition, others: readonly Definition[], nowMs: number): CustomResourceDefinitionStatus {
  const { spec, status = {} } = definition;
  const { names, conflict } = grantedNames(definition, others);
  const conditions = new Conditions(status.conditions ?? [], nowMs);
  if (conflict) conditions.enter("NamesAccepted", "False", conflict.reason, conflict.message);
  else conditions.enter("NamesAccepted", "True", "NoConflicts", "no conflicts found");
  if (!isTrue(definition, "Established"))
    if (conflict) conditions.enter("Established", "False", "NotAccepted", "not all names are accepted");
    else conditions.enter("Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
  const approval = approvalOf(definition);
  if (approval) conditions.enter("KubernetesAPIApprovalPolicyConformant", ...approval);
  const storage = spec.versions.find((version) => version.storage)?.name;
  const storedVersions = status.storedVersions ?? [];
  return {
    ...status,
    acceptedNames: names,
    conditions: conditions.all,
    storedVersions: storage === undefined || storedVersions.includes(storage) ? storedVersions : [...storedVersions, storage],
  };
}

/** The conditions of a definition; one that changes its status gets the time of the change, one that stays as it was keeps everything. */
export class Conditions {
  all: readonly CustomResourceDefinitionCondition[];

  constructor(
    before: readonly CustomResourceDefinitionCondition[],
    private readonly nowMs: number,
  ) {
    this.all = before;
  }

  enter(type: string, status: string, reason: string, message: string): void {
    const old = this.all.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : timestamp(this.nowMs);
    const entered = { ...(lastTransitionTime ? { lastTransitionTime } : {}), message, reason, status, type };
    if (old && sameJson(old, entered)) return;
    this.all = old ? this.all.map((condition) => (condition === old ? entered : condition)) : [...this.all, entered];
  }
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

function grantedNames(
  definition: Definition,
  others: readonly Definition[],
): { names: CustomResourceDefinitionNames; conflict?: Conflict } {
  const { spec, status, metadata } = definition;
  const wanted = spec.names;
  const before = status?.acceptedNames;
  const rivals = others.filter((other) => other.spec.group === spec.group && other.metadata.name !== metadata.name);
  const granted = rivals.map((other) => other.status?.acceptedNames).filter((names) => names !== undefined);
  const resources = new Set(granted.flatMap((names) => [names.plural, names.singular ?? "", ...(names.shortNames ?? [])]));
  const kinds = new Set(granted.flatMap((names) => [names.kind, names.listKind ?? ""]));
  let conflict: Conflict | undefined;
  const free = (name: string | undefined, own: string | undefined, taken: ReadonlySet<string>, reason: string): boolean => {
    if (name === undefined || name === "" || name === own || !taken.has(name)) return true;
    conflict ??= { reason, message: `${JSON.stringify(name)} is already in use` };
    return false;
  };
  const pick = <T>(isFree: boolean, name: T, own: T) => (isFree ? name : own);
  const singular = wanted.singular ?? wanted.kind.toLowerCase();
  const listKind = wanted.listKind ?? `${wanted.kind}List`;
  const plural = pick(free(wanted.plural, before?.plural, resources, "PluralConflict"), wanted.plural, before?.plural ?? "");
  const one = pick(free(singular, before?.singular, resources, "SingularConflict"), singular, before?.singular);
  const taken = (wanted.shortNames ?? []).filter((name) => !before?.shortNames?.includes(name) && resources.has(name));
  if (taken.length > 0)
    conflict ??= { reason: "ShortNamesConflict", message: taken.map((name) => `${JSON.stringify(name)} is already in use`).join(", ") };
  const shortNames = pick(taken.length === 0, wanted.shortNames, before?.shortNames);
  const kind = pick(free(wanted.kind, before?.kind, kinds, "KindConflict"), wanted.kind, before?.kind ?? "");
  const list = pick(free(listKind, before?.listKind, kinds, "ListKindConflict"), listKind, before?.listKind);
  const names = {
    ...(wanted.categories ? { categories: wanted.categories } : {}),
    kind,
    ...(list ? { listKind: list } : {}),
    plural,
    ...(shortNames ? { shortNames } : {}),
    ...(one ? { singular: one } : {}),
  };
  return conflict ? { names, conflict } : { names };
}

export const approvalAnnotation = "api-approved.kubernetes.io";

/** Groups that belong to the Kubernetes community need its approval, or to say that they have none. */
export function isProtectedGroup(group: string): boolean {
  return group === "k8s.io" || group.endsWith(".k8s.io") || group === "kubernetes.io" || group.endsWith(".kubernetes.io");
}

function approvalOf({ spec, metadata }: Definition): readonly [status: string, reason: string, message: string] | undefined {
  if (!isProtectedGroup(spec.group)) return undefined;
  const annotation = metadata.annotations?.[approvalAnnotation] ?? "";
  if (annotation.startsWith("unapproved")) return ["False", "UnapprovedAnnotation", `not approved: ${JSON.stringify(annotation)}`];
  if (annotation === "")
    return [
      "False",
      "MissingAnnotation",
      `protected groups must have approval annotation ${JSON.stringify(approvalAnnotation)}, see https://github.com/kubernetes/enhancements/pull/1111`,
    ];
  if (URL.canParse(annotation)) return ["True", "ApprovedAnnotation", `approved in ${annotation}`];
  return [
    "False",
    "InvalidAnnotation",
    `protected groups must have approval annotation ${JSON.stringify(approvalAnnotation)} with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`,
  ];
}
