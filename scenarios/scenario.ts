import type { ImageBehaviour } from "../actors/container-runtime/image-behaviour";
import { wrongWithBehaviour } from "../actors/container-runtime/image-behaviour";
import { parseDurationMs } from "../protocol/kinds/duration";
import { actionNamed, actions } from "./actions";
import type { Action } from "./actions/action";
import { aims, type PlannedHost, type Target } from "./aim";
import { checkNamed, checks } from "./checks";
import type { Check } from "./checks/check";
import { type ClusterPlan, type ClusterShape, defaultShape, planCluster } from "./cluster";
import { faultNamed, faults } from "./faults";
import type { Fault } from "./faults/fault";
import { partSchemas, validateFile } from "./scenario-schema";
import { unknownName, validatePart } from "./schema";
import { readShape } from "./shape";
import { type Path, type Problem, readDocuments, type Source, type SourceDocument } from "./source";
import { drawnFaults, type Swarm } from "./swarm";
import { workloadNamed, workloads } from "./workloads";
import type { Workload } from "./workloads/workload";

export type Params = Readonly<Record<string, unknown>>;

/** One step of the storm. `atUs` counts from the storm's begin, `forUs` is undefined where the fault lasts until the calm. */
export type StormStep = { readonly index: number; readonly atUs: number; readonly path: Path } & (
  | {
      readonly type: "fault";
      readonly fault: Fault;
      readonly target: Target;
      readonly forUs: number | undefined;
      readonly params: Params;
      /** Whether it is fine that the selector matches nothing when its time comes. */
      readonly mayMiss: boolean;
    }
  | { readonly type: "action"; readonly action: Action; readonly params: Params }
);

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
  readonly load: readonly { readonly workload: Workload; readonly params: Params; readonly path: Path }[];
  /** How long the cluster may take to come up with everything applied. */
  readonly settleUs: number;
  readonly storm: readonly StormStep[];
  /** The part of the storm that each seed draws. */
  readonly swarm: Swarm | undefined;
  /** The storm goes on for at least so long. */
  readonly stormUs: number;
  /** Whether the storm may take more than a quorum can bear. */
  readonly beyondBudget: boolean;
  readonly calm: { readonly withinUs: number; readonly stayUs: number };
  readonly expect: readonly { readonly check: Check; readonly label: string; readonly params: Params; readonly path: Path }[];
  /** A problem at a place of the file, for what is only found out with the manifests at hand. */
  problem(path: Path, message: string): Problem;
}

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

class Reader {
  private readonly problems: Problem[] = [];

  constructor(private readonly document: SourceDocument) {}

  read(): ScenarioResult {
    const file = this.document.value as Params;
    const shaped = file.cluster === undefined ? { shape: defaultShape, problems: [] } : readShape(this.document, ["cluster"], file.cluster);
    this.problems.push(...shaped.problems);
    const images = this.readImages((file.images ?? []) as readonly unknown[]);
    const plan = planCluster(shaped.shape, { behaviours: images });
    const clients = [undefined, ...((file.load ?? []) as readonly unknown[])].map((_, i) => ({
      name: `client-${i}`,
      zone: "outside",
      role: "client" as const,
    }));
    const hosts = shaped.problems.length > 0 ? undefined : [...plan.hosts, ...clients];
    const storm = this.readStorm((file.storm ?? []) as readonly Params[], hosts);
    const scenario: Scenario = {
      name: String(file.name),
      title: String(file.title ?? file.name),
      description: String(file.description ?? ""),
      shape: shaped.shape,
      plan,
      manifests: (file.manifests ?? []) as readonly string[],
      images,
      load: ((file.load ?? []) as readonly Params[]).flatMap((params, i) => this.readLoad(params, ["load", i])),
      settleUs: microseconds(file.settle ?? "3m"),
      storm,
      swarm: swarmOf(file.swarm as Params | undefined),
      stormUs: Math.max(
        microseconds(file.stormFor ?? "0"),
        ...storm.map((step) => step.atUs + (step.type === "fault" ? (step.forUs ?? 0) : 0)),
      ),
      beyondBudget: file.beyondBudget === true,
      calm: {
        withinUs: microseconds((file.calm as Params | undefined)?.within ?? "2m"),
        stayUs: microseconds((file.calm as Params | undefined)?.stay ?? "20s"),
      },
      expect: (file.expect as readonly unknown[]).flatMap((expectation, i) => this.readExpectation(expectation, ["expect", i])),
      problem: (path, message) => this.document.problem(path, message),
    };
    const inOrder = [...this.problems].sort((a, b) => a.line - b.line || a.column - b.column);
    return inOrder.length > 0 ? { ok: false, problems: inOrder } : { ok: true, scenario };
  }

  private readImages(images: readonly unknown[]): readonly ImageBehaviour[] {
    for (const [i, image] of images.entries())
      for (const wrong of wrongWithBehaviour(image, "")) {
        const [where = "", ...message] = wrong.split(": ");
        const field = where.startsWith(".") ? [where.slice(1)] : [];
        this.problems.push(this.document.problem(["images", i, ...field], message.join(": ")));
      }
    return images as readonly ImageBehaviour[];
  }

  private readStorm(steps: readonly Params[], hosts: readonly PlannedHost[] | undefined): readonly StormStep[] {
    const read: StormStep[] = [];
    for (const [i, step] of steps.entries()) {
      const path = ["storm", i];
      const isAction = step.action !== undefined;
      if ((step.fault !== undefined) === isAction) {
        this.complain(path, 'expected either the field "fault" or the field "action"');
        continue;
      }
      const known = isAction ? actions : faults;
      const what = isAction ? "action" : "fault";
      const name = String(step[what]);
      if (
        !this.isValid(
          path,
          what,
          name,
          step,
          known.map((one) => one.name),
        )
      )
        continue;
      if (!isAction && hosts)
        for (const { field, index, message } of aims[faultNamed(name)!.aims ?? "hosts"].wrong(step.target as Target, hosts))
          this.complain([...path, "target", field, ...(index === undefined ? [] : [index])], message);
      if (step.times !== undefined && step.every === undefined) this.complain([...path, "times"], "expected `every` beside `times`");
      const names = hosts?.map((host) => host.name);
      for (const [n, peer] of ((step.peers as readonly string[] | undefined) ?? []).entries())
        if (names && !names.includes(peer)) this.complain([...path, "peers", n], unknownName("host", peer, names));
      const repeats = step.every === undefined ? 1 : ((step.times as number | undefined) ?? 2);
      const { fault: _, action: __, at, for: lasts, target, mayMiss, every, times: ___, ...params } = step;
      for (let n = 0; n < repeats; n++) {
        const atUs = microseconds(at) + n * microseconds(every ?? "0");
        const common = { index: read.length, atUs, path, params };
        if (isAction) read.push({ ...common, type: "action", action: actionNamed(name)! });
        else
          read.push({
            ...common,
            type: "fault",
            fault: faultNamed(name)!,
            target: target as Target,
            forUs: lasts === undefined ? undefined : microseconds(lasts),
            mayMiss: mayMiss === true,
          });
      }
    }
    return read;
  }

  private readLoad(params: Params, path: Path): Scenario["load"] {
    const name = String(params.workload ?? "http");
    if (
      !this.isValid(
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
      this.complain(path, 'the field "check" is missing');
      return [];
    }
    if (
      !this.isValid(
        path,
        "check",
        String(name),
        expectation,
        checks.map((check) => check.name),
      )
    )
      return [];
    const about = params.service ?? params.deployment;
    return [
      { check: checkNamed(String(name))!, label: about === undefined ? String(name) : `${String(name)} ${String(about)}`, params, path },
    ];
  }

  /** Whether there is a thing of that name and its parameters fit; what does not is noted. */
  private isValid(path: Path, what: string, name: string, value: unknown, known: readonly string[]): boolean {
    const schema = partSchemas.get(`${what} ${name}`);
    if (!schema) {
      this.complain(
        [...path, ...(typeof value === "object" && value !== null && what in value ? [what] : [])],
        unknownName(what, name, known),
      );
      return false;
    }
    const wrong = validatePart(this.document, path, typeof value === "object" ? value : { [what]: value }, schema.validate);
    this.problems.push(...wrong);
    return wrong.length === 0;
  }

  private complain(path: Path, message: string): void {
    this.problems.push(this.document.problem(path, message));
  }
}

function swarmOf(swarm: Params | undefined): Swarm | undefined {
  if (swarm === undefined) return undefined;
  const { steps = 8, within = "90s", faults = drawnFaults, rollouts = true } = swarm;
  return { steps: steps as number, withinUs: microseconds(within), faults: faults as readonly string[], rollouts: rollouts === true };
}

/** Whole microseconds of a duration that the schema has approved. */
function microseconds(duration: unknown): number {
  return Math.round((parseDurationMs(String(duration)) ?? 0) * 1000);
}
