import type { AuditPolicy } from "../actors/api-server/audit/policy";
import type { ImageBehaviour } from "../actors/container-runtime/image-behaviour";
import { wrongWithBehaviour } from "../actors/container-runtime/image-behaviour";
import { wrongWithPolicy } from "./audit";
import { refusedByBudget } from "./budget";
import { checkNamed, checks } from "./checks";
import type { Check } from "./checks/check";
import { type ClusterPlan, type ClusterShape, defaultShape, planCluster } from "./cluster";
import { type KeyServicePlan, readKeyServices } from "./key-services";
import { Complaints } from "./language/complaints";
import { readCondition, type Surroundings } from "./language/condition-reader";
import { microseconds } from "./language/duration";
import { type Plan, readPlan } from "./language/plan";
import { type Params, type StormNode, type StormStep, shortestUs, stepsOf } from "./language/steps";
import { StormReader } from "./language/storm-reader";
import { startFields } from "./language/storm-schema";
import { type OperatorPlan, readOperators } from "./operators";
import { validateFile } from "./scenario-schema";
import { validatePart } from "./schema";
import { readAuthorization, readEncryption, type ServerConfiguration, serverConfigOf } from "./server-configuration";
import { readShape } from "./shape";
import { type Path, type Problem, readDocuments, type Source, type SourceDocument } from "./source";
import { drawnDuration, drawnFaults, type Swarm } from "./swarm";
import { type DrawnCluster, drawnClusterOf, everyShape, smallestShape } from "./swarm-shape";
import type { Role } from "./target";
import { readWebhooks, type WebhookPlan } from "./webhooks";
import { workloadNamed, workloads } from "./workloads";
import type { Workload } from "./workloads/workload";

/** A workload of a scenario. */
export interface Load {
  readonly workload: Workload;
  readonly params: Params;
  readonly path: Path;
  /** When it sends, since the storm began: from its begin to the end of the run where nothing is said. */
  readonly fromUs?: number;
  readonly toUs?: number | null;
}

/** What a scenario file says, checked and with its defaults filled in. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly shape: ClusterShape;
  readonly plan: ClusterPlan;
  /** Files and folders, relative to the scenario file. */
  readonly manifests: readonly string[];
  readonly images: readonly ImageBehaviour[];
  /** Operators of the user's own. */
  readonly operators: readonly OperatorPlan[];
  readonly webhooks: readonly WebhookPlan[];
  readonly keyServices: readonly KeyServicePlan[];
  /** What the files of API servers say: their audit log is part of the report. */
  readonly servers: ServerConfiguration;
  readonly load: readonly Load[];
  /** How long the cluster may take to come up with everything applied. */
  readonly settleUs: number;
  readonly storm: readonly StormNode[];
  /** The part of the storm that each seed draws. */
  readonly swarm: Swarm | undefined;
  /** From what each seed draws the cluster. */
  readonly drawnCluster: DrawnCluster | undefined;
  /** Runs that are generated from this one. */
  readonly cuts: Plan | undefined;
  /** The storm goes on for at least so long. */
  readonly stormUs: number;
  /** Whether the storm may take more than a quorum can bear. */
  readonly beyondBudget: boolean;
  /** With `coreOnly` a part of the control plane that is not needed may stay dead. */
  readonly calm: { readonly withinUs: number; readonly stayUs: number; readonly coreOnly: boolean };
  readonly expect: readonly { readonly check: Check; readonly label: string; readonly params: Params; readonly path: Path }[];
  /** A problem at a place of the file, for what is only found out with the manifests at hand. */
  problem(path: Path, message: string): Problem;
}

const undrawn: DrawnCluster = { counts: {}, knobs: [] };

/** For so long nothing may be amiss before the cluster counts as at rest. */
export const restUs = 3_000_000;

export type ScenarioResult =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a scenario file. Everything that is wrong with it is said at once; what needs the manifests is for `scenarioWith`. */
export function readScenario(source: Source): ScenarioResult {
  const { documents, problems: broken } = readDocuments(source, "1.2");
  if (broken.length > 0) return { ok: false, problems: broken };
  const [document, another] = documents;
  if (!document)
    return {
      ok: false,
      problems: [{ file: source.file, line: 1, column: 1, path: "$", message: "the file is empty: expected a scenario" }],
    };
  if (another) return { ok: false, problems: [another.problem([], "expected one document: a scenario file holds one scenario")] };
  const wrong = validatePart(document, [], document.value, validateFile);
  return wrong.length > 0 ? { ok: false, problems: wrong } : new Reader(document).read();
}

/** What a scenario's cluster is beside its shape. */
export type Parts = Pick<Scenario, "images" | "operators" | "webhooks" | "keyServices" | "servers">;

export function planOf(shape: ClusterShape, { images, operators, webhooks, keyServices, servers }: Parts): ClusterPlan {
  return planCluster(shape, { behaviours: images, operators, webhooks, keyServices, apiServer: serverConfigOf(servers) });
}

class Reader {
  private readonly complaints: Complaints;

  constructor(private readonly document: SourceDocument) {
    this.complaints = new Complaints(document);
  }

  read(): ScenarioResult {
    const file = this.document.value as Params;
    const shaped = file.cluster === undefined ? { shape: defaultShape, problems: [] } : readShape(this.document, ["cluster"], file.cluster);
    this.complaints.add(shaped.problems);
    if (shaped.shape.apiServers === 0) this.needNoApiServer(file, shaped.shape);
    const images = this.readImages((file.images ?? []) as readonly unknown[]);
    const operators = readOperators(file.operator, this.complaints);
    const webhooks = readWebhooks(file.webhooks, this.complaints);
    const keyServices = readKeyServices(file.keyServices, this.complaints);
    const servers: ServerConfiguration = {
      audit: this.readAudit(file.audit),
      encryption: readEncryption(file.encryption, keyServices, this.complaints),
      authorizers: readAuthorization(file.authorization, webhooks, this.complaints),
    };
    const parts: Parts = { images, operators, webhooks, keyServices, servers };
    const plan = planOf(shaped.shape, parts);
    const load = ((file.load ?? []) as readonly Params[]).flatMap((params, i) => this.readLoad(params, ["load", i]));
    const expect = (file.expect as readonly unknown[]).flatMap((expectation, i) => this.readExpectation(expectation, ["expect", i]));
    const drawnCluster = file.swarm === undefined ? undefined : drawnClusterOf(file.swarm as Params);
    // What the storm names has to be there whatever is drawn.
    const least = drawnCluster ? planOf(smallestShape(shaped.shape, drawnCluster), parts) : plan;
    const around = surroundings(least, load.length, expect);
    const hosts = shaped.problems.length > 0 ? undefined : [...least.hosts, ...clients(load.length)];
    const storm = new StormReader(this.complaints, around, hosts).read((file.storm ?? []) as readonly unknown[], ["storm"]);
    if (hosts && file.beyondBudget !== true) this.keepBudget(storm, everyShape(shaped.shape, drawnCluster ?? undrawn), parts, load.length);
    this.keepHistory(storm, expect, ((file.swarm as Params | undefined)?.restores as number | undefined) ?? 0);
    for (const { check, params, path } of expect) {
      const stated = Object.entries(check.states?.(params) ?? {}).filter(([, value]) => value !== undefined);
      if (stated.length > 0) readCondition(Object.fromEntries(stated), path, around, this.complaints);
    }
    const scenario: Scenario = {
      name: String(file.name),
      title: String(file.title ?? file.name),
      description: String(file.description ?? ""),
      shape: shaped.shape,
      plan,
      manifests: (file.manifests ?? []) as readonly string[],
      ...parts,
      load,
      settleUs: this.restful(file.settle ?? "3m", ["settle"]),
      storm,
      swarm: this.readSwarm(file.swarm as Params | undefined, plan),
      drawnCluster,
      cuts: file.plan === undefined ? undefined : readPlan(file.plan as Params, around, this.complaints),
      stormUs: Math.max(microseconds(file.stormFor ?? "0"), shortestUs(storm)),
      beyondBudget: file.beyondBudget === true,
      calm: {
        withinUs: this.restful((file.calm as Params | undefined)?.within ?? "2m", ["calm", "within"]),
        stayUs: microseconds((file.calm as Params | undefined)?.stay ?? "20s"),
        coreOnly: (file.calm as Params | undefined)?.coreOnly === true,
      },
      expect,
      problem: (path, message) => this.document.problem(path, message),
    };
    const inOrder = [...this.complaints.problems].sort((a, b) => a.line - b.line || a.column - b.column);
    return inOrder.length > 0 ? { ok: false, problems: inOrder } : { ok: true, scenario };
  }

  /** What the budget refuses in every run is said before any. */
  private keepBudget(storm: readonly StormNode[], shapes: Iterable<ClusterShape>, parts: Parts, loads: number): void {
    const clusters = function* () {
      for (const shape of shapes) yield [...planOf(shape, parts).hosts, ...clients(loads)];
    };
    for (const { path, message } of refusedByBudget(storm, clusters()))
      this.complaints.complain([...path, "target"], `this can never be done: ${message}`);
  }

  /** Whoever judges one history from its beginning to its end cannot judge a run in which it ends for a backup. */
  private keepHistory(storm: readonly StormNode[], expect: Scenario["expect"], drawn: number): void {
    const ending = stepsOf(storm).find((step) => step.type === "fault" && step.fault.endsHistory);
    const name =
      ending?.type === "fault" ? `${ending.fault.name}, which` : drawn > 0 ? "restore-backup, which `swarm.restores` draws: it" : undefined;
    if (name === undefined) return;
    for (const { check, path } of expect)
      if (check.acrossRestore === "never")
        this.complaints.complain(path, `${check.name} cannot judge what comes after ${name} takes writes back`);
  }

  /** A time in which the cluster has to come to rest: there is a least one. */
  private restful(duration: unknown, path: Path): number {
    const us = microseconds(duration);
    if (us < restUs)
      this.complaints.complain(path, `the cluster is at rest when nothing was amiss for ${restUs / 1e6} s: expected at least so long`);
    return us;
  }

  /** Without an API server etcd stands alone: nothing else can be there. */
  private needNoApiServer(file: Params, { controllers, nodes }: ClusterShape): void {
    const needy = [
      controllers > 0 ? "controllers" : "",
      nodes > 0 ? "nodes" : "",
      file.operator === undefined ? "" : "operators",
      file.manifests === undefined ? "" : "manifests",
      JSON.stringify(file.storm ?? []).includes('"action":') ? "actions" : "",
    ].filter((part) => part !== "");
    if (needy.length > 0) this.complaints.complain(["cluster", "apiServers"], `expected 1 or more: ${needy.join(", ")} need one`);
  }

  private readAudit(value: unknown): AuditPolicy | undefined {
    if (value === undefined) return undefined;
    const problems = wrongWithPolicy(this.document, ["audit"], value, false);
    this.complaints.add(problems);
    return problems.length > 0 ? undefined : (value as AuditPolicy);
  }

  private readSwarm(swarm: Params | undefined, plan: ClusterPlan): Swarm | undefined {
    const read = swarmOf(swarm, plan);
    if (read && (read.shortestUs <= 0 || read.longestUs < read.shortestUs))
      this.complaints.complain(["swarm", "lasting"], "expected a duration above 0, and then one that is not shorter");
    return read;
  }

  private readImages(images: readonly unknown[]): readonly ImageBehaviour[] {
    for (const [i, image] of images.entries())
      for (const wrong of wrongWithBehaviour(image, "")) {
        const [where = "", ...message] = wrong.split(": ");
        const field = where.startsWith(".") ? [where.slice(1)] : [];
        this.complaints.complain(["images", i, ...field], message.join(": "));
      }
    return images as readonly ImageBehaviour[];
  }

  private readLoad(params: Params, path: Path): Scenario["load"] {
    const name = String(params.workload ?? "http");
    if (
      !this.complaints.isValid(
        path,
        "workload",
        name,
        params,
        workloads.map((workload) => workload.name),
      )
    )
      return [];
    return [{ workload: workloadNamed(name)!, params, path }];
  }

  private readExpectation(expectation: unknown, path: Path): Scenario["expect"] {
    const { check: name, ...params } = typeof expectation === "string" ? { check: expectation } : (expectation as Params);
    if (name === undefined) {
      this.complaints.complain(path, 'the field "check" is missing');
      return [];
    }
    if (
      !this.complaints.isValid(
        path,
        "check",
        String(name),
        expectation,
        checks.map((check) => check.name),
      )
    )
      return [];
    const about = params.service ?? params.deployment ?? params.object;
    return [
      { check: checkNamed(String(name))!, label: about === undefined ? String(name) : `${String(name)} ${String(about)}`, params, path },
    ];
  }
}

/** The hosts of the operator and of each workload. */
function clients(loads: number) {
  return Array.from({ length: loads + 1 }, (_, i) => ({ name: `client-${i}`, zone: "outside", role: "client" as const }));
}

/** One step of a storm for a scenario that was read, as its file would hold it but without a time: at once. Answers with what is wrong instead, a line each. */
export function readStep(text: string, { plan, load, expect }: Scenario): StormStep | readonly string[] {
  const read = readDocuments({ file: "step", text }, "1.2");
  const [document] = read.documents;
  const value = document?.value;
  if (!document || typeof value !== "object" || value === null || Array.isArray(value))
    return ['expected a step such as "{ fault: crash, target: { role: etcd, is: leader }, for: 5s }"'];
  const complaints = new Complaints(document);
  const timed = Object.keys(startFields).find((field) => field in value);
  if (timed !== undefined) complaints.complain([timed], "expected no time: it begins at once");
  const reader = new StormReader(complaints, surroundings(plan, load.length, expect), [...plan.hosts, ...clients(load.length)]);
  const [node] = reader.read([value], [], "parallel");
  const wrong = complaints.problems.map(({ message }) => message);
  if (wrong.length > 0) return wrong;
  return node?.body.type === "step" ? node.body.step : ["expected one fault or action"];
}

/** What conditions can name in a cluster. */
export function surroundings(plan: ClusterPlan, loads: number, expect: Scenario["expect"]): Surroundings {
  return {
    shape: plan.shape,
    hosts: [...plan.hosts, ...clients(loads)].map(({ name }) => name),
    actors: plan.hosts.flatMap(({ actors }) => actors.map(({ address }) => address)),
    loads,
    checks: expect.map(({ label }) => label),
  };
}

function swarmOf(swarm: Params | undefined, { hosts }: ClusterPlan): Swarm | undefined {
  if (swarm === undefined) return undefined;
  const { steps = 8, within = "90s", faults = drawnFaults, rollouts = true, lasting, roles, priorities, restores = 0 } = swarm;
  const [shortest, longest] = (lasting as readonly string[] | undefined) ?? [];
  return {
    steps: steps as number,
    withinUs: microseconds(within),
    faults: faults as readonly string[],
    rollouts: rollouts === true,
    priorities: priorities as number | undefined,
    restores: restores as number,
    shortestUs: shortest === undefined ? drawnDuration.shortestUs : microseconds(shortest),
    longestUs: longest === undefined ? drawnDuration.longestUs : microseconds(longest),
    // What has no host cannot be hit.
    roles: (roles as readonly Role[] | undefined) ?? [...new Set(hosts.map(({ role }) => role))],
  };
}
