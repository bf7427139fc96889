import { type Address, address } from "../../protocol/address";
import type { KubeletGetRequest, KubeletGetResponse } from "../../protocol/cluster";
import type { Node, Pod } from "../../protocol/kinds/generated";
import type { HttpRequest, HttpResponse } from "../../protocol/web";
import type { Actor, Context } from "../../runtime/actor";
import { ApiClient, type Informer, nodes, pods } from "../client";
import { answer, type Known, type Looks } from "./api";
import { readScrape } from "./usage";

export interface MetricsServerConfig {
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  /** --metric-resolution: how often kubelets are asked; 15 s where not given. */
  readonly resolutionMs?: number;
}

interface State {
  readonly client: ApiClient<State>;
  readonly nodes: Informer<State, Node>;
  readonly pods: Informer<State, Pod>;
  readonly resolutionMs: number;
  /** By node. Nodes whose kubelet does not answer keep what was known until they are gone. */
  readonly looks: Map<string, Looks>;
}

type Ctx = Context<State>;

const scrapeTimer = "scrape";
const kubeletDeadlineMs = 10_000;
/** Nothing is asked before the nodes are known; then soon again. */
const firstMs = 1_000;

/**
 * The metrics server: asks every kubelet what its containers take, and serves metrics.k8s.io as an aggregated API server, which is what `kubectl top` and
 * autoscalers read. It keeps nothing on disk: after a restart two looks pass before anything is known.
 */
export const metricsServer: Actor<MetricsServerConfig, State, HttpRequest | HttpResponse> = {
  role: "metrics-server",

  start({ apiServers, resolutionMs = 15_000 }, ctx) {
    const client = new ApiClient<State>({ apiServers, userAgent: "metrics-server/v0.8.0" });
    const state: State = { client, nodes: client.informer(nodes), pods: client.informer(pods), resolutionMs, looks: new Map() };
    state.nodes.start(ctx);
    state.pods.start(ctx);
    ctx.setTimer(scrapeTimer, firstMs);
    return state;
  },

  receive(state, input, ctx) {
    switch (input.type) {
      case "timer":
        if (input.name === scrapeTimer) scrape(state, ctx);
        else state.client.onTimer(input.name, ctx);
        return;
      case "request":
        if (input.body.kind === "http.request") ctx.reply(input.request, answer(knownTo(state, ctx), input.body));
        else ctx.refuse(input.request, `a metrics server does not answer ${input.body.kind}`);
        return;
      case "opened":
        // A watch: it is told that there is none.
        if (input.body.kind === "http.request") ctx.push(input.stream, answer(knownTo(state, ctx), input.body));
        return void ctx.close(input.stream);
      case "closed":
      case "item":
      case "message":
      case "persisted":
      case "diskFailed":
        return;
    }
  },
};

function knownTo({ nodes, pods, looks, resolutionMs }: State, ctx: Ctx): Known {
  return { nodes: [...nodes.store.list()], pods: [...pods.store.list()], looks, resolutionMs, nowMs: ctx.wallUs() / 1000 };
}

function scrape(state: State, ctx: Ctx): void {
  ctx.setTimer(scrapeTimer, state.nodes.synced ? state.resolutionMs : firstMs);
  const names = [...state.nodes.store.list()].map(({ metadata }) => metadata.name);
  for (const gone of [...state.looks.keys()].filter((node) => !names.includes(node))) state.looks.delete(gone);
  const request: KubeletGetRequest = { kind: "kubelet.get", path: "/metrics/resource" };
  for (const node of names)
    ctx.ask<KubeletGetResponse>(address("kubelet", node), request, { deadlineMs: kubeletDeadlineMs }, (state, answer) => {
      if (!answer.ok || answer.body.code !== 200) return undefined;
      const last = readScrape(Buffer.from(answer.body.bytes).toString("utf8"));
      state.looks.set(node, { last, before: state.looks.get(node)?.last });
      return undefined;
    });
}
