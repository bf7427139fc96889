import type { Address } from "../../protocol/address";
import type { ComponentGetRequest } from "../../protocol/cluster";
import type { Actor, Context, RequestRef } from "../../runtime/actor";
import { ApiClient, ControllerHost, EventRecorder, LeaderElector, type Settings } from "../client";
import { componentGet } from "../metrics/component";
import { chosenControllers } from "./registry";

/** What a controller manager is started with. */
export interface ControllerManagerConfig {
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** 24 unless told. */
  readonly nodeCidrMaskSize?: number;
  /** The cluster's certificate authority, PEM. */
  readonly rootCa: string;
  /** As the flag --controllers: ["*"] unless told. */
  readonly controllers?: readonly string[];
  /** Under the names of the real program's flags, durations in milliseconds. */
  readonly knobs?: Readonly<Record<string, number>>;
}

export interface ControllerManagerState {
  readonly client: ApiClient<ControllerManagerState>;
  readonly elector: LeaderElector<ControllerManagerState>;
  /** The controllers at work; undefined while another manager leads. */
  host: ControllerHost<ControllerManagerState> | undefined;
}

const component = "kube-controller-manager";

/**
 * kube-controller-manager: of several, the one that holds the Lease kube-system/kube-controller-manager runs the controllers. One that loses it drops its
 * caches and queues and stands again as if newly started.
 */
export const controllerManager: Actor<ControllerManagerConfig, ControllerManagerState> = {
  role: "controller-manager",

  start(config, ctx) {
    const client = new ApiClient<ControllerManagerState>({ apiServers: config.apiServers, userAgent: component });
    const controllers = chosenControllers(config.controllers);
    const settings: Settings = {
      knobs: config.knobs ?? {},
      clusterCidr: config.clusterCidr,
      nodeCidrMaskSize: config.nodeCidrMaskSize ?? 24,
      rootCa: config.rootCa,
    };
    const recorders = new Map(controllers.map(({ name }) => [name, new EventRecorder(client, { component: eventSource(name) })]));
    const ownRecorder = new EventRecorder(client, { component });
    const identity = `${ctx.self}_${ctx.uuid()}`;
    const elector = new LeaderElector<ControllerManagerState>(client, {
      namespace: "kube-system",
      name: component,
      identity,
      ...(config.knobs ? { knobs: config.knobs } : {}),
      onElected: (later) => {
        state.host = new ControllerHost(client, (name) => recorders.get(name)!, settings, controllers);
        state.host.start(later);
        if (elector.lease) ownRecorder.event(later, elector.lease, "Normal", "LeaderElection", `${identity} became leader`);
        return undefined;
      },
      onLost: (later) => {
        state.host?.stop(later);
        state.host = undefined;
        return undefined;
      },
    });
    const state: ControllerManagerState = { client, elector, host: undefined };
    elector.start(ctx);
    return state;
  },

  receive(state, input, ctx: Context<ControllerManagerState>) {
    if (input.type === "timer") state.client.onTimer(input.name, ctx);
    else if (input.type === "request") onRequest(state, input.body as ComponentGetRequest, input.request, ctx);
    else if (input.type === "opened") ctx.close(input.stream, "refused", "a controller manager answers nothing");
    return undefined;
  },
};

function onRequest(
  state: ControllerManagerState,
  body: ComponentGetRequest,
  request: RequestRef,
  ctx: Context<ControllerManagerState>,
): void {
  if (body.kind === "component.get")
    ctx.reply(
      request,
      componentGet(body.path, () => state.client.figures.text(ctx.monotonicUs() / 1000)),
    );
  else ctx.refuse(request, "a controller manager answers nothing but how it is");
}

/** Most controllers sign their events with a name of their own. */
function eventSource(controller: string): string {
  return sources.get(controller) ?? `${controller}-controller`;
}

const sources: ReadonlyMap<string, string> = new Map([
  ["node-lifecycle", "node-controller"],
  ["taint-eviction", "taint-eviction-controller"],
  ["endpoints", "endpoint-controller"],
  ["endpointslice", "endpoint-slice-controller"],
  ["endpointslicemirroring", "endpoint-slice-mirroring-controller"],
  ["disruption", "controllermanager"],
  ["replicationcontroller", "replication-controller"],
  ["garbage-collector", "garbage-collector-controller"],
]);
