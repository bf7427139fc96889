import { type Address, address, type HostName } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Answer, AnyActor } from "../actor";
import { Host } from "../host";
import { gatewayActor, Portal } from "../portal";
import type { WireRule } from "../rules";
import { Trace, type TraceOptions } from "../trace";
import type { Cancel, Directory, Observer, RuntimeEvent } from "../world";
import { epochUs, SimulatedClock } from "./clock";
import { type CpuCosts, defaultCpuCosts, SimulatedCpu } from "./cpu";
import { defaultSyncUs, SimulatedDisk } from "./disk";
import { EventHeap } from "./event-heap";
import { installPoison, poisoned } from "./poison";
import { SimulatedRandom } from "./random";
import { SimulatedSecrets } from "./secrets";
import { StoredBytes } from "./stored-bytes";
import { defaultLatencies, type Latencies, SimulatedWire } from "./wire";

export interface SimulationOptions {
  /** A safe integer, 0 or more. It decides everything. */
  readonly seed: number;
  readonly actors: readonly AnyActor[];
  readonly observers?: readonly SimulationObserver[];
  readonly trace?: TraceOptions;
  readonly latencies?: Partial<Latencies>;
  readonly cpu?: Partial<CpuCosts>;
}

/** Hears of every event when it happens, at virtual time `nowUs`. It must not change the simulation from inside. */
export type SimulationObserver = (nowUs: number, host: HostName, event: RuntimeEvent) => void;

/** A host of the simulation, with the parts that faults act on. */
export interface SimulatedHost {
  readonly name: HostName;
  readonly zone: string;
  readonly host: Host;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly cpu: SimulatedCpu;
}

/**
 * The whole world in one process and in virtual time. Events happen one after the other in the order of (time, sequence); a seed decides every draw,
 * so the same seed and the same calls give the same trace. Times are whole microseconds since the simulation began.
 */
export class Simulation {
  readonly heap = new EventHeap();
  readonly random: SimulatedRandom;
  readonly wire: SimulatedWire;
  readonly trace: Trace;
  readonly hosts = new Map<HostName, SimulatedHost>();
  private readonly actors: ReadonlyMap<string, AnyActor>;
  private readonly places = new Map<Address, HostName>();
  private readonly observers: SimulationObserver[];
  private readonly rules = new Map<string, WireRule>();
  private readonly cpuCosts: CpuCosts;
  private readonly storedBytes = new StoredBytes();
  private outside: Portal | undefined;

  constructor(options: SimulationOptions) {
    if (!Number.isSafeInteger(options.seed) || options.seed < 0)
      throw new Error(`seed ${options.seed}: expected a whole number, 0 or more`);
    this.random = new SimulatedRandom(options.seed);
    this.wire = new SimulatedWire(this.heap, this.random, { ...defaultLatencies, ...options.latencies });
    this.trace = new Trace(options.trace);
    this.observers = [...(options.observers ?? [])];
    this.cpuCosts = { ...defaultCpuCosts, ...options.cpu };
    this.actors = new Map([...options.actors, gatewayActor].map((actor) => [actor.role, actor]));
  }

  /** Microseconds since the simulation began. */
  now(): number {
    return this.heap.nowUs;
  }

  addHost(spec: { readonly name: HostName; readonly zone: string }): SimulatedHost {
    if (this.hosts.has(spec.name)) throw new Error(`host ${spec.name} exists already`);
    const clock = new SimulatedClock(this.heap);
    const disk = new SimulatedDisk(spec.name, this.heap, this.random, defaultSyncUs, this.storedBytes);
    const cpu = new SimulatedCpu(this.heap, poisoned, this.cpuCosts);
    const observer: Observer = { event: (host, event) => this.observe(host, event) };
    const directory: Directory = {
      hostOf: (actor) => this.places.get(actor),
      register: (actor, host) => void this.places.set(actor, host),
      unregister: (actor, host) => {
        if (this.places.get(actor) === host) this.places.delete(actor);
      },
    };
    const host = new Host({
      name: spec.name,
      zone: spec.zone,
      ports: { clock, random: this.random, wire: this.wire, disk, secrets: new SimulatedSecrets(), directory, observer },
      dispatcher: cpu,
      actors: this.actors,
      kill: (detail) => this.crashHost(spec.name, { detail }),
    });
    this.wire.zone(spec.name, spec.zone);
    const simulated: SimulatedHost = { name: spec.name, zone: spec.zone, host, clock, disk, cpu };
    this.hosts.set(spec.name, simulated);
    return simulated;
  }

  /** Says that an actor lives on a host; it starts when the host does. */
  place(host: HostName, actor: Address, config: unknown): void {
    this.host(host).host.place(actor, config);
  }

  /** Starts all hosts that are down. */
  start(): void {
    for (const { host } of this.hosts.values()) host.start();
  }

  host(name: HostName): SimulatedHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`no host ${name}; there are ${[...this.hosts.keys()].join(", ")}`);
    return host;
  }

  hostOf(actor: Address): HostName | undefined {
    return this.places.get(actor);
  }

  addObserver(observer: SimulationObserver): void {
    this.observers.push(observer);
  }

  // ——— time ———

  /** Lets one event happen; false when nothing will ever happen again. */
  step(): boolean {
    const restore = installPoison();
    try {
      return this.heap.step();
    } finally {
      restore();
    }
  }

  /** Lets everything happen that is due up to that time, or until `stop` says so after an event. */
  runUntil(untilUs: number, stop?: () => boolean): void {
    const restore = installPoison();
    try {
      for (let next = this.heap.nextUs(); next !== undefined && next <= untilUs; next = this.heap.nextUs()) {
        this.heap.step();
        if (stop?.()) return;
      }
      this.heap.nowUs = Math.max(this.heap.nowUs, untilUs);
    } finally {
      restore();
    }
  }

  runFor(ms: number, stop?: () => boolean): void {
    this.runUntil(this.heap.nowUs + Math.round(ms * 1000), stop);
  }

  /** Calls back outside of any turn after that much virtual time. */
  schedule(delayUs: number, callback: () => void): Cancel {
    return this.heap.after(delayUs, callback);
  }

  /** The same at a time, before everything that happens then in the world itself; among its like in the order of these numbers. */
  scheduleFirst(atUs: number, order: number, callback: () => void): Cancel {
    return this.heap.first(atUs, order, callback);
  }

  // ——— faults ———

  /** Kills everything on a host at once; what its disk had not synced is lost. Silently means that peers only learn of it by keep-alive. */
  crashHost(name: HostName, options: { readonly silent?: boolean; readonly detail?: string } = {}): void {
    const { host, disk, cpu } = this.host(name);
    if (!host.up) return;
    if (options.silent) this.wire.silence(name);
    host.crash(options.detail ?? "crashed");
    disk.crash();
    cpu.clear();
  }

  startHost(name: HostName): void {
    this.host(name).host.start();
  }

  crashActor(actor: Address, detail = "crashed on purpose"): void {
    const host = this.places.get(actor);
    if (host !== undefined) this.host(host).host.crashActor(actor, new Error(detail));
  }

  pauseHost(name: HostName): void {
    this.host(name).cpu.pause();
  }

  resumeHost(name: HostName): void {
    const { cpu, host } = this.host(name);
    cpu.resume(host);
  }

  /** Installs a rule on the wire; one of the same id is replaced. */
  addRule(rule: WireRule): void {
    this.rules.set(rule.id, rule);
    this.wire.setRules([...this.rules.values()]);
  }

  removeRule(id: string): void {
    if (this.rules.delete(id)) this.wire.setRules([...this.rules.values()]);
  }

  installedRules(): readonly WireRule[] {
    return [...this.rules.values()];
  }

  // ——— looking in ———

  /** The state of a running actor, for checks that use ground truth; undefined while it is down. Do not change it. */
  stateOf<State>(actor: Address): State | undefined {
    const host = this.places.get(actor);
    const cell = host === undefined ? undefined : this.hosts.get(host)?.host.cell(actor);
    return cell?.phase === "running" ? (cell.state as State) : undefined;
  }

  /** How far hosts' wall clocks are off, in microseconds. */
  clockOffsetsUs(): ReadonlyMap<HostName, number> {
    return new Map([...this.hosts.values()].map(({ name, clock }) => [name, clock.wallUs() - epochUs - this.now()]));
  }

  traceHash(): string {
    return this.trace.hash();
  }

  /** Notes something in the trace that the driver did, such as a fault. */
  note(text: string): void {
    this.trace.line(`${this.now()} - ${text}`);
  }

  /** Asks an actor from outside, as a test or a tool does; the callback runs when the answer arrives in virtual time. */
  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void {
    this.portal().ask<M>(to, body, deadlineMs, then);
  }

  /** The address from which tests and tools speak: gateway/outside on a host of its own. */
  portal(): Portal {
    if (this.outside === undefined) {
      const { host } = this.addHost({ name: "outside", zone: "outside" });
      const name = address("gateway", "outside");
      host.place(name, null);
      host.start();
      this.outside = new Portal(host, name);
    }
    return this.outside;
  }

  private observe(host: HostName, event: RuntimeEvent): void {
    this.trace.add(this.heap.nowUs, host, event);
    for (const observer of this.observers) observer(this.heap.nowUs, host, event);
  }
}
