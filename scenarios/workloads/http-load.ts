import { ApiClient } from "../../actors/client";
import { type Address, address } from "../../protocol/address";
import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import type { Answer, Context, Input } from "../../runtime/actor";
import { headlessTtlMs, lookUp, type ServiceAddress } from "./service-address";

export interface HttpConfig {
  readonly type: "http";
  /** Names the workload in facts. */
  readonly name: string;
  readonly apiServers: readonly Address[];
  readonly namespace: string;
  readonly service: string;
  /** 0 means the Service's first port. */
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly requestsPerSecond: number;
  readonly timeoutMs: number;
  /** Where requests come in. */
  readonly nodes: readonly string[];
  readonly sourceIp: string;
}

/** Begin to send, or stop. */
export interface LoadTell extends Message {
  readonly kind: "load.begin" | "load.end";
}

const sendTimer = "send";
const lookUpTimer = "look up";
const lookUpRetryMs = 1000;
/** A node that answers nothing gets no requests for so long: the interval of a load balancer's health checks. */
const avoidMs = 10_000;
/** So many requests in a row without an answer say that the node is gone; a single one may have been lost on its way to a pod elsewhere. */
const silentMost = 3;

type Ctx = Context<HttpLoad>;

/** The users of a Service: an even stream of requests, spread over the nodes that can be reached. Every one leaves a load.result fact. */
export class HttpLoad {
  private readonly client: ApiClient<HttpLoad>;
  private readonly avoidedUntilUs = new Map<string, number>();
  /** By node, how many requests in a row it has not answered. */
  private readonly silent = new Map<string, number>();
  private targets: readonly ServiceAddress[] = [];
  /** The sending has begun: the Service has been found. */
  private found = false;
  private sending = false;
  private sent = 0;
  private turn = 0;
  private firstUs = 0;

  constructor(private readonly config: HttpConfig) {
    this.client = new ApiClient({ apiServers: config.apiServers, userAgent: "wavetank-load" });
  }

  receive(input: Input, ctx: Ctx): undefined {
    switch (input.type) {
      case "request": {
        const begin = input.body.kind === "load.begin";
        if (begin && !this.sending) {
          this.found = false;
          this.lookUp(ctx);
        }
        this.sending = begin;
        if (!begin) ctx.cancelTimer(sendTimer);
        return ctx.reply(input.request, { kind: "load.told" }) as undefined;
      }
      case "timer":
        if (this.client.onTimer(input.name, ctx) || !this.sending) return;
        if (input.name === lookUpTimer) this.lookUp(ctx);
        else if (input.name === sendTimer) this.sendDue(ctx);
        return;
    }
  }

  /** The Service's address comes from the API, as a name's comes from DNS. A headless Service's pods come and go, so they are looked up again and again. */
  private lookUp(ctx: Ctx): void {
    lookUp(this.client, ctx, this.config, (state, found, later) => {
      if (!found) return later.setTimer(lookUpTimer, lookUpRetryMs) as undefined;
      state.targets = found.all;
      if (found.headless) later.setTimer(lookUpTimer, headlessTtlMs);
      if (state.found) return undefined;
      state.found = true;
      state.firstUs = later.monotonicUs() + Math.floor(later.random("phase") * state.intervalUs());
      later.setTimer(sendTimer, (state.firstUs - later.monotonicUs()) / 1000);
    });
  }

  private intervalUs(): number {
    return 1_000_000 / this.config.requestsPerSecond;
  }

  /** Requests are due at fixed times, so a slow answer never thins out the load. */
  private sendDue(ctx: Ctx): void {
    this.sendOne(ctx);
    this.sent++;
    const dueUs = this.firstUs + Math.floor(this.sent * this.intervalUs());
    ctx.setTimer(sendTimer, Math.max(0, dueUs - ctx.monotonicUs()) / 1000);
  }

  private sendOne(ctx: Ctx): void {
    const { config } = this;
    const node = this.nextNode(ctx.monotonicUs());
    const requestId = `${config.name}-${this.sent + 1}`;
    const startedUs = ctx.monotonicUs();
    const target = this.targets[this.sent % Math.max(1, this.targets.length)];
    const service = `${config.namespace}/${config.service}`;
    if (target === undefined) {
      const detail = "the name has no address: no pod is ready";
      const nothing = { requestId, outcome: "unreachable", code: 0, latencyUs: 0, servedBy: "", detail, via: "" };
      ctx.record({ kind: "load.result", workload: config.name, service, ...nothing });
      return;
    }
    const request: NetRequest = {
      kind: "net.request",
      sourceIp: config.sourceIp,
      destinationIp: target.ip,
      port: target.port,
      protocol: target.protocol,
      method: config.method,
      path: config.path,
      body: new Uint8Array(0),
      requestId,
    };
    ctx.ask<NetResponse>(address("kube-proxy", node), request, { deadlineMs: config.timeoutMs }, (state, answer, later) => {
      state.judgeNode(node, answer.ok, later.monotonicUs());
      const { outcome, code, servedBy, detail } = outcomeOf(answer);
      const latencyUs = later.monotonicUs() - startedUs;
      const what = { requestId, outcome, code, latencyUs, servedBy, detail, via: node };
      later.record({ kind: "load.result", workload: config.name, service, ...what });
    });
  }

  private judgeNode(node: string, answered: boolean, nowUs: number): void {
    const silent = answered ? 0 : (this.silent.get(node) ?? 0) + 1;
    this.silent.set(node, silent);
    if (silent >= silentMost) this.avoidedUntilUs.set(node, nowUs + avoidMs * 1000);
  }

  private nextNode(nowUs: number): string {
    const { nodes } = this.config;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[this.turn++ % nodes.length]!;
      if ((this.avoidedUntilUs.get(node) ?? 0) <= nowUs) return node;
    }
    return nodes[this.turn++ % nodes.length]!;
  }
}

function outcomeOf(answer: Answer<NetResponse>): Pick<NetResponse, "outcome" | "code" | "servedBy" | "detail"> {
  if (answer.ok) return answer.body;
  return { outcome: answer.error === "timeout" ? "timeout" : "unreachable", code: 0, servedBy: "", detail: "" };
}
