import type { ApiServerConfig } from "../actors/api-server/config";
import { type Address, address, nameOf } from "../protocol/address";
import { type KeyServicePlan, keyServiceHosts, kmsActorsOf } from "./key-services";
import { type OperatorPlan, operatorAccounts, operatorHosts } from "./operators";
import type { Role } from "./target";
import { type WebhookPlan, webActorsOf, webhookHosts } from "./webhooks";

/** The shape of a cluster, as the `cluster` part of a scenario file and the configuration of `wavetank up` give it. */
export interface ClusterShape {
  readonly etcd: number;
  readonly apiServers: number;
  /** Hosts with a controller manager and a scheduler each, of which one leads. */
  readonly controllers: number;
  readonly nodes: number;
  readonly zones: number;
  readonly capacity: Capacity;
  /** Whether a metrics server runs beside the first controller manager, as an APIService of its own: what `kubectl top` asks. */
  readonly metricsServer?: boolean;
  /** Which controllers run; all of them where not given. */
  readonly onlyControllers?: readonly string[];
  /** Time-outs and limits by component and flag, "etcd.heartbeat-interval", in the units that the actors take; see knobs.ts. */
  readonly knobs: Readonly<Record<string, number | boolean>>;
}

export interface Capacity {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
  readonly "ephemeral-storage": string;
}

export const defaultShape: ClusterShape = {
  etcd: 3,
  apiServers: 2,
  controllers: 2,
  nodes: 3,
  zones: 3,
  capacity: { cpu: "4", memory: "8Gi", pods: "110", "ephemeral-storage": "40Gi" },
  knobs: {},
};

export interface ActorPlan {
  readonly address: Address;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface HostPlan {
  readonly name: string;
  readonly zone: string;
  readonly role: Role;
  readonly actors: readonly ActorPlan[];
}

/** Every host with what lives on it; the same plan is simulated and brought up live. */
export interface ClusterPlan {
  readonly shape: ClusterShape;
  readonly hosts: readonly HostPlan[];
}

/** The ranges that the plan hands out; pods and Services have the addresses that kubeadm's documentation uses. */
export const clusterCidr = "10.244.0.0/16";
export const serviceCidr = "10.96.0.0/12";
const nodeCidrMaskSize = 24;

/** What differs between worlds: who may call with a static token, where the API servers can be reached from outside, which authority signs. */
export interface PlanOptions {
  readonly staticTokens?: readonly { readonly token: string; readonly user: string; readonly groups: readonly string[] }[];
  readonly advertise?: { readonly ip: string; readonly port: number };
  /** PEM of the cluster's certificate authority, published to every namespace. */
  readonly rootCa?: string;
  readonly behaviours?: readonly unknown[];
  /** Operators of the user's own, beside the cluster. */
  readonly operators?: readonly OperatorPlan[];
  /** Webhooks and key management plug-ins outside of the cluster, played by actors. */
  readonly webhooks?: readonly WebhookPlan[];
  readonly keyServices?: readonly KeyServicePlan[];
  /** The members of etcd that there are now, where they are others than those that began the cluster together. */
  readonly etcdMembers?: readonly Address[];
  /** What API servers are told beside: whose tokens they believe, say. */
  readonly apiServer?: Partial<ApiServerConfig>;
  /** The beginning of each request has to be in the audit log, which is asked to write it. */
  readonly keepsAudit?: boolean;
  /** In a live cluster: API servers call webhooks and aggregated servers, who know them by the authorities named here (PEM). */
  readonly web?: { readonly clientCa: string; readonly proxyCa: string };
}

/** The address through which the API server of a host calls the real world. */
export function webGatewayOf(hostName: string): Address {
  return address("web", hostName);
}

/** The address through which it speaks to key management plug-ins. */
export function kmsGatewayOf(hostName: string): Address {
  return address("kms", hostName);
}

/** The address of whoever writes its audit log. */
export function auditKeeperOf(hostName: string): Address {
  return address("audit", hostName);
}

const metricsServerAddress = address("metrics-server", 0);
const metricsServerAuthority = "metrics-server.kube-system.svc:443";

/** The hosts of a cluster of that shape, spread over its zones, and the configuration of each actor. */
export function planCluster(shape: ClusterShape, options: PlanOptions = {}): ClusterPlan {
  const zone = (index: number) => `zone-${"abcdefghijklmnopqrstuvwxyz"[index % shape.zones] ?? index % shape.zones}`;
  const founders = range(shape.etcd).map((i) => address("etcd", i));
  const members = options.etcdMembers ?? founders;
  const servers = range(shape.apiServers).map((i) => address("apiserver", i));
  /** Callers prefer different API servers, so that the load is spread and not all of them notice the same loss. */
  const prefer = (index: number) => servers.map((_, i) => servers[(i + index) % servers.length]!);
  const settingsOf = (component: string) => {
    const own = Object.entries(shape.knobs).filter(([name]) => name.startsWith(`${component}.`));
    return Object.fromEntries(own.map(([name, value]) => [name.slice(component.length + 1), value]));
  };
  const knobsOf = (component: string) => ({ knobs: settingsOf(component) });
  const actor = (at: Address, config: Readonly<Record<string, unknown>>): ActorPlan => ({ address: at, config });
  const { staticTokens, advertise, rootCa = "", behaviours = [], operators = [], webhooks = [], keyServices = [], web } = options;

  const metricsServer = shape.metricsServer === true && shape.controllers > 0;

  const etcd = members.map((member): HostPlan => {
    const index = Number(nameOf(member));
    // Who came later begins with nothing and is told who the others are.
    const joins = founders.includes(member) ? {} : { join: true };
    const config = { members: founders, ...joins, settings: settingsOf("etcd") };
    return { name: `etcd-${index}`, zone: zone(index), role: "etcd", actors: [actor(member, config)] };
  });
  const apiServers = servers.map((server, i): HostPlan => {
    const etcdFirst = members.map((_, k) => members[(k + i) % members.length]!);
    const config = { etcd: etcdFirst, apiServers: servers, serviceCidr, clusterName: "wavetank", ...knobsOf("kube-apiserver") };
    const name = `apiserver-${i}`;
    const outside = {
      ...options.apiServer,
      ...(staticTokens ? { staticTokens } : {}),
      ...(advertise ? { advertise } : {}),
      ...(web ? { authorities: web, kms: { gateway: kmsGatewayOf(name) } } : {}),
      ...(keyServices.length > 0 ? { kms: kmsActorsOf(keyServices) } : {}),
      ...(options.keepsAudit ? { auditKeeper: auditKeeperOf(name) } : {}),
      ...(metricsServer ? { metricsServer: true } : {}),
      ...(operators.some(({ serviceAccount }) => serviceAccount) ? { actorAccounts: operatorAccounts(operators) } : {}),
      ...(web || webhooks.length > 0 || metricsServer
        ? {
            web: {
              ...(web ? { gateway: webGatewayOf(name) } : {}),
              actors: { ...webActorsOf(webhooks), ...(metricsServer ? { [metricsServerAuthority]: metricsServerAddress } : {}) },
            },
          }
        : {}),
    };
    return { name, zone: zone(i), role: "apiserver", actors: [actor(server, { ...config, ...outside })] };
  });
  const controllers = range(shape.controllers).map((i): HostPlan => {
    const only = shape.onlyControllers ? { controllers: shape.onlyControllers } : {};
    const config = {
      apiServers: prefer(i),
      clusterCidr,
      serviceCidr,
      nodeCidrMaskSize,
      rootCa,
      ...only,
      ...knobsOf("kube-controller-manager"),
    };
    const scheduler = actor(address("scheduler", i), { apiServers: prefer(i), ...knobsOf("kube-scheduler") });
    const beside = metricsServer && i === 0 ? [actor(metricsServerAddress, { apiServers: prefer(i) })] : [];
    const actors = [actor(address("controller-manager", i), config), scheduler, ...beside];
    return { name: `control-${i}`, zone: zone(i), role: "control", actors };
  });
  const nodes = range(shape.nodes).map((i) =>
    planNode(`node-${i}`, i, zone(i), {
      shape,
      apiServers: prefer(i),
      behaviours,
      kubelet: knobsOf("kubelet"),
    }),
  );
  const own = operatorHosts(operators, servers, zone, settingsOf("operator") as Readonly<Record<string, number>>);
  const outside = [...webhookHosts(webhooks, zone), ...keyServiceHosts(keyServices, zone)];
  return { shape, hosts: [...etcd, ...apiServers, ...controllers, ...nodes, ...own, ...outside] };
}

/** What a node needs to be told, whether it belongs to the first plan or joins later. */
export interface NodeOptions {
  readonly shape: Pick<ClusterShape, "capacity">;
  readonly apiServers: readonly Address[];
  readonly behaviours: readonly unknown[];
  readonly kubelet: { readonly knobs: ClusterShape["knobs"] };
}

/** One node: its kubelet, container runtime and kube-proxy. `index` gives its address on the nodes' network. */
export function planNode(node: string, index: number, zone: string, { shape, apiServers, behaviours, kubelet }: NodeOptions): HostPlan {
  const internalIp = `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  return {
    name: node,
    zone,
    role: "node",
    actors: [
      { address: address("container-runtime", node), config: { node, behaviours } },
      { address: address("kubelet", node), config: { node, zone, apiServers, capacity: shape.capacity, internalIp, ...kubelet } },
      { address: address("kube-proxy", node), config: { node, apiServers } },
    ],
  };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
