import type { PodDisruptionBudget, Service } from "../../protocol/kinds/generated";
import { matchesLabelMap, matchesLabelSelector } from "../../protocol/kinds/label-selector";
import { keyOf } from "../../protocol/kinds/object";
import type { Manifest } from "../manifests";
import type { Observation } from "./observation";
import { runsToItsEnd, type Workload, workloadOf } from "./workload";

/** A Service that is rehearsed, with what stands behind it in the manifests. */
export interface Subject {
  /** "shop/web". */
  readonly service: string;
  readonly namespace: string;
  readonly manifest: Manifest;
  readonly selector: Readonly<Record<string, string>>;
  readonly headless: boolean;
  readonly workloads: readonly Workload[];
  readonly budgets: readonly Manifest[];
}

/** Everything that is rehearsed. */
export interface Subjects {
  readonly manifests: readonly Manifest[];
  readonly services: readonly Subject[];
  readonly workloads: readonly Workload[];
  /** Services that nobody can send requests to here, and why. */
  readonly unmeasured: readonly { readonly manifest: Manifest; readonly why: string }[];
}

/** Finds the Services, and the workloads and budgets that belong to each. */
export function subjectsOf(manifests: readonly Manifest[]): Subjects {
  const workloads = manifests.map(workloadOf).filter((workload) => workload !== undefined);
  const services: Subject[] = [];
  const unmeasured: { manifest: Manifest; why: string }[] = [];
  for (const manifest of manifests) {
    if (manifest.kind.kind !== "Service" || manifest.kind.group !== "") continue;
    const why = whyUnmeasured(manifest.object as Service);
    if (why !== undefined) unmeasured.push({ manifest, why });
    else services.push(subjectOf(manifest, manifests, workloads));
  }
  return { manifests, services, workloads, unmeasured };
}

function whyUnmeasured({ spec }: Service): string | undefined {
  if (spec?.type === "ExternalName") return "it is an alias of a name outside of the cluster";
  if (spec?.selector === undefined || Object.keys(spec.selector).length === 0)
    return "it has no selector: its endpoints are made by somebody else";
  if ((spec.ports ?? []).length === 0) return "it has no ports";
  return undefined;
}

function subjectOf(manifest: Manifest, manifests: readonly Manifest[], workloads: readonly Workload[]): Subject {
  const { metadata, spec } = manifest.object as Service;
  const namespace = metadata?.namespace ?? "";
  const selector = spec?.selector ?? {};
  const behind = workloads.filter(
    (workload) => workload.namespace === namespace && !runsToItsEnd(workload) && matchesLabelMap(selector, workload.labels),
  );
  return {
    service: keyOf(manifest.object),
    namespace,
    manifest,
    selector,
    headless: spec?.clusterIP === "None",
    workloads: behind,
    budgets: manifests.filter((one) => behind.some((workload) => budgets(one, workload))),
  };
}

/** Whether a manifest is a PodDisruptionBudget for the workload's pods. */
export function budgets({ kind, object }: Manifest, workload: Workload): boolean {
  if (kind.kind !== "PodDisruptionBudget" || object.metadata.namespace !== workload.namespace) return false;
  return matchesLabelSelector((object as PodDisruptionBudget).spec?.selector, workload.labels);
}

/** The workloads of which a pod was not ready in the end, or of which there was none. */
export function stuckWorkloads({ workloads }: Subjects, { pods, endUs }: Observation): readonly Workload[] {
  return workloads.filter((workload) => {
    if (workload.kind === "CronJob") return false;
    const own = pods.filter(({ owner, goneUs }) => owner === workload.id && goneUs === undefined);
    if (workload.kind === "Job") return own.some(({ ready, exits }) => ready.length === 0 && exits.length === 0);
    const up = own.filter(({ ready }) => ready.some(({ untilUs }) => untilUs >= endUs));
    return up.length < Math.max(workload.replicas, own.length);
  });
}
