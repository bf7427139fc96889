import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { matchesImage } from "../actors/container-runtime/image-behaviour";
import type { Service } from "../protocol/kinds/generated";
import type { ClusterShape } from "../scenarios/cluster";
import { type CustomObject, type Manifest, readManifests } from "../scenarios/manifests";
import { runnable } from "../scenarios/rehearse/adapt";
import { readBaseline } from "../scenarios/rehearse/baseline";
import { readBehaviours, undeclaredImages, wrongWithBehaviours } from "../scenarios/rehearse/behaviour-file";
import type { Note } from "../scenarios/rehearse/note";
import { defaultObjectives, type Objectives, objectiveIn, readObjectives } from "../scenarios/rehearse/objectives";
import { problemsText, templateProblems, wrongWithRaw } from "../scenarios/rehearse/raw-input";
import type { Rehearsal } from "../scenarios/rehearse/rehearsal";
import { sizeFor } from "../scenarios/rehearse/sizing";
import type { Stage } from "../scenarios/rehearse/storm-scenario";
import { storms } from "../scenarios/rehearse/storms";
import { type Subjects, subjectsOf } from "../scenarios/rehearse/subject";
import type { Source } from "../scenarios/source";
import { readDocuments } from "../scenarios/source";
import { InputError } from "./exit";
import { manifestSources } from "./load";
import { readText } from "./read-text";
import { readConfiguration } from "./up-options";

export interface RehearseFiles {
  readonly paths: readonly string[];
  readonly slo?: string;
  readonly behaviour?: string;
  readonly baseline?: string;
  readonly config?: string;
  readonly recursive?: boolean;
}

/** Everything that a rehearsal needs to know, read and checked. */
export interface RehearseInput {
  readonly stage: Stage;
  readonly notes: readonly Note[];
  readonly undeclaredImages: readonly string[];
  readonly baseline: Rehearsal | undefined;
}

/** Reads manifests and the files beside them. Throws an InputError that lists everything that is wrong. */
export function readRehearseInput(files: RehearseFiles): RehearseInput {
  const beside = [files.slo, files.behaviour, files.baseline, files.config].flatMap((file) => (file === undefined ? [] : [resolve(file)]));
  const sources = files.paths.flatMap((path) => sourcesAt(path, files.recursive === true, beside));
  const { manifests, custom } = readAll(sources);
  const read = files.behaviour === undefined ? undefined : readBehaviours({ file: files.behaviour, text: readText(files.behaviour) });
  if (read && read.problems.length > 0) throw new InputError(problemsText(read.problems));
  const declared = read?.behaviours ?? [];
  const declarationsOf = (image: string) => declared.filter((one) => matchesImage(one.image, image));
  const adapted = runnable(manifests, custom, {
    isDeclared: (image) => declarationsOf(image).length > 0,
    answersAdmission: (image) => declarationsOf(image).some(({ admission }) => admission !== undefined),
  });
  const subjects = subjectsOf(adapted.manifests);
  if (subjects.services.length === 0) throw new InputError(nothingToMeasure(files.paths, subjects));
  const wrong = read ? wrongWithBehaviours(read, subjects) : [];
  if (wrong.length > 0) throw new InputError(problemsText(wrong));
  const objectives = objectivesOf(files.slo, subjects);
  const unmeasured = subjects.unmeasured.map(({ manifest, why }): Note => {
    const { namespace, name } = manifest.object.metadata;
    return { file: manifest.file, line: manifest.line, what: `Service ${namespace}/${name}`, became: `not measured: ${why}` };
  });
  return {
    stage: {
      subjects,
      shape: shapeOf(files.config, subjects),
      behaviours: declared,
      objectiveOf: (service, storm) => objectiveIn(objectives, service, storm),
      requestOf: (service) => objectives.requests.get(service) ?? {},
    },
    notes: [...adapted.notes, ...unmeasured],
    undeclaredImages: undeclaredImages(subjects, declared),
    baseline: baselineOf(files.baseline),
  };
}

function readAll(sources: readonly Source[]): { readonly manifests: readonly Manifest[]; readonly custom: readonly CustomObject[] } {
  const raw = wrongWithRaw(sources);
  if (raw.length > 0) throw new InputError(problemsText(raw));
  const custom: CustomObject[] = [];
  const { manifests, problems } = readManifests(sources, (object) => custom.push(object));
  if (problems.length > 0) throw new InputError(problemsText(templateProblems(sources, problems)));
  return { manifests, custom };
}

function nothingToMeasure(paths: readonly string[], { manifests, unmeasured }: Subjects): string {
  const where = paths.map((path) => (path === "-" ? "standard input" : path)).join(", ");
  if (manifests.length === 0) return `${where}: no Kubernetes object there: expected manifests, as \`kubectl apply\` would be given`;
  const [first] = unmeasured;
  const why = first ? `; Service ${first.manifest.object.metadata.name} is not measured: ${first.why}` : "";
  return `${where}: no Service that could be rehearsed among ${manifests.length} objects: expected one with a selector and ports${why}`;
}

function objectivesOf(file: string | undefined, { services }: Subjects): Objectives {
  if (file === undefined) return defaultObjectives;
  // A headless Service is asked at its pods' addresses, which have ports of their own.
  const ports = new Map(
    services.map(({ service, manifest, headless }) => {
      const { spec } = manifest.object as Service;
      return [service, headless ? [] : (spec?.ports ?? []).map(({ port }) => port)];
    }),
  );
  const { objectives, problems } = readObjectives(
    { file, text: readText(file) },
    ports,
    storms.map(({ name }) => name),
  );
  if (problems.length > 0) throw new InputError(problemsText(problems));
  return objectives;
}

/** The cluster that the configuration describes; what it leaves open is sized to the manifests. */
function shapeOf(file: string | undefined, subjects: Subjects): ClusterShape {
  const sized = sizeFor(subjects);
  if (file === undefined) return sized;
  const configured = readConfiguration(file);
  const [document] = readDocuments({ file, text: readText(file) }, "1.2").documents;
  const given = Object.keys((document?.value ?? {}) as object);
  const shape = { ...sized, ...Object.fromEntries(Object.entries(configured).filter(([field]) => given.includes(field))) };
  if (shape.nodes < 1) throw new InputError(`${file}: nodes: a rehearsal needs a node at least`);
  return shape;
}

function baselineOf(file: string | undefined): Rehearsal | undefined {
  if (file === undefined) return undefined;
  const read = readBaseline(readText(file));
  if (!read.ok) throw new InputError(`${file}: ${read.message}`);
  return read.baseline;
}

const standardInput = "standard input";

function sourcesAt(path: string, recursive: boolean, beside: readonly string[]): readonly Source[] {
  if (path === "-") return [{ file: standardInput, text: readStandardInput() }];
  const own = manifestSources(path);
  if (own === undefined) throw new InputError(`${path}: no such file or folder`);
  if (!statSync(path).isDirectory()) return own;
  const inside = readdirSync(path).sort((a, b) => (a < b ? -1 : 1));
  const marker = inside.find((name) => /^(kustomization(\.ya?ml)?|Chart\.yaml)$/i.test(name));
  // What is wrong with the whole folder says more than what is wrong with its files.
  if (marker) return [{ file: join(path, marker), text: readText(join(path, marker)) }];
  const sources = own.filter(({ file }) => !beside.includes(resolve(file)));
  const folders = inside.map((name) => join(path, name)).filter((name) => statSync(name).isDirectory());
  if (recursive) return [...sources, ...folders.flatMap((folder) => sourcesAt(folder, true, beside))];
  if (sources.length === 0 && folders.length > 0)
    throw new InputError(`${path}: no YAML or JSON file there, only folders: name them, or read them all with --recursive`);
  return sources;
}

function readStandardInput(): string {
  if (process.stdin.isTTY) throw new InputError("-: nothing is piped in: expected manifests on standard input, as of `kustomize build`");
  return readFileSync(0, "utf8");
}
