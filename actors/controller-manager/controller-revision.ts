import type { ControllerRevision, ObjectMeta, PodTemplateSpec } from "../../protocol/kinds/generated";
import { controllerReference, isControlledBy, type Stored } from "../../protocol/kinds/object";
import { create, get, type Resource, remove, resource, type Step, update } from "../client";
import { canonical, fnv1a, isSame, safeEncode } from "./canonical";

/** The history of DaemonSets and StatefulSets: each template they have had is kept as a ControllerRevision, to which `kubectl rollout undo` goes back. */

export const controllerRevisions: Resource<ControllerRevision> = resource<ControllerRevision>("apps/v1", "ControllerRevision");
export const revisionHashLabel = "controller-revision-hash";

type Revision = Stored<ControllerRevision>;

/** What both kinds of owners have. */
interface Owner {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number };
  readonly status?: { readonly collisionCount?: number };
}

export interface History {
  /** The revision of the template as it is. Undefined while it has yet to be made. */
  readonly update: Revision | undefined;
  /** Others, oldest first. */
  readonly old: readonly Revision[];
  /** Makes the revision or brings it to the top; nothing else is to be done before. */
  readonly steps: readonly Step[];
}

/** The patch that takes an owner back to this template. */
function dataOf(template: PodTemplateSpec): Readonly<Record<string, unknown>> {
  return { spec: { template: { ...template, $patch: "replace" } } };
}

export function historyOf<T extends Owner>(
  owner: Stored<T>,
  owned: readonly Revision[],
  onCollision: (collisionCount: number) => readonly Step[],
): History {
  const data = dataOf(owner.spec!.template);
  const sorted = [...owned].sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
  const current = sorted.filter((revision) => isSame(revision.data, data)).at(-1);
  const next = (sorted.at(-1)?.revision ?? 0) + 1;
  if (!current) return { update: undefined, old: sorted, steps: [createRevision(owner, data, next, onCollision)] };
  const old = sorted.filter((revision) => revision !== current);
  // A template that is taken back becomes the newest revision again.
  const steps = current === sorted.at(-1) ? [] : [update(controllerRevisions, { ...current, revision: next })];
  return { update: current, old, steps };
}

function createRevision<T extends Owner>(
  owner: Stored<T>,
  data: ControllerRevision["data"],
  revision: number,
  onCollision: (collisionCount: number) => readonly Step[],
): Step {
  const collisionCount = owner.status?.collisionCount ?? 0;
  const hash = safeEncode(fnv1a(canonical(data) + (collisionCount > 0 ? String(collisionCount) : "")));
  const { namespace = "", name } = owner.metadata;
  const made = {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace ? { namespace } : {}),
      labels: { ...owner.spec!.template.metadata?.labels, [revisionHashLabel]: hash },
      ownerReferences: [controllerReference(owner as Stored)],
    },
    data,
    revision,
  } as ControllerRevision & { readonly metadata: { readonly name: string } };
  return create(controllerRevisions, made, {
    ignore: ["AlreadyExists"],
    after: (result) => {
      if (result.ok || result.status.reason !== "AlreadyExists") return [];
      return [
        get(controllerRevisions, namespace, made.metadata.name, (taken) =>
          taken.ok && isControlledBy(taken.object, owner) && isSame(taken.object.data, data) ? [] : onCollision(collisionCount + 1),
        ),
      ];
    },
  });
}

/** The hash by which pods say of which revision they are. */
export function hashOf(revision: Revision): string {
  return revision.metadata.labels?.[revisionHashLabel] ?? revision.metadata.name;
}

/** Old revisions beyond the limit that no pod is of, oldest first. */
export function surplusRevisions<T extends Owner>(
  owner: Stored<T>,
  old: readonly Revision[],
  isLive: (revision: Revision) => boolean,
): readonly Step[] {
  const dead = old.filter((revision) => !isLive(revision));
  return dead
    .slice(0, Math.max(0, dead.length - (owner.spec?.revisionHistoryLimit ?? 10)))
    .map((revision) => remove(controllerRevisions, revision));
}

/** The template that a revision holds. */
export function templateOf(revision: Revision): PodTemplateSpec {
  const { $patch: _, ...template } = (
    revision.data as { readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } } }
  ).spec.template;
  return template;
}
