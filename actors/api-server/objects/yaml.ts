import { Lexer, Parser, parse } from "yaml";

/**
 * Levels within each other that a text in YAML may have; real objects have some thirty. The library calls itself for each, and where that leaves no
 * stack for a pattern to be compiled, V8 ends the whole process.
 */
export const yamlLevelsMax = 250;

/** The value of a text in YAML; throws an Error for what does not parse, or is nested deeper than `yamlLevelsMax`. */
export function parseYaml(text: string, options: Parameters<typeof parse>[2]): unknown {
  if (isYamlDeeper(text, yamlLevelsMax))
    throw new Error(`exceeded max depth: expected at most ${yamlLevelsMax} levels of maps and lists in YAML`);
  return parse(text, options);
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
