import { partSchemas } from "../part-schemas";
import { unknownName, validatePart } from "../schema";
import type { Path, Problem, SourceDocument } from "../source";

/** What is found wrong while a document is read. */
export class Complaints {
  readonly problems: Problem[] = [];

  constructor(readonly document: SourceDocument) {}

  complain(path: Path, message: string, at: "key" | "value" = "value"): void {
    this.problems.push(this.document.problem(path, message, at));
  }

  add(problems: readonly Problem[]): void {
    this.problems.push(...problems);
  }

  /** Whether there is a thing of that name and its parameters fit; what does not is noted. */
  isValid(path: Path, what: string, name: string, value: unknown, known: readonly string[]): boolean {
    const schema = partSchemas.get(`${what} ${name}`);
    if (!schema) {
      this.complain(
        [...path, ...(typeof value === "object" && value !== null && what in value ? [what] : [])],
        unknownName(what, name, known),
      );
      return false;
    }
    const wrong = validatePart(this.document, path, typeof value === "object" ? value : { [what]: value }, schema.validate);
    this.add(wrong);
    return wrong.length === 0;
  }
}
