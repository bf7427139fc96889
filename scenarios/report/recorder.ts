import type { AuditEvent } from "../../actors/api-server/audit/event";
import type { HostName } from "../../protocol/address";
import type { Deployment, EndpointSlice } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import type { Scenario } from "../scenario";
import { type ClientResult, ClientResults } from "./client-results";
import { OperationLog } from "./operations";
import { type Outage, Outages } from "./outages";
import { isReadyNode, type Reaction, Reactions } from "./reactions";

/** Something that lasted, on a line of the timeline. */
export interface Band {
  readonly row: string;
  readonly label: string;
  readonly fromUs: number;
  readonly toUs: number;
  readonly detail: string;
  /** Of a fault: the hosts that it hits. */
  readonly hosts?: readonly HostName[];
}

/** The bands of each row; those that overlap an earlier one of their row go to a further lane of it, in the order of their beginnings. */
export function lanesOf(bands: readonly Band[]): readonly { readonly row: string; readonly bands: readonly Band[] }[] {
  const rows = new Map<string, Band[][]>();
  for (const band of [...bands].sort((a, b) => a.fromUs - b.fromUs)) {
    const lanes = rows.get(band.row) ?? [];
    rows.set(band.row, lanes);
    const free = lanes.find((lane) => lane.at(-1)!.toUs <= band.fromUs);
    if (free) free.push(band);
    else lanes.push([band]);
  }
  return [...rows].flatMap(([row, lanes]) => lanes.map((lane) => ({ row, bands: lane })));
}

/** Requests to one Service, or of one client of a store, by second of the run. */
export interface LoadSeries {
  readonly service: string;
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  /** Of those that succeeded, in microseconds; -1 where there were none. */
  readonly medianUs: readonly number[];
  readonly p99Us: readonly number[];
}

/** Available pods of one Deployment by second, and how many were wanted. */
export interface DeploymentSeries {
  readonly name: string;
  readonly available: readonly number[];
  readonly wanted: readonly number[];
}

/** Ready endpoints of one Service, those in all of its EndpointSlices, by second. */
export interface EndpointSeries {
  readonly service: string;
  readonly ready: readonly number[];
}

/** How far a host's wall clock was off, by second, in milliseconds. */
export interface ClockSeries {
  readonly host: HostName;
  readonly offsetMs: readonly number[];
}

/** What a report draws: everything by seconds of virtual time, and what lasted as bands. */
export interface RunSeries {
  readonly seconds: number;
  readonly acts: readonly { readonly act: string; readonly atUs: number }[];
  readonly faults: readonly Band[];
  readonly leaders: readonly Band[];
  /** Hosts that were down, nodes that were NotReady. */
  readonly troubles: readonly Band[];
  readonly load: readonly LoadSeries[];
  readonly endpoints: readonly EndpointSeries[];
  readonly deployments: readonly DeploymentSeries[];
  readonly nodesReady: readonly number[];
  readonly nodes: number;
  /** Of hosts whose clock was ever off. */
  readonly clocks: readonly ClockSeries[];
  readonly outages: readonly Outage[];
  readonly reactions: readonly Reaction[];
  /** The audit log, where the scenario has a policy; the first of it where it is long. */
  readonly audit?: { readonly events: readonly AuditEvent[]; readonly total: number };
}

interface Open {
  readonly row: string;
  readonly label: string;
  readonly fromUs: number;
  readonly hosts?: readonly HostName[];
}

interface Second {
  failed: number;
  readonly latenciesUs: number[];
}

const operationsMax = 20_000;
const auditEventsMax = 5_000;

/** Gathers what the report shows while a run goes on. */
export class Recorder {
  private readonly acts: { act: string; atUs: number }[] = [];
  private readonly faults: Band[] = [];
  private readonly leaders: Band[] = [];
  private readonly troubles: Band[] = [];
  private readonly open = new Map<string, Open>();
  private readonly load = new Map<string, Map<number, Second>>();
  private readonly endpoints = new Map<string, number[]>();
  private readonly deployments = new Map<string, { available: number[]; wanted: number[] }>();
  private readonly nodesReady: number[] = [];
  private readonly clocks = new Map<HostName, number[]>();
  private readonly results = new ClientResults();
  private readonly outages = new Outages();
  private readonly reactions = new Reactions();
  /** When clients' calls were answered. */
  readonly operations = new OperationLog(operationsMax);
  private readonly audited: AuditEvent[] = [];
  private auditedTotal = 0;
  private samples = 0;
  private counts: Counts = { ready: 0, endpoints: new Map(), deployments: [] };
  private countedVersion: number | undefined;
  private looked = false;

  constructor(private readonly scenario: Scenario) {}

  see(event: HistoryEvent): void {
    const result = this.results.see(event);
    if (result) this.seeResult(result, event.atUs);
    this.reactions.see(event);
    this.operations.see(event);
    switch (event.type) {
      case "act":
        this.acts.push({ act: event.act, atUs: event.atUs });
        return;
      case "fault": {
        const key = `fault ${event.step}`;
        if (event.phase === "began") {
          const { targets, hosts = targets, fault: label, atUs: fromUs } = event;
          this.open.set(key, { row: targets.join(", "), label, fromUs, hosts });
        } else this.close(this.faults, key, event.atUs, event.effect);
        return;
      }
      case "host":
        if (!event.up) this.open.set(`host ${event.host}`, { row: event.host, label: "down", fromUs: event.atUs });
        else this.close(this.troubles, `host ${event.host}`, event.atUs, "");
        return;
      case "life":
        if (!event.alive) this.close(this.leaders, `leader ${event.actor}`, event.atUs, "");
        return;
      case "fact":
        return this.seeFact(event);
      case "object":
        return this.seeNode(event);
    }
  }

  private seeFact({ atUs, actor, fact }: Extract<HistoryEvent, { readonly type: "fact" }>): void {
    switch (fact.kind) {
      case "raft.leader":
        this.close(this.leaders, `leader ${actor}`, atUs, "");
        this.open.set(`leader ${actor}`, { row: "etcd", label: `${actor}, term ${String(fact.term)}`, fromUs: atUs });
        return;
      case "raft.role":
        if (fact.role !== "leader") this.close(this.leaders, `leader ${actor}`, atUs, "");
        return;
      case "leader.elected":
        this.open.set(`lease ${actor}`, { row: String(fact.lease), label: String(fact.holder), fromUs: atUs });
        return;
      case "leader.lost":
        this.close(this.leaders, `lease ${actor}`, atUs, "");
        return;
      case "audit.event":
        if (this.auditedTotal++ < auditEventsMax) this.audited.push(fact.event as AuditEvent);
        return;
    }
  }

  private seeResult(result: ClientResult, atUs: number): void {
    const seconds = this.load.get(result.service) ?? new Map<number, Second>();
    this.load.set(result.service, seconds);
    const at = Math.floor(atUs / 1e6);
    const second = seconds.get(at) ?? { failed: 0, latenciesUs: [] };
    seconds.set(at, second);
    if (result.ok) second.latenciesUs.push(result.latencyUs);
    else second.failed++;
    this.outages.see(result, atUs);
  }

  private seeNode({ atUs, before, after, id }: Extract<HistoryEvent, { readonly type: "object" }>): void {
    if ((after ?? before)?.kind !== "Node") return;
    const [was, is] = [isReadyNode(before), isReadyNode(after)];
    if (was && !is) this.open.set(id, { row: id.slice("Node ".length), label: "NotReady", fromUs: atUs });
    if (!was && is) this.close(this.troubles, id, atUs, "");
  }

  private close(bands: Band[], key: string, toUs: number, detail: string): void {
    const open = this.open.get(key);
    if (!open) return;
    this.open.delete(key);
    bands.push({ ...open, toUs, detail });
  }

  /**
   * Notes how things stand; called about once for each second. `offsets` says how far hosts' clocks are off, in microseconds. Live, the first call may come
   * late, and a second may pass without one. As long as `version` is the same the objects are, too.
   */
  sample(
    objects: ReadonlyMap<string, Stored>,
    offsets: ReadonlyMap<HostName, number> = new Map(),
    seconds: number = this.samples + 1,
    version?: number,
  ): void {
    for (; !this.looked && this.samples < seconds - 1; this.samples++) this.nodesReady.push(-1);
    this.looked = true;
    if (version === undefined || version !== this.countedVersion) this.counts = countsOf(objects);
    this.countedVersion = version;
    while (this.samples < seconds) this.sampleSecond(offsets);
  }

  private sampleSecond(offsets: ReadonlyMap<HostName, number>): void {
    for (const [host, us] of offsets) if (us !== 0 && !this.clocks.has(host)) this.clocks.set(host, Array<number>(this.samples).fill(0));
    for (const [host, series] of this.clocks) series.push((offsets.get(host) ?? 0) / 1000);
    const { ready, endpoints, deployments } = this.counts;
    for (const { name, available, wanted } of deployments) {
      let series = this.deployments.get(name);
      if (!series) this.deployments.set(name, (series = { available: [], wanted: [] }));
      while (series.available.length < this.samples) pushBoth(series, 0, 0);
      pushBoth(series, available, wanted);
    }
    for (const service of endpoints.keys())
      if (!this.endpoints.has(service)) this.endpoints.set(service, Array<number>(this.samples).fill(0));
    for (const [service, counts] of this.endpoints) counts.push(endpoints.get(service) ?? 0);
    this.nodesReady.push(ready);
    this.samples++;
  }

  /** Everything gathered so far; what still goes on ends at `nowUs`. */
  series(nowUs: number): RunSeries {
    const still = (prefixes: readonly string[]) =>
      [...this.open]
        .filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix)))
        .map(([, open]): Band => ({ ...open, toUs: nowUs, detail: "until the end" }));
    const seconds = Math.ceil(nowUs / 1e6);
    return {
      seconds,
      acts: this.acts,
      faults: [...this.faults, ...still(["fault "])],
      leaders: [...this.leaders, ...still(["leader ", "lease "])],
      troubles: [...this.troubles, ...still(["host ", "Node "])],
      load: [...this.load].map(([service, bySecond]) => loadSeries(service, bySecond, seconds)),
      endpoints: [...this.endpoints].map(([service, counts]) => ({ service, ready: counts })),
      deployments: [...this.deployments].map(([name, { available, wanted }]) => ({ name, available, wanted })),
      nodesReady: this.nodesReady,
      nodes: this.scenario.shape.nodes,
      clocks: [...this.clocks].map(([host, offsetMs]) => ({ host, offsetMs })),
      outages: this.outages.all(),
      reactions: this.reactions.all,
      ...(this.scenario.servers.audit ? { audit: { events: this.audited, total: this.auditedTotal } } : {}),
    };
  }
}

function loadSeries(service: string, bySecond: ReadonlyMap<number, Second>, seconds: number): LoadSeries {
  const at = Array.from({ length: seconds }, (_, i) => {
    const second = bySecond.get(i);
    return { failed: second?.failed ?? 0, sorted: [...(second?.latenciesUs ?? [])].sort((a, b) => a - b) };
  });
  const quantile = (sorted: readonly number[], share: number) =>
    sorted.length === 0 ? -1 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return {
    service,
    succeeded: at.map(({ sorted }) => sorted.length),
    failed: at.map(({ failed }) => failed),
    medianUs: at.map(({ sorted }) => quantile(sorted, 0.5)),
    p99Us: at.map(({ sorted }) => quantile(sorted, 0.99)),
  };
}

/** What is counted of the objects for each second. */
interface Counts {
  readonly ready: number;
  readonly endpoints: ReadonlyMap<string, number>;
  readonly deployments: readonly { readonly name: string; readonly available: number; readonly wanted: number }[];
}

function countsOf(objects: ReadonlyMap<string, Stored>): Counts {
  let ready = 0;
  const endpoints = new Map<string, number>();
  const deployments: { name: string; available: number; wanted: number }[] = [];
  for (const [id, object] of objects) {
    if (object.kind === "Node" && isReadyNode(object)) ready++;
    if (object.kind === "EndpointSlice") {
      const service = `${object.metadata.namespace}/${object.metadata.labels?.["kubernetes.io/service-name"]}`;
      const own = (object as Stored<EndpointSlice>).endpoints ?? [];
      const addresses = own.filter(({ conditions }) => conditions?.ready !== false).length;
      // The API servers' own are nobody's pods.
      if (service !== "default/kubernetes") endpoints.set(service, (endpoints.get(service) ?? 0) + addresses);
    }
    if (object.kind !== "Deployment") continue;
    const { spec, status } = object as Stored<Deployment>;
    deployments.push({ name: id.slice("Deployment ".length), available: status?.availableReplicas ?? 0, wanted: spec?.replicas ?? 1 });
  }
  return { ready, endpoints, deployments };
}

function pushBoth(series: { available: number[]; wanted: number[] }, available: number, wanted: number): void {
  series.available.push(available);
  series.wanted.push(wanted);
}
