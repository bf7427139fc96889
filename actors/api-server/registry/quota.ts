import type { Pod, ResourceQuota } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { compareQuantity, formatQuantity, quantityOf } from "../../../protocol/kinds/quantity";
import type { Kind } from "../../../protocol/kinds/registry";
import { type Failure, forbidden } from "../../../protocol/status";
import { isInScope } from "../../quota/scopes";
import { counts, limitedBy, minus, plus, resourceListOf, scopesOf, type Usage, usageIn, usageOf } from "../../quota/usage";
import type { LimitedResource } from "../admission/quota-settings";
import { storageFailure } from "../call";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { keyBytes, prefixOfList, resourceNamed } from "../storage/keys";
import { type Alongside, nothingAlongside, readEntry } from "../storage/store";

const quotas = resourceNamed("", "v1", "resourcequotas");

/** A write that may take something of what quotas limit. */
export interface Charged {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly object: ApiObject;
  readonly old: ApiObject | undefined;
}

/**
 * Admission by ResourceQuota: what a write takes is booked in the quotas' status in the same transaction, so that two servers can not both give
 * away the rest. What is given back when objects go is counted by the controller. With `fresh` the quotas are read from etcd,
 * because the caches turned out to be behind.
 */
export function chargeQuotas(
  state: ServerState,
  ctx: Ctx,
  charged: Charged,
  fresh: boolean,
  deadlineUs: number,
  then: (state: ServerState, alongside: Alongside | Failure, ctx: Ctx) => undefined,
): undefined {
  const cached = quotasOf(state, charged);
  const isOn = charged.kind.namespaced && charged.namespace !== "" && state.knobs["admission-plugin-ResourceQuota"] !== 0;
  const limited = isOn ? (state.config.admission?.limitedResources ?? []) : [];
  if (!fresh || cached.length === 0) return then(state, chargeOf(charged, cached, limited), ctx);
  const entries: Entry[] = [];
  return next(state, ctx, 0);

  function next(state: ServerState, ctx: Ctx, index: number): undefined {
    const entry = cached[index];
    if (!entry) return then(state, chargeOf(charged, entries, limited), ctx);
    return readEntry(
      state,
      ctx,
      entry.key,
      deadlineUs,
      (state, read, ctx) => {
        if (read.type !== "done") return then(state, storageFailure(read), ctx);
        if (read.entry) entries.push(read.entry);
        return next(state, ctx, index + 1);
      },
      entry,
    );
  }
}

/** The quotas of a write's namespace, as the cache has them. */
export function quotasOf(state: ServerState, { kind, namespace }: Pick<Charged, "kind" | "namespace">): readonly Entry[] {
  if (!kind.namespaced || namespace === "" || state.knobs["admission-plugin-ResourceQuota"] === 0) return [];
  const cache = cacheOf(state.feed, quotas);
  return cache.size === 0 ? [] : cache.list(prefixOfList(quotas, namespace));
}

/** What has to be booked, or why there is not enough left; of what is `limited` there is nothing where no quota speaks of it. Pure. */
export function chargeOf(charged: Charged, quotas: readonly Entry[], limited: readonly LimitedResource[] = []): Alongside | Failure {
  const { kind, name, object, old } = charged;
  const uncovered = old ? undefined : uncoveredBy(charged, quotas, limited);
  if (uncovered !== undefined) return forbidden({ group: kind.group, resource: kind.plural, name }, uncovered);
  if (quotas.length === 0) return nothingAlongside;
  const subject = { group: kind.group, resource: kind.plural, name };
  const now = usageOf(kind, object);
  const before = old ? usageOf(kind, old) : new Map();
  let alongside = nothingAlongside;
  for (const entry of quotas) {
    const quota = entry.object as Stored<ResourceQuota>;
    if (!counts(quota, kind, object)) continue;
    const quotaName = quota.metadata.name;
    const missing = old ? [] : unspecified(quota, kind, object);
    if (missing.length > 0) return forbidden(subject, `failed quota: ${quotaName}: must specify ${missing.join("; ")}`);
    const delta = new Map([...limitedBy(quota, minus(now, before))].filter(([, amount]) => amount.nanos !== 0n));
    const more = new Map([...delta].filter(([, amount]) => amount.nanos > 0n));
    if (more.size === 0) continue;
    const used = usageIn(quota.status?.used);
    const unknown = [...more.keys()].filter((resource) => !used.has(resource)).sort();
    if (unknown.length > 0) return forbidden(subject, `status unknown for quota: ${quotaName}, resources: ${unknown.join(",")}`);
    const hard = usageIn(quota.status?.hard ?? quota.spec?.hard);
    const total = plus(used, delta);
    const exceeded = [...more.keys()]
      .filter((resource) => compareQuantity(total.get(resource)!, hard.get(resource) ?? quantityOf(0)) > 0)
      .sort();
    if (exceeded.length > 0) {
      const text = (usage: Usage) =>
        exceeded.map((resource) => `${resource}=${formatQuantity(usage.get(resource) ?? quantityOf(0))}`).join(",");
      return forbidden(subject, `exceeded quota: ${quotaName}, requested: ${text(more)}, used: ${text(used)}, limited: ${text(hard)}`);
    }
    alongside = booked(alongside, entry, { ...quota, status: { ...quota.status, used: resourceListOf(total) } });
  }
  return alongside;
}

/** Why a new object may not be there without a quota that counts it, in the words of a real server. */
function uncoveredBy({ kind, object }: Charged, quotas: readonly Entry[], limited: readonly LimitedResource[]): string | undefined {
  const concerning = limited.filter(({ apiGroup, resource }) => apiGroup === kind.group && resource === kind.plural);
  if (concerning.length === 0) return undefined;
  const quotasIn = quotas.map((entry) => entry.object as Stored<ResourceQuota>);
  const parts = concerning.flatMap(({ matchContains }) => matchContains);
  const taken = [...usageOf(kind, object)].filter(([, { nanos }]) => nanos > 0n).map(([resource]) => resource);
  const covered = new Set(
    quotasIn.filter((quota) => counts(quota, kind, object)).flatMap(({ status, spec }) => Object.keys(status?.hard ?? spec?.hard ?? {})),
  );
  const missing = taken.filter((resource) => parts.some((part) => resource.includes(part)) && !covered.has(resource)).sort();
  if (missing.length > 0) return `insufficient quota to consume: ${missing.join(",")}`;
  // Scopes are about pods.
  if (kind.group !== "" || kind.plural !== "pods") return undefined;
  const pod = object as ApiObject & Pod;
  const spoken = new Set(
    quotasIn.flatMap((quota) =>
      scopesOf(quota)
        .filter((scope) => isInScope(pod, scope))
        .map(({ scopeName }) => scopeName),
    ),
  );
  const without = concerning
    .flatMap(({ matchScopes }) => matchScopes)
    .filter((scope) => isInScope(pod, scope) && !spoken.has(scope.scopeName));
  const shown = without.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(" ")}]}`);
  return shown.length === 0 ? undefined : `insufficient quota to match these scopes: [${shown.join(" ")}]`;
}

function booked({ compare, success }: Alongside, { key, revision }: Entry, quota: Stored<ResourceQuota>): Alongside {
  const bytes = keyBytes(key);
  return {
    compare: [...compare, { key: bytes, target: "mod", result: "equal", number: revision, value: new Uint8Array() }],
    success: [...success, { kind: "etcd.put", key: bytes, value: encodeStored(quota), lease: 0, prevKv: false }],
  };
}

const computeNames = /^(?:requests\.|limits\.)?(?:cpu|memory)$/;

/** Where a quota limits CPU or memory, each container has to say how much it takes. */
function unspecified({ spec }: ResourceQuota, kind: Kind, object: ApiObject): readonly string[] {
  if (kind.group !== "" || kind.plural !== "pods") return [];
  const pod = object as ApiObject & Pod;
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return Object.keys(spec?.hard ?? {})
    .filter((name) => computeNames.test(name))
    .sort()
    .flatMap((name) => {
      const list = name.startsWith("limits.") ? "limits" : "requests";
      const resource = name.replace(/^(?:requests|limits)\./, "");
      const without = containers.filter(({ resources }) => resources?.[list]?.[resource] === undefined).map((container) => container.name);
      return without.length === 0 ? [] : [`${name} for: ${without.join(",")}`];
    });
}

/** Both sets of reservations. */
export function together(a: Alongside, b: Alongside): Alongside {
  if (a === nothingAlongside) return b;
  if (b === nothingAlongside) return a;
  return { compare: [...a.compare, ...b.compare], success: [...a.success, ...b.success] };
}
