import type { Context, RequestRef } from "../../runtime/actor";
import type { Plugin } from "./admission/admission";
import type { AdmissionCounts } from "./admission/dynamic/counts";
import type { ImageVerdict } from "./admission/dynamic/image-policy";
import type { Aggregation } from "./aggregation/remote";
import type { Oidc } from "./authentication/oidc/provider";
import type { Authorizers } from "./authorization-chain";
import type { AuthorizationMemo } from "./authorization-memo";
import type { Bootstrap } from "./bootstrap";
import type { ApiServerConfig, Knobs } from "./config";
import type { Definitions } from "./custom-resources/lifecycle";
import type { ServedKinds } from "./custom-resources/served-kinds";
import type { DocumentCache } from "./discovery/document";
import type { FlowControl } from "./flow-control/flow-control";
import type { Membership } from "./membership";
import type { ServerMetrics } from "./metrics";
import type { Pieces } from "./registry/pieces";
import type { ToldLists } from "./registry/told-lists";
import type { Watchers } from "./registry/watchers";
import type { Relays } from "./relays";
import type { Reloads } from "./reload";
import type { Shutdown } from "./shutdown";
import type { Compactor } from "./storage/compactor";
import type { EtcdClient } from "./storage/etcd-client";
import type { EventLease } from "./storage/event-lease";
import type { Feed } from "./storage/feed";
import type { Freshness } from "./storage/freshness";

/** Everything an API server holds in memory. Nothing of it is on a disk: all that lasts is in etcd. */
export interface ServerState {
  readonly config: ApiServerConfig;
  readonly knobs: Knobs;
  /** The admission plug-ins that are on. */
  readonly plugins: readonly Plugin[];
  readonly etcd: EtcdClient;
  readonly feed: Feed;
  readonly freshness: Freshness<ServerState>;
  readonly watchers: Watchers;
  readonly lists: ToldLists;
  readonly pieces: Pieces;
  readonly eventLease: EventLease;
  readonly compactor: Compactor;
  readonly bootstrap: Bootstrap;
  readonly membership: Membership;
  readonly relays: Relays;
  /** Every kind that this server serves at the moment: the built-in ones and those that definitions in its cache bring. */
  served: ServedKinds;
  readonly definitions: Definitions;
  readonly aggregation: Aggregation;
  readonly documents: DocumentCache;
  authorizers: Authorizers;
  readonly authorizations: AuthorizationMemo;
  readonly admissions: AdmissionCounts;
  /** What was said of images, by what was asked. */
  readonly imageVerdicts: Map<string, ImageVerdict>;
  oidc: Oidc;
  readonly metrics: ServerMetrics;
  readonly flow: FlowControl;
  readonly reloads: Reloads;
  shutdown: Shutdown;
  /** Who wants to hear when the server that goes has finished. */
  readonly goodbyes: RequestRef[];
  /** Streams that have begun and whose end somebody wants to hear of, by their key. */
  readonly open: Map<string, (ctx: Ctx) => void>;
}

export type Ctx = Context<ServerState>;
