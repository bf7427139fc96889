import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseAllDocuments } from "yaml";

/** A text with the name under which its owner knows it. Scenarios never read files: whoever runs them hands the texts over. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

export type Path = readonly (string | number)[];

/** Something wrong in a source: where, and what was expected instead. Lines and columns begin with 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** In the form of JSONPath, "$.storm[2].fault"; "$" for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** "examples/shop/x.yaml:12:5: $.storm[2].fault: unknown fault …" */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.path}: ${problem.message}`;
}

/** "$.storm[2].fault" of ["storm", 2, "fault"]. */
export function formatPath(path: Path): string {
  let text = "$";
  for (const part of path)
    text += typeof part === "number" ? `[${part}]` : /^[A-Za-z_][\w-]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  return text;
}

/** One document of a YAML (or JSON) source, as plain data, that still knows where each part of it stands. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  /** A problem at a path; at the deepest part of the path that exists, at its key where `at` is "key". */
  problem(path: Path, message: string, at?: "key" | "value"): Problem;
}

/**
 * Reads every document of a source; empty ones (comments alone) are left out, as kubectl does. Kubernetes reads YAML as version 1.1
 * ("yes" is true), scenarios are read as 1.2. A source with a problem has no documents.
 */
export function readDocuments(
  source: Source,
  version: "1.1" | "1.2",
): { readonly documents: readonly SourceDocument[]; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments<ParsedNode>(source.text, {
    version,
    lineCounter: lines,
    uniqueKeys: true,
    merge: true,
    prettyErrors: false,
    // Its warnings go to the process; what is wrong is said here.
    logLevel: "error",
  });
  if (!Array.isArray(parsed)) return { documents: [], problems: [] };
  const problems: Problem[] = [];
  const documents: SourceDocument[] = [];
  for (const document of parsed) {
    for (const error of document.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      problems.push({ file: source.file, line, column: col, path: "$", message: `not valid YAML: ${error.message}` });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const root = document.contents;
    const aliased = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
    const value = plainValue(() => document.toJS({ maxAliasCount: 1000 }));
    if (!value.ok) {
      const { line, col } = lines.linePos(root.range[0]);
      problems.push({ file: source.file, line, column: col, path: "$", message: `not valid YAML: ${value.message}` });
      continue;
    }
    if (value.value === null) continue;
    documents.push({
      file: source.file,
      value: value.value,
      problem(path, message, at = "value") {
        const { line, col } = lines.linePos(offsetOf(root, path, at, aliased));
        return { file: source.file, line, column: col, path: formatPath(path), message };
      },
    });
  }
  return { documents: problems.length > 0 ? [] : documents, problems };
}

function plainValue(
  read: () => unknown,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string } {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Where in the text the part at this path stands; of what is missing, where the part that should hold it stands. */
function offsetOf(root: Node, path: Path, at: "key" | "value", aliased: (node: unknown) => unknown): number {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
      // A block map or list begins on the line after its key, where nobody would look for it.
      if (last && at === "value" && (isScalar(node) || isAlias(node) || (isCollection(node) && node.flow)))
        offset = node.range?.[0] ?? offset;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
    node = aliased(node);
  }
  return offset;
}
