import { parseDocument } from "yaml";

/**
 * Keys that a YAML text sets twice in one map, in the words of the library that real servers read it with:
 * `yaml: unmarshal errors:\n  line 11: key "foo" already set in map`. Undefined where there are none; JSON is YAML too.
 */
export function repeatedKeys(text: string): string | undefined {
  const { errors } = parseDocument(text, { logLevel: "error" });
  const lines = errors.flatMap(({ code, pos: [from], linePos }) =>
    code === "DUPLICATE_KEY" ? [`  line ${linePos?.[0].line ?? 0}: key ${JSON.stringify(keyAt(text, from))} already set in map`] : [],
  );
  return lines.length === 0 ? undefined : [yamlErrors, ...lines].join("\n");
}

/** A finding as the warnings that it makes: a header has one line each. */
export const warningsOf = (finding: string) =>
  finding.startsWith(`${yamlErrors}\n`)
    ? finding
        .split("\n")
        .slice(1)
        .map((line) => line.trim())
    : [finding];
const yamlErrors = "yaml: unmarshal errors:";

const keyAt = (text: string, at: number) =>
  /^(?:"([^"]*)"|'([^']*)'|([^:\n]*))/
    .exec(text.slice(at))!
    .slice(1)
    .find((key) => key !== undefined)!
    .trim();
