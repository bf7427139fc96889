import type { ManagedFieldsEntry } from "../../../../protocol/kinds/generated";
import { type FieldSet, intersection, leaf } from "./field-set";
import { type Manager, type Managers, readManagers, sameManager, withoutFields, writeManagers } from "./managers";

/**
 * Who owns the number of replicas, told of a workload and of its Scale. The workload keeps the record; its Scale is shown what of it concerns
 * the number, under the Scale's own version and path, and what becomes of that goes back.
 */

export const scaleVersion = "autoscaling/v1";

const replicasOfScale = setOf(["spec", "replicas"]);

type Entries = readonly ManagedFieldsEntry[] | undefined;

/** The ownership of a Scale: those of the workload's managers that own the number at `path`, as if they had set it in the Scale. */
export function ownershipOfScale(ofWorkload: Entries, path: readonly string[]): readonly ManagedFieldsEntry[] {
  const number = setOf(path);
  const owners = (readManagers(ofWorkload) ?? []).filter((manager) => owns(manager, number));
  return writeManagers(
    owners.map((manager) => ({ ...namedAs(manager), apiVersion: scaleVersion, time: manager.time, fields: replicasOfScale })),
  );
}

/**
 * The ownership of a workload after a change to its Scale, whose ownership is `ofScale` now: who is no longer there has lost the number at
 * `path` and keeps the rest, who is new owns it in `apiVersion`, the workload's; all others stay as they are.
 */
export function ownershipOfWorkload(
  ofWorkload: Entries,
  ofScale: Entries,
  path: readonly string[],
  apiVersion: string,
): readonly ManagedFieldsEntry[] {
  const number = setOf(path);
  const owners = (readManagers(ofScale) ?? []).filter((manager) => owns(manager, replicasOfScale));
  const managers = readManagers(ofWorkload) ?? [];
  const inScale = (manager: Manager) => ({ ...namedAs(manager), apiVersion: scaleVersion });
  const kept = managers.map((manager) =>
    owns(manager, number) && !owners.some((owner) => sameManager(owner, inScale(manager))) ? withoutFields(manager, number) : manager,
  );
  const isNew = (owner: Manager) => !managers.some((manager) => owns(manager, number) && sameManager(owner, inScale(manager)));
  const gained: Managers = owners.filter(isNew).map((owner) => ({ ...namedAs(owner), apiVersion, time: owner.time, fields: number }));
  return writeManagers([...kept, ...gained]);
}

function namedAs({ name, operation, apiVersion, subresource }: Manager) {
  return { name, operation, apiVersion, subresource };
}

function owns(manager: Manager, fields: FieldSet): boolean {
  return intersection(manager.fields, fields).size > 0;
}

function setOf([name, ...rest]: readonly string[]): FieldSet {
  return new Map([[`f:${name}`, rest.length === 0 ? leaf : { member: false, below: setOf(rest) }]]);
}
