import type { KubeletGetResponse } from "../../protocol/cluster";
import type { CriAnswer, CriUsageListed } from "../../protocol/cri";
import { withoutTrailingSlashes } from "../../protocol/paths";
import type { RequestRef } from "../../runtime/actor";
import type { Ctx, State } from "./state";
import { containerMetrics, resourceMetrics, statsSummary } from "./usage";

/** What a kubelet answers over HTTP, behind nodes/NAME/proxy. Source: "Kubelet API" paths that tools use: /healthz, /pods, /metrics and those below it, /stats/summary. */
export function answerGet(state: State, asked: string, request: RequestRef, ctx: Ctx): void {
  const path = withoutTrailingSlashes(asked.split("?")[0]!);
  const view = usageViews.get(path);
  if (view === undefined) return ctx.reply(request, atOnce(state, path, ctx));
  ctx.ask<CriAnswer>(state.runtime, { kind: "cri.usage" }, { deadlineMs: usageDeadlineMs }, (state, answer, later) => {
    const listed = answer.ok && answer.body.kind === "cri.usageListed" ? answer.body : undefined;
    later.reply(request, listed ? view(state, listed) : text(500, "the container runtime does not answer\n"));
    return undefined;
  });
}

/** What the containers take is the runtime's to say. */
const usageViews: ReadonlyMap<string, (state: State, usage: CriUsageListed) => KubeletGetResponse> = new Map([
  ["/metrics/resource", ({ config }, usage) => text(200, resourceMetrics(config, usage))],
  ["/metrics/cadvisor", ({ config }, usage) => text(200, containerMetrics(config, usage))],
  ["/stats/summary", ({ config }, usage) => json(statsSummary(config, usage))],
]);
const usageDeadlineMs = 5_000;

function atOnce(state: State, path: string, ctx: Ctx): KubeletGetResponse {
  switch (path) {
    case "/healthz":
      return text(200, "ok");
    case "/pods":
      return json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: [...state.workers.values()].map(({ pod }) => pod) });
    case "/metrics":
      return text(200, metricsText(state, ctx));
    case "/metrics/probes":
      return text(
        200,
        state.probes.text((uid) => state.workers.has(uid)),
      );
    default:
      return text(404, "404 page not found\n");
  }
}

function metricsText(state: State, ctx: Ctx): string {
  const workers = [...state.workers.values()];
  const running = workers.filter(({ sandbox }) => sandbox.is === "ready").length;
  const containers = workers
    .flatMap((worker) => [...worker.containers.values()])
    .filter((container) => container.state.is === "running").length;
  return [
    "# HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox",
    "# TYPE kubelet_running_pods gauge",
    `kubelet_running_pods ${running}`,
    "# HELP kubelet_running_containers [ALPHA] Number of containers currently running",
    "# TYPE kubelet_running_containers gauge",
    `kubelet_running_containers{container_state="running"} ${containers}`,
    "# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.",
    "# TYPE kubelet_node_name gauge",
    `kubelet_node_name{node="${state.config.node}"} 1`,
    state.client.figures.text(ctx.monotonicUs() / 1000),
  ].join("\n");
}

const encoder = new TextEncoder();

function text(code: number, body: string): KubeletGetResponse {
  return { kind: "kubelet.get.response", code, contentType: "text/plain; charset=utf-8", bytes: encoder.encode(body) };
}

function json(value: object): KubeletGetResponse {
  return { kind: "kubelet.get.response", code: 200, contentType: "application/json", bytes: encoder.encode(JSON.stringify(value)) };
}
