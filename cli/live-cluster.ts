import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, startGateway } from "../actors/api-server/gateway/gateway";
import { portTo } from "../actors/api-server/gateway/port";
import { type Address, type HostName, roleOf } from "../protocol/address";
import type { AnyActor } from "../runtime/actor";
import { lockDirectory } from "../runtime/live/disk/lock";
import { type Behind, Front } from "../runtime/live/front";
import { Hub } from "../runtime/live/join/hub";
import { type Granted, Roster } from "../runtime/live/join/roster";
import { formatToken } from "../runtime/live/join/token";
import type { LiveLog } from "../runtime/live/log";
import { adminCertificate, loadPki, type Pki, servingCertificate, writePrivately } from "../runtime/live/pki";
import { type HostPlan, LiveWorld } from "../runtime/live/world";
import type { RuntimeEvent } from "../runtime/world";
import { type ClusterPlan, type ClusterShape, planCluster } from "../scenarios/cluster";
import { InputError } from "./load";
import { reasonNotReady, reasonNotServing } from "./readiness";
import { authorityOf, type Endpoint } from "./up-options";

export interface LiveClusterOptions {
  readonly shape: ClusterShape;
  readonly actors: readonly AnyActor[];
  /** Without it the cluster lasts as long as the process. */
  readonly data: string | undefined;
  readonly listen: Endpoint;
  /** Where other processes join; a port of the system's choice on the listen address where not given. */
  readonly joinListen: Endpoint | undefined;
  readonly advertise: string;
  /** Names and addresses under which the cluster is reached, for its certificates. */
  readonly names: readonly string[];
  readonly log: LiveLog;
  /** Something has happened after which the cluster cannot go on, such as a damaged file. */
  readonly failed: (why: string) => void;
}

/** The addresses under which a live cluster is reached. */
export interface LiveAddresses {
  readonly front: string;
  /** Each API server's own, in order. */
  readonly apiServers: readonly string[];
  readonly join: string;
  readonly token: string;
}

/** How many hosts one process may bring when it joins. */
const joinedHostsMax = 500;
const readyPollMs = 40;

/** A cluster in this process: its hosts, the doors of its API servers, and the hub for processes that join. */
export class LiveCluster {
  private readonly closing: (() => Promise<void> | void)[] = [];
  private readonly gateways = new Map<HostName, Gateway>();
  private readonly joinedPlans = new Map<HostName, HostPlan>();
  private closed = false;
  addresses!: LiveAddresses;
  hub!: Hub;

  private constructor(
    readonly options: LiveClusterOptions,
    readonly pki: Pki,
    readonly plan: ClusterPlan,
    readonly world: LiveWorld,
  ) {}

  /** Starts everything; the cluster serves, but need not be ready. Throws an InputError for what the user can put right; leaves nothing behind then. */
  static async start(options: LiveClusterOptions): Promise<LiveCluster> {
    const { data, shape, actors, log } = options;
    const unlock = data === undefined ? () => {} : takeDirectory(data, shape);
    let cluster: LiveCluster | undefined;
    try {
      const pki = readPki(data);
      const plan = planCluster(shape, { rootCa: pki.authority.certificate });
      const world = new LiveWorld({
        actors,
        secrets: pki.secrets,
        ...(data === undefined ? {} : { dataDirectory: data }),
        // What ends the cluster is said once, by whoever is told that it failed.
        observers: [(host, event) => unusable(event) === undefined && log.observer(host, event)],
      });
      cluster = new LiveCluster(options, pki, plan, world);
      cluster.closing.push(unlock, () => world.close());
      await cluster.open();
      return cluster;
    } catch (error) {
      if (cluster === undefined) unlock();
      else await cluster.close();
      throw error;
    }
  }

  /** The credentials of kubernetes-admin, as PEM. */
  admin(): { readonly certificate: string; readonly key: string } {
    return adminCertificate(this.pki.authority);
  }

  /**
   * Starts what lives on the API servers as soon as they serve, and waits until everything does what it is for and every node is Ready;
   * `waiting` hears now and then of what it waits for.
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
    for (const { name } of hosts) this.world.startHost(name);
    await this.until(() => reasonNotReady(portal, servers[0]!, nodes), waiting);
    await this.pki.complete;
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

  /** Stops taking requests, then stops the hosts; what was asked of the disks is finished. */
  async close(): Promise<void> {
    this.closed = true;
    for (const close of this.closing.splice(0).reverse()) await close();
  }

  private async open(): Promise<void> {
    const { listen, joinListen, advertise, data } = this.options;
    const world = this.world;
    world.observeWith((host, event) => {
      const why = unusable(event);
      if (why !== undefined) this.options.failed(`${host}: ${why}`);
    });
    for (const plan of this.plan.hosts) world.addHost(plan);
    // The ports first: what cannot be had is said before anything is done.
    const front = new Front(() => this.doors());
    const frontPort = await front
      .listen(listen.port, listen.host)
      .catch((error: NodeJS.ErrnoException) => refuse("--listen", listen, error));
    this.closing.push(() => front.close());
    this.hub = this.newHub();
    const joinAt = joinListen ?? { host: listen.host, port: rememberedPort(data) };
    const joinPort = await this.hub
      .listen(joinAt.port, joinAt.host)
      .catch((error: NodeJS.ErrnoException) => refuse("--join-listen", joinAt, error));
    this.closing.push(() => this.hub.close());
    if (data !== undefined) writePrivately(join(data, "join-port"), String(joinPort));
    for (const { name, role } of this.plan.hosts) if (role === "etcd" || role === "apiserver") world.startHost(name);
    await this.openGateways();
    this.addresses = {
      front: `https://${authorityOf(advertise, frontPort)}`,
      apiServers: [...this.gateways.values()].map(({ listenPort }) => `https://${authorityOf(advertise, listenPort)}`),
      join: `wss://${authorityOf(advertise, joinPort)}`,
      token: formatToken(this.pki.joinToken),
    };
  }

  private async openGateways(): Promise<void> {
    const { listen, names, log } = this.options;
    const serving = servingCertificate(this.pki.authority, "kube-apiserver", [
      ...names,
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
      "10.96.0.1",
    ]);
    const tls = { key: serving.key, cert: serving.certificate, ca: this.pki.authority.certificate };
    for (const { name, role, actors } of this.plan.hosts) {
      if (role !== "apiserver") continue;
      const port = portTo(actors[0]!.address, this.world.portal(name, name));
      const onError = (error: unknown, what: string) =>
        log.log("error", "a request failed in the gateway", { host: name, what, err: error });
      const gateway = await startGateway({ port, listen: { host: listen.host, port: 0 }, tls, onError });
      this.gateways.set(name, gateway);
      this.closing.push(() => gateway.close());
    }
  }

  private doors(): readonly Behind[] {
    const { hosts } = this.world;
    return [...this.gateways].map(([host, gateway]) => ({
      isUp: hosts.get(host)?.up ?? false,
      accept: (socket) => gateway.accept(socket),
    }));
  }

  /** A node that joins is what the next node of a larger cluster would be. */
  private joinedPlan(host: HostName): HostPlan {
    const known = this.joinedPlans.get(host);
    if (known !== undefined) return known;
    const nodes = Number(host.slice("node-".length)) + 1;
    const plan = planCluster({ ...this.options.shape, nodes }, { rootCa: this.pki.authority.certificate }).hosts.find(
      ({ name }) => name === host,
    );
    if (plan === undefined) throw new Error(`${host} is no name that this cluster gives to nodes`);
    this.joinedPlans.set(host, plan);
    return plan;
  }

  private newHub(): Hub {
    const { names, data, log, shape } = this.options;
    const { authority, joinToken } = this.pki;
    return new Hub({
      world: this.world,
      authority,
      serving: servingCertificate(authority, "wavetank-hub", names),
      token: joinToken,
      roster: new Roster(
        (index) => `node-${shape.nodes + index}`,
        rosterStore(data),
        () => performance.now(),
      ),
      plan: (host) => this.joinedPlan(host),
      // Nodes have no business with etcd: only API servers talk to it.
      mayReach: (_from: Address, to: Address) => roleOf(to) !== "etcd",
      hostsMax: joinedHostsMax,
      log: (level, message, fields) => log.log(level, message, fields),
    });
  }
}

/** Why an actor cannot use what is on its disk, if that is what the event says; starting it again would not help. */
function unusable(event: RuntimeEvent): string | undefined {
  if (event.type !== "crashed" || !(event.error instanceof Error) || !event.error.message.startsWith("disk: ")) return undefined;
  return event.error.message.slice("disk: ".length);
}

/** The cluster was stopped before it was ready. */
export class Stopped extends Error {}

function readPki(data: string | undefined): Pki {
  try {
    return loadPki(data === undefined ? undefined : join(data, "pki"));
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}

function refuse(flag: string, { host, port }: Endpoint, error: NodeJS.ErrnoException): never {
  const why =
    error.code === "EADDRINUSE"
      ? "the port is in use"
      : error.code === "EADDRNOTAVAIL"
        ? "this machine has no such address"
        : error.message;
  throw new InputError(`${flag} ${authorityOf(host, port)}: ${why}`);
}

/** Locks a data directory and checks that it is one of such a cluster. */
function takeDirectory(data: string, shape: ClusterShape): () => void {
  let unlock: () => void;
  try {
    mkdirSync(data, { recursive: true });
    unlock = lockDirectory(data);
  } catch (error) {
    throw new InputError(`--data ${data}: ${(error as Error).message}`);
  }
  try {
    checkShape(data, shape);
  } catch (error) {
    unlock();
    throw error;
  }
  return unlock;
}

/** The members of etcd are fixed when a cluster is made; the rest may change from one start to the next. */
function checkShape(data: string, { etcd, nodes }: ClusterShape): void {
  const file = join(data, "cluster.json");
  if (!existsSync(file)) return writePrivately(file, JSON.stringify({ version: 1, etcd }));
  const made = readJson<{ readonly version?: number; readonly etcd?: number }>(file);
  if (made.version !== 1 || typeof made.etcd !== "number") throw new InputError(`${file}: is not of a cluster that this version can read`);
  if (made.etcd !== etcd) throw new InputError(`--data ${data}: this cluster was made with ${made.etcd} members of etcd, not ${etcd}`);
  const joined = rosterStore(data).load();
  const twice = joined.find(({ host }) => Number(host.slice("node-".length)) < nodes);
  if (twice)
    throw new InputError(
      `--nodes ${nodes}: ${twice.host} of ${data} is a node that joined; up to ${twice.host.slice("node-".length)} nodes fit beside it`,
    );
}

function rosterStore(data: string | undefined) {
  if (data === undefined) return { load: () => [], save: () => {} };
  const file = join(data, "joined.json");
  return {
    load: () => (existsSync(file) ? readJson<readonly Granted[]>(file) : []),
    save: (granted: readonly Granted[]) => writePrivately(file, JSON.stringify(granted)),
  };
}

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    throw new InputError(`${file}: cannot be read: ${(error as Error).message}`);
  }
}

/** The port where processes joined last time, so that they find the hub again; 0 where there is none. */
function rememberedPort(data: string | undefined): number {
  const file = data === undefined ? undefined : join(data, "join-port");
  return file !== undefined && existsSync(file) ? Number(readFileSync(file, "utf8")) || 0 : 0;
}
