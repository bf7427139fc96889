import type { Pod, ResourceQuota } from "../../protocol/kinds/generated";
import { type ApiObject, keyOf, type Stored } from "../../protocol/kinds/object";
import { groupResourceOf, groupVersions, type Kind } from "../../protocol/kinds/registry";
import {
  type Controller,
  gather,
  knobMs,
  nothingToDo,
  type ObjectList,
  persistentVolumeClaims,
  pods,
  type Request,
  resourceOfKind,
  resourceQuotas,
  type Step,
  services,
  updateStatus,
  type View,
  watch,
} from "../client";
import { counts, limitedBy, plus, resourceListOf, type Usage, usageIn, usageOf } from "../quota/usage";
import { isSame } from "./canonical";
import { isPodTerminal } from "./pod-state";

/** Kinds whose going nobody tells this controller of are counted again after so long. */
const recountMs = 15_000;

/**
 * Counts what quotas limit, so that what objects took comes back when they are gone; API servers book what new ones take. It counts what
 * etcd holds, not caches, and writes only over the quota that it counted for: a booking in between makes it count again.
 */
export const resourceQuotaController: Controller = {
  name: "resourcequota",
  watches: [
    watch(
      resourceQuotas,
      (quota) => [keyOf(quota)],
      (old, quota) => !isSame(old.spec, quota.spec),
    ),
    watch(pods, quotasBeside, (old, pod) => isPodTerminal(old) !== isPodTerminal(pod) || !isSame(requestsOf(old), requestsOf(pod))),
    watch(services, quotasBeside, (old, service) => !isSame(old.spec, service.spec)),
    watch(persistentVolumeClaims, quotasBeside, (old, claim) => !isSame(old.spec, claim.spec)),
  ],
  reconcile(key, view, moment) {
    const quota = view.of(resourceQuotas).get(key);
    if (!quota || quota.metadata.deletionTimestamp !== undefined) return nothingToDo;
    const kinds = kindsIn(quota);
    const unheard = kinds.some(({ group, plural }) => group !== "" || !followed.has(plural));
    const againMs = unheard ? recountMs : knobMs(moment, "resource-quota-sync-period", 300_000);
    return { steps: count(quota, kinds), requeueAfterMs: againMs };
  },
};

const followed: ReadonlySet<string> = new Set(["pods", "services", "persistentvolumeclaims"]);

function quotasBeside({ metadata }: { readonly metadata: { readonly namespace?: string } }, view: View): readonly string[] {
  return view
    .of(resourceQuotas)
    .byIndex("namespace", metadata.namespace ?? "")
    .map(keyOf);
}

const requestsOf = ({ spec }: Pod) => [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ resources }) => resources);

/** The kinds of which a quota limits something. */
function kindsIn({ spec }: ResourceQuota): readonly Kind[] {
  const names = Object.keys(spec?.hard ?? {});
  const seen = new Set<string>();
  return groupVersions()
    .flatMap(({ kinds }) => kinds)
    .filter((kind) => {
      const name = groupResourceOf(kind);
      if (!kind.namespaced || !kind.verbs.includes("list") || seen.has(name)) return false;
      seen.add(name);
      return names.some((limit) => limit === `count/${name}` || (kind.group === "" && ownerOf(limit) === kind.plural));
    });
}

/** The resource whose objects a limit is about. */
function ownerOf(limit: string): string {
  if (limit.startsWith("services")) return "services";
  if (limit === "requests.storage" || limit.includes(".storageclass.storage.k8s.io/") || limit === "persistentvolumeclaims")
    return "persistentvolumeclaims";
  return ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"].includes(limit)
    ? limit
    : limit.startsWith("count/")
      ? ""
      : "pods";
}

function count(quota: Stored<ResourceQuota>, kinds: readonly Kind[]): readonly Step[] {
  const namespace = quota.metadata.namespace ?? "";
  const look = (kind: Kind): Request => ({ do: "list", resource: resourceOfKind(kind), namespace, query: {} });
  return [
    gather(kinds.map(look), (results) => {
      const failed = results.find((result) => !result.ok);
      if (failed && !failed.ok) return [{ do: "fail", message: failed.status.message }];
      let used: Usage = new Map(Object.keys(quota.spec?.hard ?? {}).map((name) => [name, usageIn({ zero: 0 }).get("zero")!]));
      for (const [at, result] of results.entries()) {
        const kind = kinds[at]!;
        const items = result.ok ? (result.object as ObjectList<unknown>).items : [];
        for (const item of items)
          if (counts(quota, kind, item as ApiObject)) used = plus(used, limitedBy(quota, usageOf(kind, item as ApiObject)));
      }
      const status = { hard: quota.spec?.hard ?? {}, used: resourceListOf(used) };
      return isSame(status, quota.status) ? [] : [updateStatus(resourceQuotas, { ...quota, status })];
    }),
  ];
}
