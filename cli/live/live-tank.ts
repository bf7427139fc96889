import type { Address, HostName } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Stored } from "../../protocol/kinds/object";
import type { Answer } from "../../runtime/actor";
import type { Gate, Interposer } from "../../runtime/interposer";
import { type HostCondition, healthyHost } from "../../runtime/live/condition";
import type { Hub } from "../../runtime/live/join/hub";
import type { HostPlan, LiveWorld } from "../../runtime/live/world";
import type { WireRule } from "../../runtime/rules";
import type { Cancel } from "../../runtime/world";
import { aims, type PlannedHost } from "../../scenarios/aim";
import { type Fault, listed, type Ongoing, type Params } from "../../scenarios/faults/fault";
import { type DiskCounts, type DiskTrouble, Impossible, OutOfReach, type Tank } from "../../scenarios/tank";
import type { TankKnowledge } from "../../scenarios/tank-knowledge";
import type { HostFacts } from "../../scenarios/target";
import type { FaultWork } from "./joined-tank";

export interface LiveTankOptions {
  readonly world: LiveWorld;
  readonly hub: Hub;
  /** The hosts of this process. */
  readonly hosts: () => readonly (PlannedHost & Pick<HostPlan, "actors">)[];
  /** What lives on a host of a joined process. */
  readonly joinedPlan: (host: HostName) => HostPlan;
  readonly knowledge: TankKnowledge;
  /** The doors of the API servers. */
  readonly doors: { sendAway(host: HostName, which: "new" | "all"): void };
  /** Nodes with a process each of their own, which crash by being killed. */
  readonly processes?: { readonly hosts: readonly HostName[]; kill(host: HostName): void; start(host: HostName): void };
}

/**
 * A live cluster as faults see it. Rules reach every process; what else is done to a host of a joined process is told to it, except what takes code
 * of this process in its middle.
 */
export class LiveTank implements Tank {
  private readonly beganUs: number;
  /** What a fault that is beginning has done so far, and how to undo it. */
  private attempted: (() => void)[] | undefined;

  constructor(private readonly options: LiveTankOptions) {
    this.beganUs = options.world.clock.monotonicUs();
  }

  get zones(): readonly string[] {
    return [...new Set(this.hosts().map(({ zone }) => zone))];
  }

  hosts(): readonly HostFacts[] {
    const { world, hub, knowledge } = this.options;
    const here = this.options.hosts().map(({ name, zone, role }) => ({ name, zone, role, up: world.hosts.get(name)?.up ?? false }));
    const elsewhere = this.joined().map(({ name, zone }) => ({
      name,
      zone,
      role: "node" as const,
      up: this.isConnected(name) && !hub.conditionOf(name).down,
    }));
    return [...here, ...elsewhere].map((host) => ({ ...host, leads: host.up && knowledge.leads(host.name) }));
  }

  /** For what must be known of hosts before a selector can be judged. */
  planned(): readonly PlannedHost[] {
    return [...this.options.hosts(), ...this.joined().map((plan) => ({ ...plan, role: "node" as const }))];
  }

  actorsOn(host: HostName): readonly Address[] {
    const { world } = this.options;
    if (this.isHere(host)) return world.hosts.get(host)?.addresses() ?? [];
    return world.directory.entries().flatMap((entry) => (entry.host === host ? [entry.actor] : []));
  }

  residentsOf(host: HostName): readonly Address[] {
    return this.isHere(host) ? (this.options.world.hosts.get(host)?.residents() ?? []) : this.actorsOn(host);
  }

  hostOf(actor: Address): HostName | undefined {
    return this.options.world.directory.hostOf(actor);
  }

  objects(): ReadonlyMap<string, Stored> {
    return this.options.knowledge.objects();
  }

  /** Lets a fault begin; where it cannot, what it has done already is undone before the error goes on. */
  attempt<T>(begin: () => T): T {
    const outer = this.attempted;
    const undo: (() => void)[] = [];
    this.attempted = undo;
    try {
      const begun = begin();
      outer?.push(...undo);
      return begun;
    } catch (error) {
      for (const one of undo.reverse()) one();
      throw error;
    } finally {
      this.attempted = outer;
    }
  }

  /** What takes code in the middle of hosts of joined processes is begun there, beside what is begun here; all else as ever. */
  begin(fault: Fault, targets: readonly string[], params: Params, id: string): Ongoing {
    try {
      return this.attempt(() => fault.begin(this, targets, params, id));
    } catch (error) {
      if (!(error instanceof OutOfReach)) throw error;
      const { hostsOf } = aims[fault.aims ?? "hosts"];
      const away = (target: string) => hostsOf([target], this).filter((host) => !this.isHere(host));
      const remote = targets.filter((target) => away(target).length > 0);
      const local = targets.filter((target) => !remote.includes(target));
      const ongoing = local.length > 0 ? fault.begin(this, local, params, id) : undefined;
      const objects = Object.fromEntries(remote.flatMap((target) => this.objectNamed(`Pod ${target}`)));
      const work: FaultWork = { fault: fault.name, targets: remote, params, id, objects };
      const { elsewhere } = this.options.hub;
      elsewhere.begin(id, [...new Set(remote.flatMap(away))], work);
      this.attempted?.push(() => elsewhere.end(id));
      return { end: () => listed(ongoing?.end() ?? "", ...elsewhere.end(id)) };
    }
  }

  private objectNamed(id: string): readonly (readonly [string, Stored])[] {
    const object = this.objects().get(id);
    return object ? [[id, object]] : [];
  }

  // ——— time, chance and a voice of its own ———

  draw(who: string, purpose: string, index: number): number {
    return this.options.world.random.draw(who, purpose, index);
  }

  after(delayMs: number, callback: () => void): Cancel {
    return this.options.world.clock.after(Math.round(delayMs * 1000), callback);
  }

  nowUs(): number {
    return this.options.world.clock.monotonicUs() - this.beganUs;
  }

  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void {
    // The answer comes within a turn of the portal, in which nothing may be done to the world.
    this.options.world.outsidePortal().ask<M>(to, body, deadlineMs, (answer) => void setImmediate(() => then(answer)));
  }

  // ——— the network ———

  addRule(rule: WireRule): void {
    this.options.world.addRule(rule);
    this.attempted?.push(() => this.removeRule(rule.id));
  }

  removeRule(id: string): void {
    this.options.world.removeRule(id);
  }

  packetsHitBy(rule: string): number {
    return (this.options.world.wire.ruleCounts.get(rule) ?? 0) + this.options.hub.elsewhere.packetsHitBy(rule);
  }

  interpose(host: HostName, make: (gate: Gate) => Interposer): Cancel {
    const cancel = this.here(host).interpose(host, make);
    this.attempted?.push(() => cancel.cancel());
    return cancel;
  }

  speakVersion(host: HostName, offset: -1 | 0 | 1): void {
    this.here(host).wire.versions.set(host, offset);
    this.attempted?.push(() => this.options.world.wire.versions.set(host, 0));
  }

  // ——— hosts and actors ———

  crashHost(host: HostName, silent: boolean): void {
    if (this.ownsProcess(host)) {
      this.options.processes?.kill(host);
      this.attempted?.push(() => this.options.processes?.start(host));
    } else this.change(host, { down: true, silent });
  }

  startHost(host: HostName): void {
    if (this.ownsProcess(host)) return this.options.processes?.start(host);
    this.change(host, { down: false, silent: false });
    // It may have died of itself, as at an exact place that a fault waited for.
    if (this.isHere(host)) void this.options.world.comeBack(host);
  }

  sendClientsAway(host: HostName, which: "new" | "all"): void {
    this.options.doors.sendAway(host, which);
  }

  crashActor(actor: Address): void {
    const host = this.hostOf(actor);
    if (host === undefined) return;
    if (this.isHere(host)) this.options.world.crashActor(actor);
    else this.options.hub.crashActor(host, actor);
  }

  keepActorDown(actor: Address): void {
    const host = this.hostOf(actor);
    if (host !== undefined) this.change(host, { kept: [...new Set([...this.conditionOf(host).kept, actor])] });
  }

  releaseActor(actor: Address): void {
    const host = this.hostOf(actor);
    if (host !== undefined) this.change(host, { kept: this.conditionOf(host).kept.filter((one) => one !== actor) });
  }

  placeActor(host: HostName, actor: Address, config: unknown): void {
    this.here(host).placeActor(host, actor, config);
  }

  removeActor(actor: Address): void {
    const host = this.hostOf(actor);
    if (host !== undefined) this.here(host).removeActor(host, actor);
  }

  configOf(actor: Address): unknown {
    const host = this.hostOf(actor);
    return host !== undefined && this.isHere(host) ? this.options.world.configOf(host, actor) : undefined;
  }

  pauseHost(host: HostName): void {
    this.change(host, { paused: true });
  }

  resumeHost(host: HostName): void {
    this.change(host, { paused: false });
  }

  slowHost(host: HostName, factor: number): void {
    this.change(host, { slowdown: factor });
  }

  // ——— clocks and disks ———

  jumpClock(host: HostName, byUs: number): void {
    this.change(host, { clockOffsetUs: this.conditionOf(host).clockOffsetUs + byUs });
  }

  driftClock(host: HostName, ppm: number): void {
    this.change(host, { clockDriftPpm: ppm });
  }

  correctClock(host: HostName): void {
    this.change(host, { clockOffsetUs: 0, clockDriftPpm: 0 });
  }

  troubleDisk(host: HostName, { slowdown, full, errorProbability, corruptProbability, misdirectProbability }: DiskTrouble): void {
    if (corruptProbability > 0 || misdirectProbability > 0) throw new Impossible("a live cluster's disks are files, which nothing damages");
    this.change(host, { disk: { slowdown, full, errorProbability } });
  }

  writeDisk(host: HostName): void {
    throw new Impossible(`the disk of ${host} is not written: \`wavetank etcd restore\` makes the files of a live cluster anew`);
  }

  backupOf(): Uint8Array | undefined {
    throw new Impossible(
      "a live cluster is not thrown away for a backup: `wavetank etcd restore` makes another one of what `etcdctl snapshot save` wrote",
    );
  }

  tellOfBackup(): void {}

  tellOfRestore(): void {}

  wipeDisk(host: HostName): void {
    throw new Impossible(`the disk of ${host} is not wiped: a live cluster's files are somebody's data`);
  }

  diskCounts(host: HostName): DiskCounts {
    const counts = this.isHere(host) ? this.options.world.diskCountsOf(host) : this.options.hub.elsewhere.diskCountsOf(host);
    return { ...counts, lostWrites: 0, tornWrites: 0, corruptedWrites: 0, misdirectedWrites: 0 };
  }

  /** Undoes whatever faults have made of all hosts. */
  heal(): void {
    const { world, hub } = this.options;
    for (const rule of world.installedRules()) world.removeRule(rule.id);
    for (const { name } of this.options.hosts()) world.setCondition(name, healthyHost);
    for (const { name } of this.joined()) hub.setCondition(name, healthyHost);
  }

  private joined(): readonly HostPlan[] {
    const { hub, joinedPlan, processes } = this.options;
    return [...new Set([...(processes?.hosts ?? []), ...hub.connectedHosts()])].map((host) => joinedPlan(host));
  }

  private isConnected(host: HostName): boolean {
    return this.options.hub.connectedHosts().includes(host);
  }

  private ownsProcess(host: HostName): boolean {
    return this.options.processes?.hosts.includes(host) ?? false;
  }

  private isHere(host: HostName): boolean {
    return this.options.hosts().some(({ name }) => name === host);
  }

  private here(host: HostName): LiveWorld {
    if (!this.isHere(host)) throw new OutOfReach(`${host} is in a process that joined, into which this fault does not reach`);
    return this.options.world;
  }

  private conditionOf(host: HostName): HostCondition {
    const { world, hub } = this.options;
    return this.isHere(host) ? world.conditionOf(host) : hub.conditionOf(host);
  }

  private change(host: HostName, part: Partial<HostCondition>): void {
    const { world, hub } = this.options;
    const before = this.conditionOf(host);
    const set = (condition: HostCondition) => (this.isHere(host) ? world : hub).setCondition(host, condition);
    set({ ...before, ...part });
    this.attempted?.push(() => set(before));
  }
}
