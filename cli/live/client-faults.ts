import { portTo } from "../../actors/api-server/gateway/port";
import { type Address, address } from "../../protocol/address";
import type { ApiRequest } from "../../protocol/api";
import { encode } from "../../protocol/codec";
import type { LiveWorld } from "../../runtime/live/world";
import { clientParams, requestFilter } from "../../scenarios/faults/api-requests";
import { count, type Ongoing, type Params } from "../../scenarios/faults/fault";
import { staleApiServer } from "../../scenarios/faults/stale-api-server";
import { durationSchema, type JsonSchema } from "../../scenarios/schema";
import { reasonNotServing } from "../readiness";
import type { LiveTank } from "./live-tank";
import type { Detour, Routing } from "./routing";

/** A fault of a live cluster's doors: one client from outside suffers it, and nobody else. */
export interface ClientFault {
  readonly name: string;
  readonly what: string;
  readonly params: Readonly<Record<string, JsonSchema>>;
  begin(cluster: ClientFaultCluster, params: Params, id: string): Promise<Ongoing>;
}

export interface ClientFaultCluster {
  readonly world: LiveWorld;
  readonly tank: LiveTank;
  readonly routing: Routing;
  /** An API server of the cluster, with what it was configured with. */
  readonly server: { readonly address: Address; readonly config: unknown };
}

/** Actors of the cluster do not come through its doors. */
const { actors: _, ...whoFromOutside } = clientParams;
const serveWithinMs = 10_000;
const nothing = new Uint8Array(0);

export const clientVanish: ClientFault = {
  name: "client-vanish",
  what: "The API servers vanish for one client: its watches break, and nothing that it asks is answered until the fault ends, while the rest of the cluster is well.",
  params: whoFromOutside,
  begin: async ({ tank, routing }, params) => diverted(routing, tank, params, "nobody", "left without an answer"),
};

export const clientStale: ClientFault = {
  name: "client-stale",
  what: "One client is moved to an API server of its own that hears of changes `lag` late, or of none until the fault ends: lists from its cache and watches show the past, while writes and quorum reads are of the present. Its watches break at both ends of the fault. The rest of the cluster is well.",
  params: { ...whoFromOutside, lag: durationSchema },
  async begin({ world, tank, routing, server }, params, id) {
    const host = `apiserver-${id}`;
    const own = address("apiserver", id);
    world.addHost({ name: host, zone: "outside", actors: [{ address: own, config: server.config }] });
    world.startHost(host);
    const untilMs = performance.now() + serveWithinMs;
    while ((await reasonNotServing(world.outsidePortal(), [own])) !== undefined) {
      if (performance.now() > untilMs) {
        await world.removeHost(host, "it never served");
        throw new Error(`the API server for this client does not serve after ${serveWithinMs / 1000} s: is etcd well?`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const stale = staleApiServer.begin(onWorld(tank, world), [host], params.lag === undefined ? {} : { lag: params.lag }, id);
    const ongoing = diverted(routing, tank, params, portTo(own, world.portal(host, host)), "answered by a server of the past");
    return {
      end() {
        const did = ongoing.end();
        stale.end();
        void world.removeHost(host, "its client is well again");
        return did;
      },
    };
  },
};

export const clientFaults: readonly ClientFault[] = [clientVanish, clientStale];

/** The tank knows the cluster's own hosts only; this one is none of them. */
function onWorld(tank: LiveTank, world: LiveWorld): LiveTank {
  return Object.assign(Object.create(tank) as LiveTank, { interpose: world.interpose.bind(world) });
}

function diverted(routing: Routing, tank: LiveTank, params: Params, port: Detour["port"], how: string): Ongoing {
  const { lag: _lag, ...who } = params;
  const filter = requestFilter(tank, "", who);
  const detour: Detour = { concerns: (request) => filter(envelopeOf(request)) !== undefined, port, diverted: 0 };
  const end = routing.divert(detour);
  return {
    end() {
      end();
      return count(detour.diverted, "request", how);
    },
  };
}

/** Filters read envelopes, as interposers get them. */
function envelopeOf(request: ApiRequest) {
  const [from, to] = [address("gateway", "door"), address("apiserver", "door")];
  const zeros = { toIncarnation: 0, fromIncarnation: 0, id: 0, sequence: 0, deadlineMs: 0 };
  const bare: ApiRequest = { ...request, body: nothing };
  return { operation: "ask" as const, to, from, ...zeros, fromOpener: true, kind: request.kind, body: encode(bare) };
}
