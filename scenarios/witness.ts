import { hashKv } from "../actors/etcd/store/hash";
import type { Store } from "../actors/etcd/store/store";
import { type Address, type HostName, roleOf } from "../protocol/address";
import type { RuntimeEvent } from "../runtime/world";
import { CheckRun } from "./checks/check";
import { noPanics } from "./checks/no-panics";
import type { HostPlan } from "./cluster";
import type { Final, HistoryEvent } from "./history";
import type { Observation } from "./language/expectation";
import { Ledger } from "./ledger";
import { Probes } from "./probes";
import { Recorder } from "./report/recorder";
import type { RunWorld } from "./run-world";
import type { Scenario } from "./scenario";
import { openerOf } from "./sealed";
import { type TimelineLine, timelineOf } from "./timeline";

/** What Raft and the store record of each entry, most of all facts: only checks and conditions look at it. No probe, line or series of the report is made of it. */
const ofEachEntry: ReadonlySet<string> = new Set([
  "raft.appended",
  "raft.persisted",
  "raft.committed",
  "etcd.applied",
  "etcd.acknowledged",
]);

/** Sees everything that happens in a cluster and tells it as history: to the checks, the probes, the timeline and the report. Changes nothing. */
export class Witness {
  readonly probes = new Probes();
  readonly recorder: Recorder;
  readonly timeline: TimelineLine[] = [];
  readonly checkRuns: readonly CheckRun[];
  /** Whoever waits for something to happen. */
  audience: ((observation: Observation) => void) | undefined;
  private readonly ledger: Ledger;
  private readonly etcdTerms = new Map<HostName, number>();
  /** Who began a life on a host that has not ended: members of etcd come and go, so the plan does not say. */
  private readonly living = new Map<HostName, Set<Address>>();
  private readonly leaseHolders = new Map<string, HostName>();

  constructor(
    private readonly world: RunWorld,
    private readonly hosts: readonly HostPlan[],
    scenario: Scenario,
    private readonly listeners: {
      readonly onTimeline?: (line: TimelineLine) => void;
      readonly onEvent?: (event: HistoryEvent) => void;
    } = {},
  ) {
    this.recorder = new Recorder(scenario);
    this.ledger = new Ledger(openerOf(scenario.servers.encryption, scenario.keyServices));
    const always = scenario.expect.some(({ check }) => check === noPanics) ? [] : [new CheckRun(noPanics.name, noPanics, {})];
    this.checkRuns = [...always, ...scenario.expect.map(({ check, label, params }) => new CheckRun(label, check, params))];
    world.addObserver((nowUs, host, event) => this.observe(nowUs, host, event));
  }

  /** The API objects by id, as the store has them. */
  get objects(): Final["objects"] {
    return this.ledger.objects;
  }

  /** Whether something on the host leads now: etcd, or a Lease of the control plane. */
  leads(host: HostName): boolean {
    const term = this.etcdTerms.get(host);
    if (term !== undefined) return term === Math.max(...this.etcdTerms.values());
    return [...this.leaseHolders.values()].includes(host);
  }

  /** Whether the check of that label is violated so far. */
  isViolated(check: string): boolean {
    return this.checkRuns.some((run) => run.label === check && run.isViolated);
  }

  /** The etcd members that run, with what they hold; who lives on a host is asked anew, for members come and go. */
  members(actorsOn: (host: HostName) => readonly Address[]): Final["members"] {
    return this.hosts
      .filter(({ role }) => role === "etcd")
      .flatMap(({ name }) => actorsOn(name).filter((actor) => roleOf(actor) === "etcd"))
      .flatMap((address) => {
        const store = this.storeOf(address);
        if (!store) return [];
        const modRevisionOf = (key: string) => store.get(Buffer.from(key, "utf8").toString("latin1"))?.modRevision;
        const { revision, compacted } = store;
        return [{ actor: address, revision, compacted, modRevisionOf, hashKv: (at: number) => hashKv(store, at) }];
      });
  }

  /** The same as long as no object has changed that anybody could be waiting for. */
  get objectsVersion(): number {
    return this.ledger.version;
  }

  /** Notes how things stand for the report; called once for each second. */
  sample(): void {
    this.recorder.sample(this.objects, this.world.clockOffsetsUs(), Math.round(this.world.now() / 1e6), this.ledger.version);
  }

  /** Adds an event to the history. */
  tell(event: HistoryEvent, checks: readonly CheckRun[] = this.checkRuns): void {
    const shows = event.type !== "fact" || !ofEachEntry.has(event.fact.kind);
    if (shows) {
      this.probes.see(event);
      this.recorder.see(event);
    }
    this.listeners.onEvent?.(event);
    const line = shows ? timelineOf(event) : undefined;
    if (line) this.show(line);
    this.judge(event, checks);
    this.audience?.({ type: "history", event });
  }

  /** Notes that a backup of etcd was saved. */
  backupSaved(revision: number): void {
    this.tell({ type: "backup", atUs: this.world.now(), revision });
  }

  /** Etcd begins anew with that store, made of the backup of that revision: the truth goes back with it, and checks of one history begin again. */
  restored(store: Store, backupRevision: number): void {
    const atUs = this.world.now();
    const lostRevisions = Math.max(0, this.ledger.newest - backupRevision);
    const { standing, changes } = this.ledger.restored(store, atUs);
    const anew = this.checkRuns.filter((check) => !check.spansRestore);
    for (const check of anew) check.beginAnew();
    this.tell({ type: "restore", atUs, backupRevision, lostRevisions, revision: store.revision });
    for (const event of standing) this.judge(event, anew);
    const others = this.checkRuns.filter((check) => check.spansRestore);
    for (const event of changes) this.tell(event, others);
  }

  private judge(event: HistoryEvent, checks: readonly CheckRun[]): void {
    for (const check of checks) {
      const violation = check.see(event);
      if (violation !== undefined) this.show({ atUs: event.atUs, tone: "verdict", text: `violated: ${violation}` });
    }
  }

  private show(line: TimelineLine): void {
    this.timeline.push(line);
    this.listeners.onTimeline?.(line);
    this.audience?.({ type: "line", text: line.text });
  }

  private observe(atUs: number, host: HostName, event: RuntimeEvent): void {
    switch (event.type) {
      case "fact": {
        const { actor, fact } = event;
        if (fact.kind === "raft.leader") this.etcdTerms.set(host, fact.term as number);
        if (fact.kind === "leader.elected") this.leaseHolders.set(String(fact.lease), host);
        this.tell({ type: "fact", atUs, actor, host, fact });
        const store = fact.kind === "etcd.applied" ? this.storeOf(actor) : undefined;
        if (store) for (const told of this.ledger.read(store, atUs)) this.tell(told);
        return;
      }
      case "started":
        this.living.set(host, (this.living.get(host) ?? new Set()).add(event.actor));
        return this.tell({ type: "life", atUs, actor: event.actor, alive: true, error: "" });
      case "stopped":
        this.living.get(host)?.delete(event.actor);
        return this.tell({ type: "life", atUs, actor: event.actor, alive: false, error: "" });
      case "crashed": {
        this.living.get(host)?.delete(event.actor);
        const error = event.error instanceof Error ? event.error.message : String(event.error);
        return this.tell({ type: "life", atUs, actor: event.actor, alive: false, error });
      }
      case "hostDown":
        this.etcdTerms.delete(host);
        for (const [lease, holder] of this.leaseHolders) if (holder === host) this.leaseHolders.delete(lease);
        this.tell({ type: "host", atUs, host, up: false });
        for (const actor of this.living.get(host) ?? []) this.tell({ type: "life", atUs, actor, alive: false, error: "" });
        this.living.delete(host);
        return;
      case "hostUp":
        return this.tell({ type: "host", atUs, host, up: true });
    }
  }

  private storeOf(actor: Address): Store | undefined {
    return this.world.stateOf<{ readonly store?: Store }>(actor)?.store;
  }
}
