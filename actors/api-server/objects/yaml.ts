import { Lexer, Parser, parse, type Tags, YAMLParseError } from "yaml";

/**
 * Levels within each other that a text in YAML may have; real objects have some thirty. The library calls itself for each, and where that leaves no
 * stack for a pattern to be compiled, V8 ends the whole process.
 */
export const yamlLevelsMax = 250;

/**
 * The value of a text in YAML 1.1, as Kubernetes reads it; throws an Error for what does not parse, or is nested deeper than `yamlLevelsMax`. Of a key that a map
 * has twice the last one holds, as in real servers, unless `uniqueKeys` is asked for.
 */
export function parseYaml(text: string, { uniqueKeys = false }: { readonly uniqueKeys?: boolean } = {}): unknown {
  if (isYamlDeeper(text, yamlLevelsMax))
    throw new Error(`exceeded max depth: expected at most ${yamlLevelsMax} levels of maps and lists in YAML`);
  return parse(text, { version: "1.1", customTags: kubernetesTags, prettyErrors: true, logLevel: "error", uniqueKeys });
}

/** Whether a text was refused because a map has a key twice. */
export const isRepeatedKey = (error: unknown) => error instanceof YAMLParseError && error.code === "DUPLICATE_KEY";

/** A date or a time of day that stands unquoted stays the text it is. */
function kubernetesTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || !(tag.tag.endsWith(":timestamp") || ("format" in tag && tag.format === "TIME")));
}

/** Whether a text is nested more deeply: read token by token, with a stack that is a list, and no further than that shows. */
function isYamlDeeper(text: string, levels: number): boolean {
  // Each level takes a character at least.
  if (text.length <= levels) return false;
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _document of parser.next(lexeme));
    // The document lies below all of its levels, and the value above them.
    if (parser.stack.length > levels + 2) return true;
  }
  return false;
}
