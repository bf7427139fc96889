import type { ImageBehaviour } from "../../actors/container-runtime/image-behaviour";
import type { ClusterShape } from "../cluster";
import { planCluster } from "../cluster";
import { knobText } from "../knobs";
import type { Source } from "../source";
import type { Objective } from "./objectives";
import { hostsOf, type StandardStorm, type StormCase } from "./storms/storm";
import type { Subjects } from "./subject";

/** One run of a rehearsal: a scenario file and the manifests it names, as texts, so that it can be run in a thread of its own and repeated anywhere. */
export interface StormRun {
  readonly storm: string;
  readonly about: string;
  /** "node-lost node-2". */
  readonly title: string;
  /** The same as the name of a file. */
  readonly name: string;
  readonly case: StormCase;
  readonly source: Source;
  readonly files: Readonly<Record<string, readonly Source[]>>;
}

/** What all runs of a rehearsal share. */
export interface Stage {
  readonly subjects: Subjects;
  readonly shape: ClusterShape;
  readonly behaviours: readonly ImageBehaviour[];
  /** What must hold of a Service in a storm; becomes checks of the scenario, so that a replay judges alike. */
  objectiveOf(service: string, storm: string): Objective;
  /** What a request is sent to, where it is not the Service's first port and "/". */
  requestOf(service: string): { readonly port?: number; readonly path?: string };
}

const manifestsFile = "manifests.json";

/** The runs of a storm in a cluster. */
export function runsOf(storm: StandardStorm, stage: Stage): readonly StormRun[] {
  const plan = planCluster(stage.shape, { behaviours: stage.behaviours });
  return storm.cases(stage.subjects, plan).map((one) => stormRun(storm.name, one, stage));
}

/** One run of a storm. */
export function stormRun(storm: string, one: StormCase, stage: Stage): StormRun {
  const title = one.about === "" ? storm : `${storm} ${one.about}`;
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const items = stage.subjects.manifests.map(({ object }) => object);
  return {
    storm,
    about: one.about,
    title,
    name,
    case: one,
    source: { file: `${name}.yaml`, text: JSON.stringify(scenarioOf(name, title, storm, one, stage), null, 2) },
    files: { [manifestsFile]: [{ file: manifestsFile, text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) }] },
  };
}

/** The scenario as data. JSON is YAML, so it can be kept as a scenario file as it is. */
function scenarioOf(name: string, title: string, storm: string, one: StormCase, stage: Stage): object {
  const { subjects, shape, behaviours } = stage;
  const nodes = hostsOf(planCluster(shape), "node").map((host) => host.name);
  const from = nodes.filter((node) => !one.lost.includes(node));
  return {
    name,
    title: `Rehearsal: ${title}`,
    description: `${one.happened.charAt(0).toUpperCase()}${one.happened.slice(1)}.`,
    cluster: clusterOf(shape),
    manifests: [manifestsFile],
    images: [...(one.images ?? []), ...behaviours],
    load: subjects.services.map(({ service }) => ({
      service,
      requestsPerSecond: one.requestsPerSecond,
      ...stage.requestOf(service),
      ...(from.length === nodes.length ? {} : { from }),
    })),
    settle: "5m",
    ...(one.beyondBudget ? { beyondBudget: true } : {}),
    storm: one.steps,
    stormFor: `${one.seconds}s`,
    calm: { within: "4m", stay: "5s" },
    expect: [
      "no-panics",
      ...subjects.services.map(({ service }) => {
        const { availability, longestOutageMs } = stage.objectiveOf(service, storm);
        return { check: "service-availability", service, atLeast: `${availability}%`, longestOutage: `${longestOutageMs}ms` };
      }),
    ],
  };
}

/** The shape as the `cluster` part of a scenario file. */
function clusterOf({ knobs, onlyControllers, ...shape }: ClusterShape): object {
  const texts = Object.fromEntries(Object.entries(knobs).map(([name, value]) => [name, knobText(name, value)]));
  return { ...shape, knobs: texts, ...(onlyControllers ? { onlyControllers } : {}) };
}
