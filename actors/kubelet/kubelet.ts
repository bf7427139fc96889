import { address } from "../../protocol/address";
import type { KubeletRequest } from "../../protocol/cluster";
import { isTunnelMessage, type TunnelMessage } from "../../protocol/tunnel";
import type { Actor, StreamRef } from "../../runtime/actor";
import { ApiClient, EventRecorder, nodes, pods, services } from "../client";
import { type KubeletConfig, kubeletTimes, softEvictionOf } from "./config";
import { answerGet } from "./endpoints";
import { answerLog, endFollow, followLog } from "./logs";
import { heartbeat, noteNodeChange, registerNode } from "./node-agent";
import { onPodChange } from "./pods";
import { watchPressure } from "./pressure";
import { ProbeFigures } from "./probe-figures";
import { connectRuntime, sendPodCidr } from "./runtime-link";
import { finishPostStart, showPullBackOff } from "./start-container";
import type { Ctx, State } from "./state";
import { afterPreStop } from "./stop-container";
import { wakePod } from "./sync-pod";
import { openTunnel, passIn } from "./tunnels";

/**
 * A node's agent: registers the node and keeps saying that it lives, runs the pods bound to it through the container runtime beside it, and reports how
 * they are. It keeps nothing on disk: after a crash it asks the API what should run and the runtime what does.
 */
export const kubelet: Actor<KubeletConfig, State, KubeletRequest | TunnelMessage> = {
  role: "kubelet",

  start(config, ctx) {
    const client = new ApiClient<State>({ apiServers: config.apiServers, userAgent: "kubelet/v1.36.0" });
    const state: State = {
      config,
      times: kubeletTimes(config.knobs),
      runtime: address("container-runtime", config.node),
      client,
      pods: client.informer(pods, { fieldSelector: `spec.nodeName=${config.node}` }),
      ownNode: client.informer(nodes, { fieldSelector: `metadata.name=${config.node}` }),
      services: client.informer(services),
      recorder: new EventRecorder(client, { component: "kubelet", host: config.node }),
      workers: new Map(),
      probes: new ProbeFigures(),
      events: undefined,
      runtimeUp: false,
      begun: false,
      podCidr: "",
      lastNode: undefined,
      earlyExits: new Map(),
      images: new Map(),
      node: {
        ...{ registered: false, refusals: 0, lease: undefined, renewing: false },
        ...{ reported: undefined, reportedMs: 0, reporting: false, changed: true },
      },
      followed: new Map(),
      entered: new Map(),
      pressure: { soft: softEvictionOf(config.knobs), lastShort: new Map(), shortSince: new Map(), pressed: [] },
    };
    state.pods.addHandler((change, later) => {
      onPodChange(state, change, later);
      return undefined;
    });
    state.ownNode.addHandler((_change, later) => {
      onOwnNode(state, later);
      return undefined;
    });
    for (const informer of [state.pods, state.ownNode, state.services])
      informer.onProgress((later) => {
        // Before pods can begin, each informer that comes up may be the last that was waited for.
        const synced = state.pods.synced && state.services.synced && state.ownNode.store.get(config.node);
        if (!state.begun && state.runtimeUp && synced) relist(state, later);
        return undefined;
      });
    state.pods.start(ctx);
    state.ownNode.start(ctx);
    state.services.start(ctx);
    connectRuntime(state, ctx);
    registerNode(state, ctx);
    watchPressure(state, ctx);
    return state;
  },

  receive(state, input, ctx) {
    switch (input.type) {
      case "timer":
        if (!state.client.onTimer(input.name, ctx)) onTimer(state, input.name, ctx);
        break;
      case "request":
        if (input.body.kind === "kubelet.log") answerLog(state, input.body, input.request, ctx);
        else if (input.body.kind === "kubelet.get") answerGet(state, input.body.path, input.request, ctx);
        else ctx.refuse(input.request, `a kubelet does not answer ${JSON.stringify(input.body.kind)}`);
        break;
      case "opened":
        onOpened(state, input.body, input.stream, ctx);
        break;
      case "item":
        if (isTunnelMessage(input.body)) passIn(state, input.stream, input.body, ctx);
        break;
      case "closed":
        endFollow(state, input.stream, ctx);
        break;
      case "message":
      case "persisted":
      case "diskFailed":
        ctx.log("warn", "kubelet: nothing is done with this", { input: input.type });
    }
    return undefined;
  },
};

function onOpened(state: State, body: KubeletRequest | TunnelMessage, stream: StreamRef, ctx: Ctx): void {
  switch (body.kind) {
    case "kubelet.log":
      return followLog(state, body, stream, ctx);
    case "kubelet.exec":
    case "kubelet.attach":
    case "kubelet.portForward":
      return openTunnel(state, body, stream, ctx);
    default:
      ctx.close(stream, "refused", `a kubelet has no stream of ${JSON.stringify(body.kind)}`);
  }
}

function relist(state: State, ctx: Ctx): void {
  if (state.events) ctx.close(state.events);
  connectRuntime(state, ctx);
}

function onOwnNode(state: State, ctx: Ctx): void {
  const node = state.ownNode.store.get(state.config.node);
  if (!node) return;
  state.lastNode = node;
  const podCidr = node.spec?.podCIDR ?? "";
  if (podCidr === "" || podCidr === state.podCidr) return;
  state.podCidr = podCidr;
  if (state.runtimeUp) sendPodCidr(state, ctx);
  else noteNodeChange(state, ctx);
}

function onTimer(state: State, timer: string, ctx: Ctx): void {
  const [kind = "", uid = "", name = ""] = timer.split(":");
  switch (kind) {
    case "pod": {
      const worker = state.workers.get(uid);
      if (worker) wakePod(state, worker, ctx);
      return;
    }
    case "heartbeat":
      heartbeat(state, ctx);
      return;
    case "pressure":
      watchPressure(state, ctx);
      return;
    case "register":
      registerNode(state, ctx);
      return;
    case "runtime":
      connectRuntime(state, ctx);
      return;
    case "pull-back-off":
      showPullBackOff(state, uid, name, ctx);
      return;
    case "poststart":
      finishPostStart(state, uid, name, undefined, undefined, ctx);
      return;
    case "prestop":
      afterPreStop(state, uid, name, ctx);
      return;
    default:
      throw new Error(`kubelet: nobody set the timer ${JSON.stringify(timer)}`);
  }
}
