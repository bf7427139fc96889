import type { ApiRequest, ApiResponse } from "../../protocol/api";
import type { ApiObject } from "../../protocol/kinds/object";
import { kindOf } from "../../protocol/kinds/registry";
import { clusterObjects } from "./bootstrap-objects";
import { type Call, respond } from "./call";
import type { Ctx, ServerState } from "./state";
import { isFresh, pollPlugins } from "./storage/encryption/kms";
import { readEtcd } from "./storage/etcd-client";
import { cacheOf, isSynced } from "./storage/feed";
import { keyOfObject, storedResourceOf } from "./storage/keys";
import { rangeOfKey } from "./storage/store";

/** /livez, /readyz and the older /healthz, each check also on its own below them. The names are kube-apiserver's, of what there is here. */

interface Check {
  readonly name: string;
  readonly passes: (state: ServerState, etcdAnswers: boolean) => boolean;
}

/** A hook is done when what it makes is there. */
function hook(name: string, kinds: readonly string[]): Check {
  return { name: `poststarthook/${name}`, passes: (state) => state.bootstrap.done || haveAll(state, kinds) };
}

const ping: Check = { name: "ping", passes: () => true };
const etcd: Check = { name: "etcd", passes: (_state, etcdAnswers) => etcdAnswers };
const etcdReadiness: Check = { name: "etcd-readiness", passes: (_state, etcdAnswers) => etcdAnswers };
/** There where a plug-in is, or may come by a file that is followed. */
const plugins: Check = { name: "kms-providers", passes: ({ etcd: { vault } }) => vault.unwell() === undefined };
const synced: Check = { name: "informer-sync", passes: (state) => isSynced(state.feed) };
const shutdown: Check = { name: "shutdown", passes: (state) => state.shutdown === "serving" };

const hooks: readonly Check[] = [
  { name: "poststarthook/priority-and-fairness-config-consumer", passes: ({ feed }) => isSynced(feed) },
  { name: "poststarthook/crd-informer-synced", passes: ({ feed }) => isSynced(feed) },
  hook("start-system-namespaces-controller", ["Namespace"]),
  hook("rbac/bootstrap-roles", ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
  hook("scheduling/bootstrap-system-priority-classes", ["PriorityClass"]),
  hook("priority-and-fairness-config-producer", ["PriorityLevelConfiguration", "FlowSchema"]),
  { name: "poststarthook/bootstrap-controller", passes: ({ membership }) => membership.lease !== 0 || membership.left },
  { name: "autoregister-completion", passes: (state) => state.bootstrap.done || haveAll(state, ["APIService"]) },
];

const endpoints: ReadonlyMap<string, readonly Check[]> = new Map([
  ["livez", [ping, etcd, plugins, ...hooks]],
  ["healthz", [ping, etcd, plugins, ...hooks]],
  ["readyz", [ping, etcd, etcdReadiness, plugins, synced, ...hooks, shutdown]],
]);

function haveAll({ config, feed }: ServerState, kinds: readonly string[]): boolean {
  return clusterObjects(config)
    .filter(({ kind }) => kinds.includes(kind ?? ""))
    .every((object) => isThere(feed, object));
}

function isThere(feed: ServerState["feed"], { apiVersion, kind, metadata }: ApiObject): boolean {
  const known = kindOf(apiVersion, kind);
  const resource = known && storedResourceOf(known);
  return (
    resource !== undefined &&
    cacheOf(feed, resource).get(keyOfObject(resource, metadata.namespace ?? "", metadata.name ?? "")) !== undefined
  );
}

/** Whether a path is for a health check; those are answered to anybody at any time. */
export function isHealthPath(path: string): boolean {
  return endpoints.has(path.split("/")[1] ?? "");
}

const etcdTimeoutMs = 2_000;

/** Answers a health check: 200 "ok", or 500 with the list of what passed and what did not. */
export function serveHealth(state: ServerState, ctx: Ctx, call: Pick<Call, "caller">, request: ApiRequest): undefined {
  const [, endpoint = "", ...rest] = request.path.split("/");
  const only = rest.join("/");
  const hasPlugins = state.etcd.vault.plugins.length > 0 || state.reloads.encryption.inUse !== undefined;
  const checks = (endpoints.get(endpoint) ?? []).filter((check) => check !== plugins || hasPlugins);
  const chosen = only === "" ? checks : checks.filter(({ name }) => name === only);
  if (chosen.length === 0) return respond(ctx, call, text(404, "404 page not found\n"));
  const excluded = new Set(excludedBy(request));
  const unmatched = [...excluded].filter((name) => !chosen.some((check) => check.name === name));
  const asks = chosen.some((check) => !excluded.has(check.name) && (check === etcd || check === etcdReadiness));
  if (chosen.includes(plugins) && !isFresh(state, ctx.monotonicUs())) return pollPlugins(state, ctx, ask);
  return ask(state, ctx);

  function ask(state: ServerState, ctx: Ctx): undefined {
    if (!asks) return answer(state, ctx, false);
    const untilUs = ctx.monotonicUs() + etcdTimeoutMs * 1000;
    return readEtcd(state, ctx, rangeOfKey("/registry/health"), untilUs, (state, outcome, ctx) =>
      answer(state, ctx, outcome.type === "done"),
    );
  }

  function answer(state: ServerState, ctx: Ctx, etcdAnswers: boolean): undefined {
    let passed = true;
    const lines = chosen.map((check) => {
      if (excluded.has(check.name)) return `[+]${check.name} excluded: ok`;
      const passes = check.passes(state, etcdAnswers);
      state.metrics.health.checked(check.name, endpoint, passes);
      if (passes) return `[+]${check.name} ok`;
      passed = false;
      return `[-]${check.name} failed: reason withheld`;
    });
    if (passed && request.query.verbose === undefined) return respond(ctx, call, text(200, "ok"));
    if (unmatched.length > 0)
      lines.push(`warn: some health checks cannot be excluded: no matches for ${unmatched.map((name) => JSON.stringify(name)).join(",")}`);
    // A single check has no name of its own in the last line.
    const what = only === "" ? endpoint : only;
    return respond(ctx, call, text(passed ? 200 : 500, `${lines.join("\n")}\n${what} check ${passed ? "passed" : "failed"}\n`));
  }
}

/** ?exclude=etcd&exclude=ping, or with commas. */
function excludedBy({ query, repeated }: ApiRequest): readonly string[] {
  const given = repeated?.exclude ?? (query.exclude === undefined ? [] : [query.exclude]);
  return given.flatMap((each) => each.split(",")).filter((name) => name !== "");
}

export function text(code: number, body: string): ApiResponse {
  return {
    kind: "api.response",
    code,
    contentType: "text/plain; charset=utf-8",
    headers: [["X-Content-Type-Options", "nosniff"]],
    body: Buffer.from(body),
  };
}
