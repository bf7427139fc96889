import type { Address } from "../../protocol/address";
import type { AdmissionSettings } from "./admission/configuration";
import { knobOfPlugin, type PluginName, pluginDefaults, pluginNames } from "./admission/plugin-names";
import type { AuditPolicy } from "./audit/policy";
import type { AuditSink } from "./audit/sink";
import type { ActorAccounts } from "./authentication/actors";
import type { AnonymousConfiguration } from "./authentication/anonymous";
import type { JwtAuthenticator } from "./authentication/oidc/configuration";
import type { Authorizer } from "./authorization/configuration";
import type { EncryptionRule } from "./storage/encryption/configuration";
import type { KmsConfig } from "./storage/encryption/kms";

/** What an API server is told when it is placed on a host. */
export interface ApiServerConfig {
  /** The members of etcd, in order of preference. */
  readonly etcd: readonly Address[];
  /** All API servers of the cluster, this one among them. */
  readonly apiServers: readonly Address[];
  /** "10.96.0.0/12": where ClusterIPs come from. */
  readonly serviceCidr: string;
  readonly clusterName?: string;
  /** What is encrypted in etcd, and how; nothing where it is absent. */
  readonly encryption?: readonly EncryptionRule[];
  /** Who answers for the key management plug-ins that stand in it. */
  readonly kms?: KmsConfig;
  /** Other issuers whose tokens are believed. */
  readonly jwt?: readonly JwtAuthenticator[];
  /** What admission plug-ins are told; without it each has its defaults. */
  readonly admission?: AdmissionSettings;
  /** Whether requests without a credential are let in; they are where it is absent. */
  readonly anonymous?: AnonymousConfiguration | undefined;
  /** Who is asked whether somebody may, in this order; where it is absent the Node authorizer and RBAC. */
  readonly authorizers?: readonly Authorizer[];
  readonly staticTokens?: readonly StaticToken[];
  /** The service accounts, "namespace/name", under which actors of the user's own run. */
  readonly actorAccounts?: ActorAccounts;
  /** Where this server can be reached inside the cluster: what the `kubernetes` Service leads to. */
  readonly advertise?: { readonly ip: string; readonly port: number };
  /** Who answers when this server calls a webhook or passes a request on. Without it nobody does. */
  readonly web?: WebConfig;
  /** Which requests are written down; without it none. */
  readonly audit?: AuditPolicy | undefined;
  /** --audit-webhook-mode=blocking-strict: to whom the beginning of each request has to be told before it is served. */
  readonly auditStrict?: AuditSink | undefined;
  /** --audit-log-mode=blocking-strict: who has to write the beginning of each request before it is served. */
  readonly auditKeeper?: Address;
  /** PEM of those who sign clients' certificates and that of the proxies who vouch for users; published for aggregated servers. */
  readonly authorities?: { readonly clientCa: string; readonly proxyCa: string };
  /** Whether a metrics server runs in this cluster, whose objects are among those that every cluster has. */
  readonly metricsServer?: boolean;
  readonly knobs?: Readonly<Record<string, number | boolean>>;
}

export interface WebConfig {
  /** Actors that play servers, by name and port: "converter.shop.svc:443" for a Service, "example.com:443" for any other. */
  readonly actors?: Readonly<Record<string, Address>>;
  /** The service that performs requests to the real world. */
  readonly gateway?: Address;
}

export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly groups: readonly string[];
}

/** What enable-admission-plugins and disable-admission-plugins say, one flag for each plug-in. */
function pluginKnobs(): Readonly<Record<`admission-plugin-${PluginName}`, boolean>> {
  const flags = pluginNames.map((name) => [knobOfPlugin(name), pluginDefaults[name]] as const);
  return Object.fromEntries(flags) as Record<`admission-plugin-${PluginName}`, boolean>;
}

/** The numbers that can be set, under the names of kube-apiserver's flags where it has them, with its defaults. Durations are in milliseconds. */
export const defaultKnobs = {
  /** The longest that a request other than a watch may take. */
  "request-timeout": 60_000,
  /** A watch without timeoutSeconds ends after this long or up to twice as long. */
  "min-request-timeout": 1_800_000,
  /** Requests get seats by priority and fairness; otherwise the two limits below are held as they stand. */
  "enable-priority-and-fairness": true,
  /** Requests at once that read and that write; with priority and fairness their sum is the number of seats. */
  "max-requests-inflight": 400,
  "max-mutating-requests-inflight": 200,
  /** How long a server that was told to stop goes on to serve while everybody hears of it. */
  "shutdown-delay-duration": 0,
  /** How often the door tells an HTTP/2 client to open another connection, so that clients spread over servers. */
  "goaway-chance": 0,
  "event-ttl": 3_600_000,
  /** 0 turns compaction off. */
  "etcd-compaction-interval": 300_000,
  /** How many recent changes of each resource are kept for watches that begin in the past. */
  "default-watch-cache-size": 1000,
  /** How long a read waits for the caches to come to the resourceVersion it asks for. */
  "freshness-timeout": 3_000,
  "bookmark-interval": 60_000,
  /** How long one etcd member is waited for before a read goes to the next. */
  "etcd-read-timeout": 3_000,
  /** How long a write waits for etcd before it counts as unknown. */
  "etcd-write-timeout": 7_000,
  /** How often etcd is asked who its members are; 0 for never. */
  "etcd-sync-interval": 10_000,
  /** How often an API server confirms that it lives, for the endpoints of the `kubernetes` Service. */
  "endpoint-reconcile-interval": 10_000,
  "service-node-port-first": 30000,
  "service-node-port-last": 32767,
  /** How long a Pod that says nothing stays on a node that is not ready or out of reach; in seconds, as the flags say. */
  "default-not-ready-toleration-seconds": 300,
  "default-unreachable-toleration-seconds": 300,
  /** The longest life of a service account's token. */
  "service-account-max-token-expiration": 365 * 24 * 3_600_000,
  ...pluginKnobs(),
} as const;

export type Knob = keyof typeof defaultKnobs;
/** Flags are 1 or 0. */
export type Knobs = Readonly<Record<Knob, number>>;

/** The knobs with their defaults filled in; throws an Error that names an unknown knob or a value that is no number. */
export function knobsOf(config: ApiServerConfig): Knobs {
  const knobs = Object.fromEntries(Object.entries(defaultKnobs).map(([name, value]) => [name, Number(value)])) as Record<Knob, number>;
  for (const [name, value] of Object.entries(config.knobs ?? {})) {
    if (!Object.hasOwn(defaultKnobs, name))
      throw new Error(`knobs: apiserver has no knob ${JSON.stringify(name)}; it has ${Object.keys(defaultKnobs).join(", ")}`);
    const number = Number(value);
    if (!Number.isFinite(number) || number < 0) throw new Error(`knobs: ${name}: expected a number, 0 or more, got ${String(value)}`);
    knobs[name as Knob] = number;
  }
  return knobs;
}
