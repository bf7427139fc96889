import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, normalize, relative, resolve } from "node:path";
import { serviceAccountGroups } from "../actors/api-server/authentication/user";
import type { OperatorConfig } from "../actors/operator/operator";
import { readProgram } from "../actors/operator/program";
import type { RoleBinding } from "../protocol/kinds/generated";
import { objectId } from "../scenarios/history";
import { type Condition, glob, patternText } from "../scenarios/language/condition";
import { conditionsOf, stepsOf } from "../scenarios/language/steps";
import { type Manifest, readManifests } from "../scenarios/manifests";
import { type Mutant, plant } from "../scenarios/mutants/mutant";
import { readScenario, type Scenario } from "../scenarios/scenario";
import { unknownName } from "../scenarios/schema";
import { formatProblem, type Path, type Problem, type Source } from "../scenarios/source";
import { InputError } from "./exit";
import { compileOperator, evaluateOperator } from "./operator-code";
import { readText } from "./read-text";
import { isOnlyScenario } from "./scenario-files";
import { projectRoot } from "./version";

/** A scenario with every text that it needs: what a run is made from, and what is kept to repeat it elsewhere. */
export interface Bundle {
  readonly source: Source;
  /** Manifests by the path that the scenario gives, in the order in which kubectl would read them. */
  readonly files: Readonly<Record<string, readonly Source[]>>;
  /** Operators' modules, compiled, by the path that the scenario gives. */
  readonly operators?: Readonly<Record<string, Source>>;
}

export interface Loaded {
  readonly bundle: Bundle;
  readonly scenario: Scenario;
  readonly manifests: readonly Manifest[];
  readonly objectsOfStep: ReadonlyMap<number, readonly Manifest[]>;
  /** The programs of the scenario's operators, by the path that it gives; each call evaluates one anew. */
  readonly programs: ReadonlyMap<string, () => unknown>;
}

/**
 * Reads a scenario file and all files it names; `operator` is a module to be run in the place of the scenario's only one, and `mutant` a bug that is planted if it is
 * one of an operator. Throws an InputError that lists everything that is wrong.
 */
export function loadScenario(
  file: string,
  options: { readonly operator?: string | undefined; readonly mutant?: Mutant | undefined } = {},
): Loaded {
  const source: Source = { file, text: readText(file) };
  const read = readScenario(source);
  if (!read.ok) throw problems(read.problems);
  const { scenario } = read;
  const files: Record<string, readonly Source[]> = {};
  const missing: Problem[] = [];
  for (const [name, path] of namedFiles(scenario)) {
    const sources = manifestSources(join(dirname(file), name));
    if (sources === undefined) missing.push(scenario.problem(path, `no such file or folder: ${join(dirname(file), name)}`));
    else files[name] = sources;
  }
  const operators: Record<string, Source> = {};
  const broken: string[] = [];
  if (options.operator !== undefined && scenario.operators.length !== 1)
    throw new InputError(
      `--operator: ${file} has ${scenario.operators.length === 0 ? "no" : "more than one"} \`operator\`: expected exactly one`,
    );
  for (const operator of scenario.operators) {
    const path = options.operator ?? join(dirname(file), operator.file);
    if (!existsSync(path)) missing.push(scenario.problem(operator.path, `no such file: ${path}`));
    else {
      const compiled = compileOperator(path, options.mutant && plantedOperator(options.mutant, path));
      if (compiled.ok) operators[operator.file] = { file: tidy(path), text: compiled.code.text };
      else broken.push(...compiled.problems);
    }
  }
  if (missing.length > 0) throw problems(missing);
  if (broken.length > 0) throw new InputError(broken.join("\n"));
  return prepare({ source, files, ...(scenario.operators.length > 0 ? { operators } : {}) });
}

/** The text of an operator's module with the bug in it; undefined where the bug is elsewhere. */
function plantedOperator(mutant: Mutant, path: string): string | undefined {
  if (resolve(path) !== join(projectRoot(), mutant.file)) return undefined;
  const planted = plant(mutant, readText(path));
  if ("wrong" in planted) throw new InputError(`${mutant.id}: find: ${planted.wrong}`);
  return planted.text;
}

/** Makes a scenario of texts that were read before, such as those in a run's record. Throws an InputError. */
export function prepare(bundle: Bundle): Loaded {
  const read = readScenario(bundle.source);
  if (!read.ok) throw problems(read.problems);
  const { scenario } = read;
  const manifestsOf = (names: readonly string[], definitions: readonly Manifest[]): readonly Manifest[] => {
    const sources = names.flatMap((name) => bundle.files[name] ?? []);
    const result = readManifests(sources, undefined, definitions);
    if (result.problems.length > 0) throw problems(result.problems);
    return result.manifests;
  };
  const manifests = manifestsOf(scenario.manifests, []);
  const objectsOfStep = new Map<number, readonly Manifest[]>();
  for (const step of stepsOf(scenario.storm))
    if (step.type === "action" && step.params.files)
      objectsOfStep.set(step.index, manifestsOf(step.params.files as readonly string[], manifests));
  const empty = namedFiles(scenario).filter(([name]) => manifestsOf([name], manifests).length === 0);
  if (empty.length > 0)
    throw problems(
      empty.map(([name, path]) => scenario.problem(path, `no manifest in ${name}: expected YAML or JSON files of Kubernetes objects`)),
    );
  const applied = [...manifests, ...[...objectsOfStep.values()].flat()];
  const ids = new Set(applied.map(({ object }) => objectId(object)));
  const unknown = [...wrongNames(scenario, ids), ...wrongAccounts(scenario, applied), ...wrongNamespaces(applied)];
  if (unknown.length > 0) throw problems(unknown);
  return { bundle, scenario, manifests, objectsOfStep, programs: programsOf(bundle, scenario) };
}

/** The operators' programs; one that is none is a problem. */
function programsOf({ operators = {} }: Bundle, scenario: Scenario): Loaded["programs"] {
  const programs = new Map<string, () => unknown>();
  const wrong: Problem[] = [];
  for (const { file, path } of scenario.operators) {
    const code = operators[file];
    if (!code) throw new InputError(`the code of the operator ${file} is missing`);
    const evaluate = evaluateOperator(code);
    const config = scenario.plan.hosts.flatMap(({ actors }) => actors).find((actor) => actor.config.program === file)?.config;
    try {
      const read = readProgram(evaluate(), config as unknown as OperatorConfig);
      if (!read.ok) wrong.push(scenario.problem(path, `${code.file}: ${read.wrong}`));
    } catch (error) {
      wrong.push(scenario.problem(path, `${code.file} cannot be loaded: ${String((error as Error | undefined)?.message ?? error)}`));
    }
    programs.set(file, evaluate);
  }
  if (wrong.length > 0) throw problems(wrong);
  return programs;
}

/** Names of Services, Deployments and nodes in the scenario that nothing makes. */
function wrongNames(scenario: Scenario, ids: ReadonlySet<string>): readonly Problem[] {
  const wrong: Problem[] = [];
  const check = (kind: string, name: unknown, path: Path) => {
    if (name === undefined || ids.has(`${kind} ${String(name)}`)) return;
    const known = [...ids].filter((id) => id.startsWith(`${kind} `)).map((id) => id.slice(kind.length + 1));
    wrong.push(
      scenario.problem(
        path,
        known.length === 0 ? `there is no ${kind} "${String(name)}" in the manifests` : unknownName(kind, String(name), known),
      ),
    );
  };
  const nodes = scenario.plan.hosts.filter(({ role }) => role === "node").map(({ name }) => name);
  for (const { params, path } of scenario.load) {
    check("Service", params.service, [...path, "service"]);
    for (const [i, node] of ((params.from as readonly string[] | undefined) ?? []).entries())
      if (!nodes.includes(node)) wrong.push(scenario.problem([...path, "from", i], unknownName("node", node, nodes)));
  }
  for (const { params, path } of scenario.expect) {
    check("Service", params.service, [...path, "service"]);
    check("Deployment", params.deployment, [...path, "deployment"]);
  }
  for (const { condition, path } of conditionsOf(scenario.storm)) wrong.push(...wrongObjects(scenario, condition, path, ids));
  for (const step of stepsOf(scenario.storm)) {
    if (step.type !== "action") continue;
    check("Deployment", step.params.deployment, [...step.path, "deployment"]);
    const { node } = step.params;
    if (node !== undefined && !nodes.includes(String(node)))
      wrong.push(scenario.problem([...step.path, "node"], unknownName("node", String(node), nodes)));
    for (const [i, one] of ((step.params.nodes as readonly string[] | undefined) ?? []).entries())
      if (!nodes.includes(one)) wrong.push(scenario.problem([...step.path, "nodes", i], unknownName("node", one, nodes)));
  }
  return wrong;
}

/** Operators' ServiceAccounts that nothing makes, or that no binding gives a single permission: each of their requests would be refused. */
function wrongAccounts(scenario: Scenario, applied: readonly Manifest[]): readonly Problem[] {
  return scenario.operators.flatMap(({ serviceAccount, path }) => {
    if (serviceAccount === undefined) return [];
    const known = applied.filter(({ kind }) => kind.kind === "ServiceAccount").map(({ object: { metadata } }) => keyOf(metadata));
    if (!known.includes(serviceAccount))
      return [
        scenario.problem(
          path,
          known.length === 0
            ? `there is no ServiceAccount "${serviceAccount}" in the manifests`
            : unknownName("ServiceAccount", serviceAccount, known),
        ),
      ];
    const isBound = applied.some(({ kind, object }) => {
      if (kind.kind !== "RoleBinding" && kind.kind !== "ClusterRoleBinding") return false;
      const { subjects = [] } = object as unknown as RoleBinding;
      const groups = serviceAccountGroups(serviceAccount.split("/")[0]!);
      return subjects.some((one) => (one.kind === "Group" ? groups.includes(one.name) : keyOf(one) === serviceAccount));
    });
    if (isBound) return [];
    return [
      scenario.problem(
        path,
        `no RoleBinding or ClusterRoleBinding in the manifests names the ServiceAccount "${serviceAccount}": every request of the operator would be forbidden`,
      ),
    ];
  });
}

const keyOf = ({ namespace, name }: { readonly namespace?: string; readonly name?: string }) => `${namespace ?? "default"}/${name ?? ""}`;

/** Kinds whose objects somebody has to apply: no controller makes any. */
const appliedKinds = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "PodDisruptionBudget"];

/** Objects in a condition that nothing makes: it could never come true. */
function wrongObjects(scenario: Scenario, condition: Condition, path: Path, ids: ReadonlySet<string>): readonly Problem[] {
  switch (condition.type) {
    case "all":
    case "any":
      return condition.of.flatMap((one, i) => wrongObjects(scenario, one, [...path, condition.type, i], ids));
    case "not":
      return wrongObjects(scenario, condition.of, [...path, "not"], ids);
    case "transition":
    case "object": {
      const { kind } = condition.object;
      const text = patternText(condition.object);
      const made = [...ids, "Service default/kubernetes"];
      if (!appliedKinds.includes(kind) || made.some((id) => glob(text).test(id))) return [];
      const known = made.filter((id) => id.startsWith(`${kind} `));
      return [
        scenario.problem(
          path,
          `this can never hold: ${unknownName(
            kind,
            text.slice(kind.length + 1),
            known.map((id) => id.slice(kind.length + 1)),
          )}`,
        ),
      ];
    }
    default:
      return [];
  }
}

/** Namespaces that every cluster has from the beginning. */
const bornNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Objects whose Namespace nothing makes: they could never be applied. */
function wrongNamespaces(manifests: readonly Manifest[]): readonly Problem[] {
  const made = manifests.filter(({ kind }) => kind.kind === "Namespace").map(({ object }) => object.metadata.name ?? "");
  const known = [...bornNamespaces, ...made];
  return manifests.flatMap(({ file, line, kind, object: { metadata } }) =>
    !kind.namespaced || known.includes(metadata.namespace ?? "")
      ? []
      : [{ file, line, column: 1, path: "$.metadata.namespace", message: unknownName("namespace", metadata.namespace ?? "", known) }],
  );
}

/** Every file or folder that a scenario names, with where it does. */
function namedFiles(scenario: Scenario): readonly (readonly [string, Path])[] {
  return [
    ...scenario.manifests.map((name, i) => [name, ["manifests", i]] as const),
    ...stepsOf(scenario.storm).flatMap((step) =>
      step.type === "action"
        ? ((step.params.files ?? []) as readonly string[]).map((name, i) => [name, [...step.path, "files", i]] as const)
        : [],
    ),
  ];
}

/** A manifest file, or those of a folder as `kubectl apply -f FOLDER` reads them: by name, not those of its subfolders. Undefined where there is none. */
export function manifestSources(path: string): readonly Source[] | undefined {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) return [{ file: tidy(path), text: readText(path) }];
  const names = readdirSync(path).filter((name) => /\.(ya?ml|json)$/.test(name) && statSync(join(path, name)).isFile());
  const sources = names
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => ({ file: tidy(join(path, name)), text: readText(join(path, name)) }));
  // Scenarios like to lie beside the manifests that they are about.
  return sources.filter(({ text }) => !isOnlyScenario(text));
}

function tidy(path: string): string {
  const shown = relative(process.cwd(), path);
  return shown.startsWith("..") ? normalize(path) : shown;
}

function problems(list: readonly Problem[]): InputError {
  return new InputError(list.map(formatProblem).join("\n"));
}
