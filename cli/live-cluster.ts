import { defaultKnobs } from "../actors/api-server/config";
import { startGateway } from "../actors/api-server/gateway/gateway";
import { KmsGateway } from "../actors/api-server/gateway/kms";
import { type GatewayPort, portTo } from "../actors/api-server/gateway/port";
import { hexadecimal, idOf } from "../actors/etcd/gateway/identity";
import { type Address, address, type HostName, roleOf } from "../protocol/address";
import type { AuditKeep } from "../protocol/audit";
import type { Stored } from "../protocol/kinds/object";
import type { AnyActor } from "../runtime/actor";
import { Front } from "../runtime/live/front";
import { Hub } from "../runtime/live/join/hub";
import { Roster } from "../runtime/live/join/roster";
import { formatToken } from "../runtime/live/join/token";
import type { LiveLog } from "../runtime/live/log";
import { adminCertificate, type Pki, servingCertificate } from "../runtime/live/pki";
import { type HostPlan, LiveWorld } from "../runtime/live/world";
import type { Service } from "../runtime/serving";
import type { RuntimeEvent } from "../runtime/world";
import { type ClusterPlan, type ClusterShape, type PlanOptions, planCluster } from "../scenarios/cluster";
import { apiServersOf, type ConfigurationFile, followConfiguration, tellApiServer } from "./configuration-files";
import { DataDirectory } from "./data-directory";
import { Doors } from "./doors";
import { EtcdDoors } from "./etcd-doors";
import { EtcdHosts } from "./etcd-hosts";
import { EtcdMembers } from "./etcd-members";
import { InputError } from "./exit";
import { faultDoor } from "./live/fault-door";
import { FaultService } from "./live/fault-service";
import { Leaders } from "./live/leaders";
import { LiveTank } from "./live/live-tank";
import { Routing } from "./live/routing";
import { OutsideStorage } from "./outside-storage";
import { readPki } from "./read-pki";
import { readObjects, reasonNotReady, reasonNotServing } from "./readiness";
import { refusePort } from "./refused-port";
import type { StorageOptions } from "./storage-options";
import { unusable } from "./unusable-disk";
import { authorityOf, type Endpoint } from "./up-options";
import { auditActor, isForApiServers, kmsActor, webActor, withWebDoors } from "./web-doors";

export interface LiveClusterOptions {
  readonly shape: ClusterShape;
  readonly actors: readonly AnyActor[];
  /** A real etcd in the place of the cluster's own members. */
  readonly storage: StorageOptions | undefined;
  /** Without it the cluster lasts as long as the process. */
  readonly data: string | undefined;
  readonly listen: Endpoint;
  /** Where other processes join; a free port of the listen address where not given. */
  readonly joinListen: Endpoint | undefined;
  /** A port that is somebody else's, who opens it when the cluster is there. */
  readonly metricsListen?: Endpoint | undefined;
  readonly advertise: string;
  /** Names and addresses under which the cluster is reached, for its certificates. */
  readonly names: readonly string[];
  readonly log: LiveLog;
  /** A member of etcd was added and has been started; with its address for clients. */
  readonly etcdStarted: (member: Address, address: string) => void;
  /** How the containers of images behave, where not by the written default. */
  readonly behaviours?: PlanOptions["behaviours"];
  /** What API servers are told beside what the plan says. */
  readonly apiServer?: PlanOptions["apiServer"];
  /** What stands between the doors of the API servers and these. */
  readonly behindDoors?: (port: GatewayPort) => GatewayPort;
  /** Writes the beginning of each request before it is served. */
  readonly auditKeeper?: Service<AuditKeep>;
  /** Files of the API servers' configuration that are read again when they change. */
  readonly configurationFiles?: readonly ConfigurationFile[];
  /** Whether joined processes tell of what happens on their hosts. */
  readonly hearsJoined?: boolean;
  /** Called once, when the cluster is made and before anything of it starts: whoever wants to hear of everything subscribes then. */
  readonly prepared?: (cluster: LiveCluster) => void;
  /** Something has happened after which the cluster cannot go on, such as a damaged file. */
  readonly failed: (why: string) => void;
}

/** The addresses under which a live cluster is reached. */
export interface LiveAddresses {
  readonly front: string;
  /** Each API server's own, in order. */
  readonly apiServers: readonly string[];
  /** Each etcd member's, in order, for etcd's own clients on this machine. */
  readonly etcd: readonly string[];
  readonly join: string;
  /** Where faults are begun and ended. */
  readonly control: string;
  readonly token: string;
}

/** How many hosts one process may bring when it joins. */
const joinedHostsMax = 500;
const readyPollMs = 40;
/** How long clients are waited for when the cluster stops. */
const drainMs = 1_500;
/** The names under which pods know the API servers. */
const inside = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "10.96.0.1"];

/** The cluster was stopped before it was ready. */
export class Stopped extends Error {}

/** A cluster in this process: its hosts, the doors of its API servers, and the hub for processes that join. */
export class LiveCluster {
  readonly plan: ClusterPlan;
  readonly world: LiveWorld;
  readonly hub: Hub;
  readonly doors: Doors;
  private readonly etcdDoors: EtcdDoors;
  private readonly front: Front;
  readonly tank: LiveTank;
  readonly faults: FaultService;
  private readonly routing = new Routing();
  private readonly leaders = new Leaders();
  private readonly kms = new KmsGateway();
  private objects: ReadonlyMap<string, Stored> = new Map();
  private readonly joinedPlans = new Map<HostName, HostPlan>();
  private readonly closing: (() => Promise<void> | void)[] = [];
  private closed = false;
  private ports = { front: 0, join: 0 };

  private constructor(
    private readonly options: LiveClusterOptions,
    private readonly directory: DataDirectory,
    readonly pki: Pki,
    readonly storage: OutsideStorage | undefined,
    private readonly etcdMembers: EtcdMembers | undefined,
  ) {
    const { shape, actors, log, names } = options;
    const { authority, secrets } = pki;
    const web = { clientCa: authority.certificate, proxyCa: pki.frontProxyAuthority.certificate };
    this.plan = planCluster(shape, { ...this.planned(), web, ...(etcdMembers && { etcdMembers: etcdMembers.present }) });
    this.world = new LiveWorld({
      actors: [...(storage?.actors(actors) ?? actors), webActor, kmsActor, auditActor],
      secrets,
      ...(directory.path === undefined ? {} : { dataDirectory: directory.path }),
    });
    this.world.notable.subscribe(({ host, event }) => this.observe(host, event));
    this.doors = new Doors(this.world, log);
    this.etcdDoors = new EtcdDoors(this.world, log, pki);
    this.front = new Front(() => this.doors.behind());
    const doors = { kms: this.kms, auditKeeper: options.auditKeeper };
    for (const plan of withWebDoors(storage?.hosts(this.plan) ?? this.plan.hosts, pki, doors)) this.world.addHost(plan);
    this.hub = new Hub({
      world: this.world,
      authority,
      serving: servingCertificate(authority, "wavetank-hub", names),
      token: pki.joinToken,
      roster: new Roster(
        (index) => `node-${shape.nodes + index}`,
        directory.roster(),
        () => performance.now(),
      ),
      plan: (host) => this.joinedPlan(host),
      mayReach: (_from: Address, to: Address) => !isForApiServers(to),
      hostsMax: joinedHostsMax,
      visit: faultDoor(() => this.faults),
      ...(options.hearsJoined ? { hears: (host, event) => this.world.tell(host, event) } : {}),
      log: (level, message, fields) => log.log(level, message, fields),
    });
    this.tank = new LiveTank({
      world: this.world,
      hub: this.hub,
      hosts: () => this.hostsHere(),
      joinedPlan: (host) => this.joinedPlan(host),
      doors: this.doors,
      knowledge: {
        leads: (host) => this.leaders.leads(host),
        objects: () => this.objects,
        // A live cluster is not restored while it runs.
        backupSaved: () => undefined,
        restored: () => undefined,
      },
    });
    const { address: server, config } = this.plan.hosts.find(({ role }) => role === "apiserver")!.actors[0]!;
    this.faults = new FaultService({
      world: this.world,
      tank: this.tank,
      routing: this.routing,
      server: { address: server, config },
      refresh: async () => {
        this.objects = await readObjects(this.world.outsidePortal(), server);
      },
      log: (text, fields) => log.log("info", text, fields),
    });
  }

  /** Starts everything; the cluster serves, but need not be ready. Throws an InputError for what the user can put right; leaves nothing behind then. */
  static async start(options: LiveClusterOptions): Promise<LiveCluster> {
    const directory = DataDirectory.take(options.data, { ...options.shape, ...(options.storage && { etcd: 0 }) });
    let cluster: LiveCluster | undefined;
    let storage: OutsideStorage | undefined;
    try {
      storage = options.storage && (await OutsideStorage.connect(options.storage));
      const founders = Array.from({ length: options.shape.etcd }, (_, i) => address("etcd", i));
      const etcdMembers = storage === undefined ? await EtcdMembers.open(directory, founders) : undefined;
      cluster = new LiveCluster(options, directory, readPki(directory), storage, etcdMembers);
      options.prepared?.(cluster);
      await cluster.open();
      return cluster;
    } catch (error) {
      await cluster?.close();
      storage?.close();
      directory.unlock();
      throw error;
    }
  }

  /** Members of etcd whose data is gone, each with what to do about it. */
  get lostEtcdMembers(): readonly string[] {
    return this.etcdMembers?.lostTold((member) => hexadecimal(idOf(this.pki.etcdAuthority.publicKeyHash, member))) ?? [];
  }

  get addresses(): LiveAddresses {
    const { advertise } = this.options;
    return {
      front: `https://${authorityOf(advertise, this.ports.front)}`,
      apiServers: this.doors.ports().map((port) => `https://${authorityOf(advertise, port)}`),
      etcd: this.etcdDoors.endpoints(),
      join: `wss://${authorityOf(advertise, this.ports.join)}`,
      control: `https://${authorityOf(advertise, this.ports.join)}`,
      token: formatToken(this.pki.joinToken),
    };
  }

  /** The credentials of kubernetes-admin, as PEM. */
  admin(): { readonly certificate: string; readonly key: string } {
    return adminCertificate(this.pki.authority);
  }

  /**
   * Starts what lives on the API servers as soon as they serve, and waits until everything does what it is for and every node is Ready;
   * `waiting` hears now and then of what it waits for. Rejects with Stopped when the cluster is closed meanwhile.
   */
  async ready(waiting: (why: string) => void): Promise<void> {
    const { hosts } = this.plan;
    const servers = hosts
      .flatMap(({ actors }) => actors.map(({ address }) => address))
      .filter((address) => roleOf(address) === "apiserver");
    const nodes = hosts.filter(({ role }) => role === "node").map(({ name }) => name);
    const portal = this.world.outsidePortal();
    await this.until(() => reasonNotServing(portal, servers), waiting);
    // Not earlier: they would be turned away, and each waits a while before it tries again.
    for (const { name, role } of hosts) if (role !== "etcd" && role !== "apiserver") this.world.startHost(name);
    await this.until(() => reasonNotReady(portal, servers[0]!, nodes), waiting);
    await this.pki.complete;
  }

  /** Stops taking requests, then stops the hosts; what was asked of the disks is finished. */
  async close(): Promise<void> {
    this.closed = true;
    this.faults.stopAll("the cluster stops");
    for (const close of this.closing.splice(0).reverse()) await close();
  }

  private async open(): Promise<void> {
    const { listen, joinListen } = this.options;
    this.closing.push(
      () => this.directory.unlock(),
      () => this.storage?.close(),
      () => this.kms.close(),
      () => this.world.close(),
    );
    // The ports first: what cannot be had is said before anything is done.
    this.ports.front = await this.front.listen(listen.port, listen.host).catch((error) => refusePort("--listen", listen, error));
    this.closing.push(() => this.front.close());
    this.ports.join = await this.listenForJoining(joinListen);
    this.closing.push(() => this.hub.close());
    this.directory.rememberJoinPort(this.ports.join);
    for (const { name, role } of this.plan.hosts) if (role === "etcd" || role === "apiserver") this.world.startHost(name);
    this.closing.push(
      () => this.doors.close(),
      () => this.etcdDoors.close(),
    );
    await this.openApiServers();
    const { configurationFiles = [], apiServer = {} } = this.options;
    this.closing.push(followConfiguration(configurationFiles, apiServer, this.world, this.plan));
    await this.openEtcd();
    this.closing.push(() => this.drain());
  }

  /** The API servers say that they are going, serve on for shutdown-delay-duration, and finish what they do. */
  private async drain(): Promise<void> {
    const delayMs = Number(this.options.shape.knobs["kube-apiserver.shutdown-delay-duration"] ?? 0);
    for (const server of apiServersOf(this.plan)) tellApiServer(this.world, this.plan, server, { kind: "api.shutdown" });
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await this.doors.drain(drainMs);
  }

  private async openEtcd(): Promise<void> {
    const { etcdMembers: members, etcdDoors: doors, world } = this;
    if (members === undefined) return;
    for (const { name, role, actors } of this.plan.hosts) if (role === "etcd") await doors.open(name, actors[0]!.address);
    const { shape, log, etcdStarted: started } = this.options;
    const planOf = (member: Address) => {
      const plan = planCluster(shape, { etcdMembers: [member] }).hosts.find(({ role }) => role === "etcd");
      return plan!;
    };
    const hosts = new EtcdHosts({ world, members, doors, planOf, started, log });
    this.closing.push(() => hosts.close());
  }

  private async openApiServers(): Promise<void> {
    const { listen, names, log, behindDoors = (port) => port } = this.options;
    const { authority } = this.pki;
    const { certificate: cert, key } = servingCertificate(authority, "kube-apiserver", [...names, ...inside]);
    const tls = { cert, key, ca: authority.certificate };
    for (const { name, role, actors } of this.plan.hosts) {
      if (role !== "apiserver") continue;
      const server = actors[0]!.address;
      const onError = (error: unknown, what: string) =>
        log.log("error", "a request failed in the gateway", { host: name, what, err: error });
      await this.doors.open(name, server, (port) =>
        // Each time the host comes up it is another one, and needs a portal of its own.
        startGateway({
          port: behindDoors(this.routing.behind(portTo(server, this.world.portal(name, name)))),
          listen: { host: listen.host, port },
          limits: {
            requestTimeoutMs: Number(this.options.shape.knobs["kube-apiserver.request-timeout"] ?? defaultKnobs["request-timeout"]),
          },
          goawayChance: Number(this.options.shape.knobs["kube-apiserver.goaway-chance"] ?? 0),
          tls,
          onError,
        }),
      );
    }
  }

  /** The port of last time; otherwise one near the front's, since those that the system chooses are also given to clients that retry. */
  private async listenForJoining(given: Endpoint | undefined): Promise<number> {
    const { host, port } = this.options.listen;
    const kept = this.directory.joinPort();
    const near = [1, 2, 3, 4, 5, 6, 7, 8].map((above) => port + above).filter((each) => each !== this.options.metricsListen?.port);
    const ports = given ? [given.port] : kept ? [kept] : port === 0 ? [0] : near;
    if (!given && kept !== undefined && kept === this.options.metricsListen?.port)
      throw new InputError(`--metrics-listen: other processes join this cluster at port ${kept}, as before: choose another port`);
    const at = given?.host ?? host;
    for (const [tried, candidate] of ports.entries()) {
      try {
        return await this.hub.listen(candidate, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "EADDRINUSE" || tried === ports.length - 1) refusePort("--join-listen", { host: at, port: candidate }, error as Error);
      }
    }
    throw new Error("there are always ports to try");
  }

  private async until(reason: () => Promise<string | undefined>, waiting: (why: string) => void): Promise<void> {
    for (let polls = 1; !this.closed; polls++) {
      const why = await reason();
      if (why === undefined) return;
      if (polls % 100 === 0) waiting(why);
      await new Promise((resolve) => setTimeout(resolve, readyPollMs));
    }
    throw new Stopped();
  }

  /** The cluster's hosts in this process, with members of etcd that were added. */
  hostsHere(): readonly ClusterPlan["hosts"][number][] {
    const planned = new Map(this.plan.hosts.map((host) => [host.name, host]));
    return this.world.hostPlans().flatMap(({ name, zone, actors }) => {
      const host = planned.get(name);
      if (host) return [host];
      const isEtcd = actors.some(({ address }) => roleOf(address) === "etcd");
      return isEtcd ? [{ name, zone, role: "etcd" as const, actors: actors as ClusterPlan["hosts"][number]["actors"] }] : [];
    });
  }

  private observe(host: HostName, event: RuntimeEvent): void {
    this.leaders.see(host, event);
    const why = unusable(event);
    // What ends the cluster is said once, by whoever is told that it failed.
    if (why === undefined) this.options.log.observer(host, event);
    else this.options.failed(`${host}: ${why}`);
  }

  private planned(): PlanOptions {
    const { behaviours, apiServer, auditKeeper } = this.options;
    return {
      ...(apiServer ? { apiServer } : {}),
      ...(auditKeeper ? { keepsAudit: true } : {}),
      rootCa: this.pki.authority.certificate,
      ...(behaviours ? { behaviours } : {}),
    };
  }

  /** A node that joins is what the next node of a larger cluster would be. */
  joinedPlan(host: HostName): HostPlan {
    const known = this.joinedPlans.get(host);
    if (known !== undefined) return known;
    const shape = { ...this.options.shape, nodes: Number(host.slice("node-".length)) + 1 };
    const plan = planCluster(shape, this.planned()).hosts.find(({ name }) => name === host);
    if (plan === undefined) throw new Error(`${host} is no name that this cluster gives to nodes`);
    this.joinedPlans.set(host, plan);
    return plan;
  }
}
