import { formatProblem, type Problem, type Source } from "../source";

/** A Helm template's action, as it stands where YAML has a value: `{{ .Values.x }}`, `{{- include … }}`. */
const helmAction =
  /\{\{-?\s*(?:[.$(]|(?:if|else|end|range|with|include|template|define|block|toYaml|tpl|printf|quote|default|required|lookup|fail|not|and|or|eq)\b|\/\*)/;

/** What is wrong with sources that are no manifests yet, but what manifests are made from; one problem for each. */
export function wrongWithRaw(sources: readonly Source[]): readonly Problem[] {
  return sources.flatMap((source) => [...kustomization(source), ...chart(source)]);
}

function kustomization(source: Source): readonly Problem[] {
  const name = source.file.slice(source.file.lastIndexOf("/") + 1);
  const folder = source.file.includes("/") ? source.file.slice(0, source.file.lastIndexOf("/")) : ".";
  const line = lineOf(source.text, /^kind:\s*["']?(Kustomization|Component)["']?\s*$/m);
  if (!/^kustomization(\.ya?ml)?$/i.test(name) && line === undefined) return [];
  const message = `this is Kustomize's own file and no manifest: expected its output, as in \`kustomize build ${folder} | npx wavetank rehearse -\``;
  return [{ file: source.file, line: line ?? 1, column: 1, path: "$", message }];
}

function chart(source: Source): readonly Problem[] {
  const name = source.file.slice(source.file.lastIndexOf("/") + 1);
  if (name !== "Chart.yaml") return [];
  const folder = source.file.slice(0, Math.max(0, source.file.lastIndexOf("/"))) || ".";
  const message = `this is a Helm chart and no manifest: expected its output, as in \`helm template my-release ${folder} | npx wavetank rehearse -\``;
  return [{ file: source.file, line: 1, column: 1, path: "$", message }];
}

/**
 * What was said of a source that turns out to be an unrendered Helm template: one problem in the place of the many that a template causes. Sources
 * that can be read keep their braces: they may well be meant for somebody else.
 */
export function templateProblems(sources: readonly Source[], problems: readonly Problem[]): readonly Problem[] {
  const templates = new Map<string, Problem>();
  for (const { file, text } of sources) {
    const line = lineOf(text, helmAction);
    if (line === undefined || !problems.some((problem) => problem.file === file)) continue;
    const message =
      "this is a Helm template that has not been rendered: expected its output, as in `helm template my-release CHART | npx wavetank rehearse -`";
    templates.set(file, { file, line, column: 1, path: "$", message });
  }
  return [...templates.values(), ...problems.filter(({ file }) => !templates.has(file))];
}

function lineOf(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text);
  return match ? text.slice(0, match.index).split("\n").length : undefined;
}

/** Problems as the lines that are shown. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}
