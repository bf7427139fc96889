import { type Dependency, dependencyOf, serviceKeyOf } from "../../actors/container-runtime/dependencies";
import { type ImageBehaviour, matchesImage, wrongWithBehaviour } from "../../actors/container-runtime/image-behaviour";
import { unknownName } from "../schema";
import { type Problem, readDocuments, type Source, type SourceDocument } from "../source";
import type { Subjects } from "./subject";
import { runsToItsEnd } from "./workload";

interface Read {
  readonly behaviours: readonly ImageBehaviour[];
  readonly document: SourceDocument | undefined;
  readonly problems: readonly Problem[];
}

/** The fields that make such a file an empty List to kubectl, so that it may lie beside the manifests. */
const listFields = ["apiVersion", "kind", "items"];

/** Reads the file of `--behaviour`: `images:`, as in a scenario. */
export function readBehaviours(source: Source): Read {
  const { documents, problems: broken } = readDocuments(source, "1.2");
  const [document, another] = documents;
  const nothing = { behaviours: [], document };
  if (broken.length > 0) return { ...nothing, problems: broken };
  const expected = "expected `images:`, a list of images with their behaviour";
  if (!document)
    return { ...nothing, problems: [{ file: source.file, line: 1, column: 1, path: "$", message: `the file is empty: ${expected}` }] };
  if (another) return { ...nothing, problems: [another.problem([], "expected one document")] };
  const file = document.value as Readonly<Record<string, unknown>>;
  if (typeof file !== "object" || !Array.isArray(file.images)) return { ...nothing, problems: [document.problem(["images"], expected)] };
  const problems: Problem[] = [];
  for (const field of Object.keys(file))
    if (field !== "images" && !listFields.includes(field))
      problems.push(document.problem([field], unknownName("field", field, ["images", ...listFields]), "key"));
  for (const [i, image] of file.images.entries())
    for (const wrong of wrongWithBehaviour(image, "")) {
      const [where = "", ...message] = wrong.split(": ");
      const path = ["images", i, ...(where.startsWith(".") ? [where.slice(1)] : [])];
      problems.push(document.problem(path, message.join(": "), message.join(": ").startsWith("unknown field") ? "key" : "value"));
    }
  return { behaviours: problems.length > 0 ? [] : (file.images as readonly ImageBehaviour[]), document, problems };
}

/** What does not go together with the manifests: a behaviour of an image that nobody runs, a dependency on a Service that is not there, a circle. */
export function wrongWithBehaviours({ behaviours, document }: Read, subjects: Subjects): readonly Problem[] {
  if (!document) return [];
  const problems: Problem[] = [];
  const images = new Map<string, Set<string>>();
  for (const { namespace, podSpec } of subjects.workloads)
    for (const { image = "" } of [...(podSpec.initContainers ?? []), ...podSpec.containers])
      images.set(image, (images.get(image) ?? new Set()).add(namespace));
  const services = subjects.manifests
    .filter(({ kind }) => kind.kind === "Service")
    .map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`);
  for (const [i, behaviour] of behaviours.entries()) {
    const running = [...images].filter(([image]) => matchesImage(behaviour.image, image));
    if (running.length === 0) {
      const known = [...images.keys()];
      const message = known.length === 0 ? "no manifest runs an image" : unknownName("image", behaviour.image, known);
      problems.push(document.problem(["images", i, "image"], message));
    }
    for (const [k, written] of (behaviour.dependencies ?? []).entries())
      for (const namespace of new Set(running.flatMap(([, all]) => [...all]))) {
        const key = serviceKeyOf(dependencyOf(written), namespace);
        if (services.includes(key)) continue;
        const message = services.length === 0 ? `there is no Service "${key}"` : unknownName("Service", key, services);
        problems.push(document.problem(["images", i, "dependencies", k], message));
      }
  }
  return problems.length > 0 ? problems : circles(behaviours, document, subjects);
}

/** Services that need each other: no request could ever be answered. */
function circles(behaviours: readonly ImageBehaviour[], document: SourceDocument, subjects: Subjects): readonly Problem[] {
  const needs = new Map<string, { readonly to: string; readonly at: readonly (string | number)[] }[]>();
  for (const { service, namespace, workloads } of subjects.services)
    for (const [i, { image, dependencies = [] }] of behaviours.entries())
      for (const { podSpec } of workloads)
        if (podSpec.containers.some((container) => matchesImage(image, container.image ?? "")))
          for (const [k, written] of dependencies.entries()) {
            const dependency: Dependency = dependencyOf(written);
            if (dependency.required === false) continue;
            const to = serviceKeyOf(dependency, namespace);
            needs.set(service, [...(needs.get(service) ?? []), { to, at: ["images", i, "dependencies", k] }]);
          }
  const walk = (service: string, way: readonly string[]): Problem | undefined => {
    for (const { to, at } of needs.get(service) ?? []) {
      if (way.includes(to))
        return document.problem(at, `Services that need each other never answer: ${[...way.slice(way.indexOf(to)), to].join(" → ")}`);
      const found = walk(to, [...way, to]);
      if (found) return found;
    }
    return undefined;
  };
  for (const service of needs.keys()) {
    const found = walk(service, [service]);
    if (found) return [found];
  }
  return [];
}

/** The images of the manifests whose behaviour nobody declared, in the order of their names. */
export function undeclaredImages({ workloads }: Subjects, declared: readonly ImageBehaviour[]): readonly string[] {
  const serving = workloads.filter((workload) => !runsToItsEnd(workload));
  const images = new Set(serving.flatMap(({ podSpec }) => podSpec.containers.map(({ image = "" }) => image)));
  return [...images].filter((image) => !declared.some((one) => matchesImage(one.image, image))).sort((a, b) => (a < b ? -1 : 1));
}
