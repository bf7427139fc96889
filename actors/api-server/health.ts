import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { type Call, respond } from "./call";
import type { Ctx, ServerState } from "./state";
import { readEtcd } from "./storage/etcd-client";
import { isSynced } from "./storage/feed";
import { rangeOfKey } from "./storage/store";

/** /livez, /readyz and the older /healthz, each check also on its own below them. */

interface Check {
  readonly name: string;
  readonly passes: (state: ServerState, etcdAnswers: boolean) => boolean;
}

const ping: Check = { name: "ping", passes: () => true };
const etcd: Check = { name: "etcd", passes: (_state, etcdAnswers) => etcdAnswers };
const hooks: Check = { name: "poststarthook/bootstrap-objects", passes: (state) => state.bootstrap.done };
const serving: Check = { name: "shutdown", passes: (state) => state.shutdown === "serving" };
const synced: Check = { name: "informer-sync", passes: (state) => isSynced(state.feed) };

const endpoints: ReadonlyMap<string, readonly Check[]> = new Map([
  ["livez", [ping, etcd]],
  ["healthz", [ping, etcd, hooks]],
  ["readyz", [ping, etcd, synced, hooks, serving]],
]);

/** Whether a path is for a health check; those are answered to anybody at any time. */
export function isHealthPath(path: string): boolean {
  return endpoints.has(path.split("/")[1] ?? "");
}

const etcdTimeoutMs = 2_000;

/** Answers a health check: 200 "ok", or 500 with the list of what passed and what did not. */
export function serveHealth(state: ServerState, ctx: Ctx, call: Pick<Call, "caller">, request: ApiRequest): undefined {
  const [, endpoint = "", ...rest] = request.path.split("/");
  const only = rest.join("/");
  const checks = endpoints.get(endpoint) ?? [];
  const excluded = new Set((request.query.exclude ?? "").split(","));
  const chosen = only === "" ? checks.filter(({ name }) => !excluded.has(name)) : checks.filter(({ name }) => name === only);
  if (chosen.length === 0) return respond(ctx, call, text(404, "404 page not found\n"));
  if (!chosen.includes(etcd)) return answer(state, ctx, false);
  return readEtcd(state, ctx, rangeOfKey("/registry/health"), ctx.monotonicUs() + etcdTimeoutMs * 1000, (state, outcome, ctx) =>
    answer(state, ctx, outcome.type === "done"),
  );

  function answer(state: ServerState, ctx: Ctx, etcdAnswers: boolean): undefined {
    const lines = chosen.map((check) => ({ name: check.name, ok: check.passes(state, etcdAnswers) }));
    const passed = lines.every(({ ok }) => ok);
    if (passed && request.query.verbose === undefined) return respond(ctx, call, text(200, "ok"));
    const report = lines.map(({ name, ok }) => (ok ? `[+]${name} ok` : `[-]${name} failed: reason withheld`)).join("\n");
    return respond(ctx, call, text(passed ? 200 : 500, `${report}\n${endpoint} check ${passed ? "passed" : "failed"}\n`));
  }
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
