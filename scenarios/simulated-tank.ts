import type { Address, HostName } from "../protocol/address";
import type { WireRule } from "../runtime/rules";
import type { Simulation } from "../runtime/simulated/simulation";
import type { ClusterPlan } from "./cluster";
import type { DiskTrouble, Tank } from "./tank";
import type { HostFacts } from "./target";

/** The simulated world as faults see it. `leads` says whether something on a host is a leader at this moment. */
export class SimulatedTank implements Tank {
  readonly zones: readonly string[];

  constructor(
    private readonly simulation: Simulation,
    private readonly plan: ClusterPlan,
    private readonly leads: (host: HostName) => boolean,
  ) {
    this.zones = [...new Set(plan.hosts.map(({ zone }) => zone))];
  }

  hosts(): readonly HostFacts[] {
    return this.plan.hosts.map(({ name, zone, role }) => ({
      name,
      zone,
      role,
      up: this.simulation.host(name).host.up,
      leads: this.leads(name),
    }));
  }

  actorsOn(host: HostName): readonly Address[] {
    return this.simulation.host(host).host.addresses();
  }

  addRule(rule: WireRule): void {
    this.simulation.addRule(rule);
  }

  removeRule(id: string): void {
    this.simulation.removeRule(id);
  }

  crashHost(host: HostName, silent: boolean): void {
    this.simulation.crashHost(host, { silent });
  }

  startHost(host: HostName): void {
    this.simulation.startHost(host);
  }

  crashActor(actor: Address): void {
    this.simulation.crashActor(actor);
  }

  pauseHost(host: HostName): void {
    this.simulation.pauseHost(host);
  }

  resumeHost(host: HostName): void {
    this.simulation.resumeHost(host);
  }

  slowHost(host: HostName, factor: number): void {
    this.simulation.host(host).cpu.slowdown = factor;
  }

  jumpClock(host: HostName, byUs: number): void {
    this.simulation.host(host).clock.jump(byUs);
  }

  driftClock(host: HostName, ppm: number): void {
    this.simulation.host(host).clock.drift(ppm);
  }

  correctClock(host: HostName): void {
    this.simulation.host(host).clock.correct();
  }

  troubleDisk(host: HostName, trouble: DiskTrouble): void {
    const { disk } = this.simulation.host(host);
    Object.assign(disk.faults, trouble);
    disk.resume();
  }

  wipeDisk(host: HostName): void {
    this.simulation.host(host).disk.wipe();
  }

  diskCounts(host: HostName): { readonly lostWrites: number; readonly failedWrites: number; readonly syncs: number } {
    return this.simulation.host(host).disk.counts;
  }

  packetsHitBy(rule: string): number {
    return this.simulation.wire.ruleCounts.get(rule) ?? 0;
  }
}
