import { join } from "node:path";
import { type Observable, Subject } from "rxjs";
import { type Address, address, type HostName } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Answer, AnyActor } from "../actor";
import { gateOf } from "../gate";
import { Host } from "../host";
import { type Gate, type Interposer, type Meddling, noMeddling } from "../interposer";
import { gatewayActor, Portal } from "../portal";
import type { WireRule } from "../rules";
import { type Service, serve } from "../serving";
import type { Cancel, Observer, RuntimeEvent, Secrets } from "../world";
import { HostClock, LiveClock } from "./clock";
import { type HostCondition, healthyHost, healthyLiveDisk, type LiveDiskCounts } from "./condition";
import { LiveDirectory } from "./directory";
import { FileDisk } from "./disk/file-disk";
import { MemoryDisk } from "./disk/memory-disk";
import { TroubledDisk } from "./disk/troubled-disk";
import { NactDispatcher } from "./dispatcher";
import { LiveRandom } from "./random";
import { LiveWire } from "./wire/wire";

/** What is to live on one host. */
export interface HostPlan {
  readonly name: HostName;
  readonly zone: string;
  readonly actors: readonly { readonly address: Address; readonly config: unknown }[];
  /** Addresses behind which asynchronous code stands; their roles have a servingActor. */
  readonly services?: readonly { readonly address: Address; readonly service: Service }[];
}

export interface LiveWorldOptions {
  readonly actors: readonly AnyActor[];
  readonly secrets: Secrets;
  /** Where hosts keep their disks, a directory each; without it data lasts as long as the process. */
  readonly dataDirectory?: string;
  /** Where a log of a disk begins its next file. */
  readonly segmentBytes?: number;
  readonly observers?: readonly LiveObserver[];
  /** How long a connection may be blocked before it breaks. */
  readonly connectionTimeoutUs?: number;
}

/** Hears of every event when it happens. */
export type LiveObserver = (host: HostName, event: RuntimeEvent) => void;

/** Something that the runtime did on a host of this process. */
export interface LiveEvent {
  readonly host: HostName;
  readonly event: RuntimeEvent;
}

/** The hosts of one process, on real time, real files and real sockets. */
export class LiveWorld {
  readonly clock = new LiveClock();
  readonly random = new LiveRandom();
  readonly directory = new LiveDirectory();
  readonly wire: LiveWire;
  readonly hosts = new Map<HostName, Host>();
  private readonly plans = new Map<HostName, HostPlan>();
  private readonly disks = new Map<HostName, FileDisk | MemoryDisk>();
  private readonly troubled = new Map<HostName, TroubledDisk>();
  private readonly clocks = new Map<HostName, HostClock>();
  private readonly conditions = new Map<HostName, HostCondition>();
  /** Disks of hosts that went down, which are being closed. */
  private readonly closing = new Map<HostName, Promise<void>>();
  private readonly dispatcher = new NactDispatcher();
  private readonly actors: ReadonlyMap<string, AnyActor>;
  private readonly happened = new Subject<LiveEvent>();
  private readonly noted = new Subject<LiveEvent>();
  /** Everything that happens on this process' hosts, as it happens; completes when the world is closed. What an observer throws it throws outside of all turns. */
  readonly events: Observable<LiveEvent> = this.happened.asObservable();
  /** The same without what happens with each message (`isRoutine`): whoever has no use for that is not to be told of it, for it is nearly everything. */
  readonly notable: Observable<LiveEvent> = this.noted.asObservable();
  private readonly rules = new Map<string, WireRule>();
  private readonly meddlings = new Map<HostName, Meddling>();
  private readonly ruleListeners = new Set<(rules: readonly WireRule[]) => void>();
  private outside: Portal | undefined;
  private closed = false;

  constructor(private readonly options: LiveWorldOptions) {
    this.actors = new Map([...options.actors, gatewayActor].map((actor) => [actor.role, actor]));
    for (const observer of options.observers ?? []) this.events.subscribe(({ host, event }) => observer(host, event));
    this.wire = new LiveWire(this.clock, this.random, options.connectionTimeoutUs);
  }

  /** Adds a host that is down; `startHost` brings it up. */
  addHost(plan: HostPlan): void {
    if (this.plans.has(plan.name)) throw new Error(`host ${plan.name} exists already`);
    this.plans.set(plan.name, plan);
    for (const { address } of [...plan.actors, ...(plan.services ?? [])]) this.directory.register(address, plan.name);
  }

  /** What lives on the hosts of this process, up or down. */
  hostPlans(): readonly HostPlan[] {
    return [...this.plans.values()];
  }

  /** Puts an actor on a host of this process, which starts it with itself from now on; one of the same address gives way to it. */
  placeActor(host: HostName, actor: Address, config: unknown): void {
    this.removeActor(host, actor);
    const plan = this.planOf(host);
    this.plans.set(host, { ...plan, actors: [...plan.actors, { address: actor, config }] });
    this.hosts.get(host)?.place(actor, config);
    this.directory.register(actor, host);
  }

  /** Takes an actor off a host of this process for good. */
  removeActor(host: HostName, actor: Address): void {
    const plan = this.planOf(host);
    this.plans.set(host, { ...plan, actors: plan.actors.filter(({ address }) => address !== actor) });
    this.hosts.get(host)?.remove(actor);
  }

  /** What an actor that is placed on a host of this process was configured with. */
  configOf(host: HostName, actor: Address): unknown {
    return this.plans.get(host)?.actors.find(({ address }) => address === actor)?.config;
  }

  private planOf(name: HostName): HostPlan {
    const plan = this.plans.get(name);
    if (plan === undefined) throw new Error(`no host ${name}; there are ${[...this.plans.keys()].join(", ")}`);
    return plan;
  }

  /** Starts all hosts that are down. */
  start(): void {
    for (const name of this.plans.keys()) this.startHost(name);
  }

  startHost(name: HostName): void {
    const plan = this.planOf(name);
    if (this.hosts.get(name)?.up) return;
    const observer: Observer = { event: (host, event) => this.observe(host, event) };
    const { random, wire, directory } = this;
    const host = new Host({
      name,
      zone: plan.zone,
      ports: {
        clock: this.clockOf(name),
        random,
        wire,
        disk: this.troubledDiskOf(name),
        secrets: this.options.secrets,
        directory,
        observer,
      },
      dispatcher: this.dispatcher,
      actors: this.actors,
      // Nothing remembers earlier lives of this process; the time is above all that they can have counted to.
      incarnationBase: Date.now(),
      kill: (detail) => void this.crashHost(name, detail),
      meddling: this.meddlingWith(name),
    });
    this.hosts.set(name, host);
    for (const { address, config } of plan.actors) host.place(address, config);
    for (const { address, service } of plan.services ?? []) serve(host, address, service);
    host.start();
  }

  /** Kills everything on a host at once; writes that its disk has not begun are lost. */
  async crashHost(name: HostName, detail = "crashed on purpose"): Promise<void> {
    this.hosts.get(name)?.crash(detail);
    this.troubled.get(name)?.forget();
    const disk = this.disks.get(name);
    if (!(disk instanceof FileDisk)) return;
    this.disks.delete(name);
    const closed = disk.close({ flush: false });
    this.closing.set(name, closed);
    await closed;
    if (this.closing.get(name) === closed) this.closing.delete(name);
  }

  /** What faults have made of a host of this process. */
  conditionOf(name: HostName): HostCondition {
    return this.conditions.get(name) ?? healthyHost;
  }

  /** Brings a host of this process into a condition; a healthy one undoes all that faults have made of it. */
  setCondition(name: HostName, to: HostCondition): void {
    const from = this.conditionOf(name);
    this.conditions.set(name, to);
    this.clockOf(name).setOff(to.clockOffsetUs, to.clockDriftPpm);
    this.troubledDiskOf(name).suffer(to.disk);
    if (to.paused) this.dispatcher.pause(name);
    else this.dispatcher.resume(name);
    if (to.slowdown !== from.slowdown) this.dispatcher.slow(name, to.slowdown);
    for (const actor of from.kept) if (!to.kept.includes(actor)) this.release(name, actor);
    for (const actor of to.kept) if (!from.kept.includes(actor)) this.keepDown(name, actor);
    if (to.down && !from.down) {
      if (to.silent) this.wire.silence(name);
      void this.crashHost(name);
    } else if (from.down && !to.down) void this.comeBack(name);
  }

  /** The host starts again when the files of its former life are closed, unless it is to be down again by then. Nothing happens to one that is up. */
  async comeBack(name: HostName): Promise<void> {
    await this.closing.get(name);
    if (!this.closed && this.plans.has(name) && !this.conditionOf(name).down) this.startHost(name);
  }

  diskCountsOf(name: HostName): LiveDiskCounts {
    return this.troubledDiskOf(name).counts;
  }

  /** How far the wall clock of a host of this process is off, in microseconds. */
  clockOffUs(name: HostName): number {
    return this.clocks.get(name)?.offUs ?? 0;
  }

  /** Takes a host away for good; what is on its disk stays there. */
  async removeHost(name: HostName, detail: string): Promise<void> {
    await this.crashHost(name, detail);
    const plan = this.plans.get(name);
    for (const { address } of [...(plan?.actors ?? []), ...(plan?.services ?? [])]) this.directory.unregister(address, name);
    this.hosts.delete(name);
    this.plans.delete(name);
  }

  crashActor(actor: Address, detail = "crashed on purpose"): void {
    const host = this.directory.hostOf(actor);
    if (host !== undefined) this.hosts.get(host)?.crashActor(actor, new Error(detail));
  }

  /** Kills an actor of this process and does not start it again, through all lives of its host, until it is released. */
  keepDown(host: HostName, actor: Address): void {
    this.meddlingWith(host).kept.add(actor);
    this.hosts.get(host)?.keepDown(actor, "crashed on purpose: kept down");
  }

  release(host: HostName, actor: Address): void {
    this.hosts.get(host)?.release(actor);
    this.meddlingWith(host).kept.delete(actor);
  }

  /** Puts an interposer between the actors of a host of this process and the rest of the world, through all lives of the host. */
  interpose(host: HostName, make: (gate: Gate) => Interposer): Cancel {
    const interposer = make(gateOf(() => this.hosts.get(host)));
    const { interposers } = this.meddlingWith(host);
    interposers.add(interposer);
    return { cancel: () => interposers.remove(interposer) };
  }

  /** Installs a fault rule on this wire and those of joined processes; one of the same id is replaced. */
  addRule(rule: WireRule): void {
    this.rules.set(rule.id, rule);
    this.rulesChanged();
  }

  removeRule(id: string): void {
    if (this.rules.delete(id)) this.rulesChanged();
  }

  installedRules(): readonly WireRule[] {
    return [...this.rules.values()];
  }

  onRules(listener: (rules: readonly WireRule[]) => void): void {
    this.ruleListeners.add(listener);
  }

  /** An address "gateway/NAME" on a host of this process, from which the real world speaks. It goes down with the host. */
  portal(hostName: HostName, name: string): Portal {
    const host = this.hosts.get(hostName);
    if (host === undefined) throw new Error(`no host ${hostName} is up; there are ${[...this.hosts.keys()].join(", ")}`);
    const gateway = address("gateway", name);
    if (host.cell(gateway) === undefined) host.place(gateway, null);
    return new Portal(host, gateway);
  }

  /** Asks an actor from outside, as a test or a tool does. Always resolves; a failure is an answer too. */
  ask<M extends Message>(to: Address, body: Message, deadlineMs: number): Promise<Answer<M>> {
    return new Promise((resolve) => this.outsidePortal().ask<M>(to, body, deadlineMs, resolve));
  }

  /** The portal of a host of its own, "outside", for tests and tools. */
  outsidePortal(): Portal {
    if (this.outside === undefined) {
      this.addHost({ name: "outside", zone: "outside", actors: [] });
      this.startHost("outside");
      this.outside = this.portal("outside", "outside");
    }
    return this.outside;
  }

  /** Stops all hosts, lets disks finish what was asked of them and gives everything back. */
  async close(): Promise<void> {
    this.closed = true;
    for (const host of this.hosts.values()) host.crash("the process ends");
    this.dispatcher.close();
    for (const disk of this.troubled.values()) disk.suffer(healthyLiveDisk);
    await Promise.all([...this.closing.values()]);
    await Promise.all([...this.disks.values()].map((disk) => (disk instanceof FileDisk ? disk.close({ flush: true }) : undefined)));
    this.happened.complete();
    this.noted.complete();
    // What somebody still waits for, the end of a fault in a quarter of an hour say, will not be.
    this.clock.close();
  }

  private rulesChanged(): void {
    const rules = this.installedRules();
    this.wire.setRules(rules);
    for (const listener of this.ruleListeners) listener(rules);
  }

  /** What faults left on a host of this process, up or down. */
  private meddlingWith(name: HostName): Meddling {
    let meddling = this.meddlings.get(name);
    if (meddling === undefined) this.meddlings.set(name, (meddling = noMeddling()));
    return meddling;
  }

  private clockOf(name: HostName): HostClock {
    let clock = this.clocks.get(name);
    if (clock === undefined) this.clocks.set(name, (clock = new HostClock(this.clock)));
    return clock;
  }

  private troubledDiskOf(name: HostName): TroubledDisk {
    let disk = this.troubled.get(name);
    if (disk === undefined)
      this.troubled.set(name, (disk = new TroubledDisk(name, () => this.diskOf(name), this.clockOf(name), this.random)));
    return disk;
  }

  private diskOf(name: HostName): FileDisk | MemoryDisk {
    let disk = this.disks.get(name);
    if (disk === undefined) {
      const { dataDirectory, segmentBytes } = this.options;
      const options = segmentBytes === undefined ? {} : { segmentBytes };
      disk = dataDirectory === undefined ? new MemoryDisk() : new FileDisk(join(dataDirectory, "hosts", name), options);
      this.disks.set(name, disk);
    }
    return disk;
  }

  /** Tells of what happened on a host of another process. */
  tell(host: HostName, event: RuntimeEvent): void {
    this.observe(host, event);
  }

  private observe(host: HostName, event: RuntimeEvent): void {
    if (isRoutine(event) && !this.happened.observed) return;
    const happened = { host, event };
    this.happened.next(happened);
    if (!isRoutine(event)) this.noted.next(happened);
  }
}

/** What happens with each message, timer and write. */
function isRoutine({ type }: RuntimeEvent): boolean {
  return type === "deliver" || type === "timer" || type === "persisted";
}
