import { address } from "../../../protocol/address";
import type { JsonObject, Stored } from "../../../protocol/kinds/object";
import type { Fact } from "../../../runtime/actor";
import { checkNamed } from "../../../scenarios/checks";
import { type CheckResult, CheckRun } from "../../../scenarios/checks/check";
import { type Final, type HistoryEvent, objectId } from "../../../scenarios/history";

/** A history told by hand: times in seconds, in order. */
export class Told {
  readonly events: HistoryEvent[] = [];
  private readonly objects = new Map<string, Stored>();
  private atUs = 0;
  private revision = 1;

  at(seconds: number): this {
    this.atUs = seconds * 1e6;
    return this;
  }

  fact(actor: string, fact: Fact): this {
    return this.add({
      type: "fact",
      atUs: this.atUs,
      actor: address(actor.split("/")[0]!, actor.split("/")[1]!),
      host: actor.replace("/", "-"),
      fact,
    });
  }

  act(act: "boot" | "storm" | "calm" | "end"): this {
    return this.add({ type: "act", atUs: this.atUs, act });
  }

  fault(phase: "began" | "ended", targets: readonly string[] = ["node-0"], fault = "crash"): this {
    return this.add({ type: "fault", atUs: this.atUs, step: 0, fault, phase, targets, effect: "" });
  }

  died(actor: string, error = ""): this {
    return this.add({ type: "life", atUs: this.atUs, actor: address(actor.split("/")[0]!, actor.split("/")[1]!), alive: false, error });
  }

  born(actor: string): this {
    return this.add({ type: "life", atUs: this.atUs, actor: address(actor.split("/")[0]!, actor.split("/")[1]!), alive: true, error: "" });
  }

  /** An object as it is from now on. */
  object(object: JsonObject): this {
    const after = object as unknown as Stored;
    const id = objectId(after);
    const before = this.objects.get(id);
    this.objects.set(id, after);
    return this.add({ type: "object", atUs: this.atUs, revision: ++this.revision, id, before, after });
  }

  gone(id: string): this {
    const before = this.objects.get(id);
    this.objects.delete(id);
    return this.add({ type: "object", atUs: this.atUs, revision: ++this.revision, id, before, after: undefined });
  }

  host(host: string, up: boolean): this {
    return this.add({ type: "host", atUs: this.atUs, host, up });
  }

  rest(...reasons: readonly string[]): this {
    return this.add({ type: "rest", atUs: this.atUs, reasons });
  }

  /** The objects as they are in the end. */
  get final(): ReadonlyMap<string, Stored> {
    return this.objects;
  }

  /** All that the other tells, behind this. */
  append({ events }: Told): this {
    this.events.push(...events);
    return this;
  }

  /** A backup was saved at that revision. */
  backedUp(revision: number): this {
    return this.add({ type: "backup", atUs: this.atUs, revision });
  }

  restored(backupRevision: number, lostRevisions: number): this {
    return this.add({ type: "restore", atUs: this.atUs, backupRevision, lostRevisions, revision: backupRevision + 1000 });
  }

  deleted(key: string, revision: number): this {
    return this.add({ type: "store", atUs: this.atUs, revision, key, deleted: true });
  }

  /** What the check says of all this. */
  judge(check: string, params: JsonObject = {}, final: Partial<Final> = {}): CheckResult {
    const run = new CheckRun(check, checkNamed(check)!, params);
    for (const event of this.events) run.see(event);
    const convergence = { converged: true, afterUs: 5e6, stayed: true, reasons: [] };
    return run.end({ atUs: this.atUs, objects: this.objects, members: [], convergence, ...final });
  }

  private add(event: HistoryEvent): this {
    this.events.push(event);
    return this;
  }
}

export const told = () => new Told();

export interface PodOptions {
  readonly ready?: boolean;
  readonly node?: string;
  readonly owner?: string;
  readonly deleting?: boolean;
  readonly evicted?: boolean;
  readonly cpu?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly uid?: string;
}

export function pod(name: string, options: PodOptions = {}): JsonObject {
  const { ready = true, node, owner, deleting, evicted, cpu = "100m", labels = { app: "web" }, uid = `uid-${name}` } = options;
  const conditions = [
    { type: "Ready", status: ready ? "True" : "False" },
    ...(evicted ? [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }] : []),
  ];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: "shop",
      name,
      uid,
      labels,
      ...(owner ? { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }] } : {}),
      ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: { ...(node ? { nodeName: node } : {}), containers: [{ name: "main", resources: { requests: { cpu } } }] },
    status: { phase: "Running", conditions },
  };
}

export function deployment(replicas: number, rollingUpdate: JsonObject): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "shop", name: "web", uid: "web" },
    spec: { replicas, strategy: { type: "RollingUpdate", rollingUpdate } },
  };
}

export function replicaSet(uid: string, owner = "web", replicas?: number): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      namespace: "shop",
      name: uid,
      uid,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: owner, uid: owner, controller: true }],
    },
    ...(replicas === undefined ? {} : { spec: { replicas } }),
  };
}
