import { SyntaxFault, type Token, tokensOf } from "./lexer";
import { literal, type Word } from "./words";

/**
 * The part of the shell's language that simulated processes understand: commands joined by `;`, `&&`, `||`, `|` and line ends; quotes and backslashes;
 * variables, `$(…)` and `$((…))`; `if`, `while`, `until`, `for`, `case`, functions, `{ … }` and `( … )`. Outputs go to the other one (`>&2`, `2>&1`), to
 * /dev/null or to a file, and input comes from a file (`<`), from what follows (`<<`) or from the command before. What else there is (`&`, other redirections)
 * is refused by name rather than misread.
 */
export interface Step {
  readonly words: readonly Word[];
  /** Of what the step before ended with; "piped" reads what that one wrote, if it ran. */
  readonly runs: "always" | "onSuccess" | "onFailure" | "piped";
  /** Its output is what the next one reads. */
  readonly pipes?: true;
  /** The file from which it reads. */
  readonly input?: Word;
  /** The lines that it reads. */
  readonly here?: Word;
  /** Where its two outputs go, where not to their own places. */
  readonly outputs?: Outputs;
  /** It is no command but has some in it. */
  readonly compound?: Compound;
  /** `!`: it succeeds where it fails. */
  readonly negated?: true;
}

export type Compound =
  | { readonly is: "group"; readonly body: readonly Step[]; readonly ownShell: boolean }
  | { readonly is: "if"; readonly branches: readonly Branch[]; readonly otherwise: readonly Step[] }
  | { readonly is: "while"; readonly test: readonly Step[]; readonly until: boolean; readonly body: readonly Step[] }
  /** Without words it goes through what the shell or the function was given. */
  | { readonly is: "for"; readonly name: string; readonly words: readonly Word[] | undefined; readonly body: readonly Step[] }
  | {
      readonly is: "case";
      readonly word: Word;
      readonly clauses: readonly { readonly patterns: readonly Word[]; readonly body: readonly Step[] }[];
    }
  | { readonly is: "function"; readonly name: string; readonly body: readonly Step[] };

export interface Branch {
  readonly test: readonly Step[];
  readonly body: readonly Step[];
}

export type Output = "stdout" | "stderr" | "nowhere" | FileOutput;

export interface FileOutput {
  readonly file: Word;
  readonly append: boolean;
}

export interface Outputs {
  readonly out: Output;
  readonly err: Output;
}

const ownPlaces: Outputs = { out: "stdout", err: "stderr" };

/** The places after one more redirection, "2>&1" or "> /dev/null": they are taken one after another. */
function redirected(outputs: Outputs, redirection: string, file?: Word): Outputs {
  const [, from = "", arrows = "", to = ""] = /^([12&]?)(>>?)\s*(.*)$/s.exec(redirection)!;
  const target: Output = file ? { file, append: arrows === ">>" } : to === "&1" ? outputs.out : to === "&2" ? outputs.err : "nowhere";
  return from === "&" ? { out: target, err: target } : from === "2" ? { ...outputs, err: target } : { ...outputs, out: target };
}

export type Script = { readonly ok: true; readonly steps: readonly Step[] } | { readonly ok: false; readonly message: string };

/** Commands in commands, and scripts in words, that are read. */
const depthMax = 50;

/** Reads a script; its steps run one after another. */
export function parseScript(text: string, depth = 0): Script {
  try {
    const deeper = (inner: string) => {
      const script = depth < depthMax ? parseScript(inner, depth + 1) : undefined;
      if (!script?.ok) throw new SyntaxFault(script?.message ?? tooDeep);
      return script.steps;
    };
    return { ok: true, steps: new Parser(tokensOf(text, deeper)).whole() };
  } catch (error) {
    if (error instanceof SyntaxFault) return { ok: false, message: error.message };
    throw error;
  }
}

/** Nobody writes longer ones, and all commands of a loop's body come before the others at once. */
const stepsMax = 5_000;
const tooDeep = `syntax error: commands lie in each other more than ${depthMax} deep`;
const reserved: ReadonlySet<string> = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}", "in"]);
const nothing: ReadonlySet<string> = new Set();

class Parser {
  private at = 0;
  private depth = 0;
  private steps = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): readonly Step[] {
    const steps = this.list(nothing);
    if (this.at < this.tokens.length) throw this.unexpected();
    return steps;
  }

  /** Commands up to one of the words or operators, which is not taken. */
  private list(ends: ReadonlySet<string>): readonly Step[] {
    if (++this.depth > depthMax) throw new SyntaxFault(tooDeep);
    const steps: Step[] = [];
    let runs: Step["runs"] = "always";
    let turned = false;
    for (;;) {
      const due = runs !== "always";
      while (this.isOperator("\n") || (!due && this.isOperator(";"))) this.at++;
      const token = this.tokens[this.at];
      if (token === undefined || this.isAt(ends)) {
        if (due)
          throw token === undefined && runs !== "piped"
            ? new SyntaxFault("syntax error: unexpected end of file")
            : new SyntaxFault('syntax error: unexpected "|"');
        break;
      }
      if (++this.steps > stepsMax) throw new SyntaxFault(`syntax error: a script has more than ${stepsMax} commands`);
      const { negated: turnsOver, ...step } = this.step(runs);
      turned ||= turnsOver === true;
      const next = this.tokens[this.at];
      const joined = next?.is === "operator" ? next.text : "";
      if (joined === "|" || joined === "&&" || joined === "||") this.at++;
      // What `!` turns over is what the whole pipe ends with.
      if (joined === "|") steps.push({ ...step, pipes: true });
      else {
        steps.push(turned ? { ...step, negated: true } : step);
        turned = false;
      }
      runs = joined === "|" ? "piped" : joined === "&&" ? "onSuccess" : joined === "||" ? "onFailure" : "always";
      if (runs === "always" && next !== undefined && joined !== ";" && joined !== "\n" && !this.isAt(ends)) throw this.unexpected();
    }
    this.depth--;
    return steps;
  }

  private step(runs: Step["runs"]): Step {
    const negated = this.isWord("!") ? { negated: true as const } : {};
    if (negated.negated) this.at++;
    const compound = this.compound();
    const words: Word[] = [];
    let outputs = ownPlaces;
    let input: Word | undefined;
    let here: Word | undefined;
    for (let token = this.tokens[this.at]; token !== undefined && token.is !== "operator"; token = this.tokens[this.at]) {
      if (token.is === "word" && compound) break;
      this.at++;
      if (token.is === "word") words.push(token.word);
      else if (token.is === "turn") outputs = redirected(outputs, token.text);
      else if (token.is === "here") here = [{ text: token.text, expands: token.expands }];
      else {
        const file = this.tokens[this.at++];
        if (file?.is !== "word") throw new SyntaxFault("syntax error: a redirection has no file");
        if (token.text.startsWith("<")) input = file.word;
        else outputs = redirected(outputs, token.text, file.word);
      }
    }
    const [name] = words;
    if (words.length === 1 && this.isOperator("(") && name && /^[A-Za-z_]\w*$/.test(literal(name)))
      return { words: [], runs, compound: this.definition(literal(name)) };
    if (words.length === 0 && !compound && outputs === ownPlaces && input === undefined && here === undefined) throw this.unexpected();
    return {
      ...{ words, runs, ...negated },
      ...(compound ? { compound } : {}),
      ...(input ? { input } : {}),
      ...(here ? { here } : {}),
      ...(outputs === ownPlaces ? {} : { outputs }),
    };
  }

  private compound(): Compound | undefined {
    if (this.isOperator("(")) {
      this.at++;
      const body = this.list(new Set([")"]));
      this.take(")");
      return { is: "group", body, ownShell: true };
    }
    const token = this.tokens[this.at];
    const word = token?.is === "word" && isPlain(token.word) ? literal(token.word) : "";
    if (reserved.has(word) && word !== "in") throw this.unexpected();
    switch (word) {
      case "if":
        return this.condition();
      case "while":
      case "until": {
        this.at++;
        const test = this.list(new Set(["do"]));
        return { is: "while", test, until: word === "until", body: this.loop() };
      }
      case "for":
        return this.each();
      case "case":
        return this.choice();
      case "{": {
        this.at++;
        const body = this.list(new Set(["}"]));
        this.take("}");
        return { is: "group", body, ownShell: false };
      }
      default:
        return undefined;
    }
  }

  private condition(): Compound {
    const branches: Branch[] = [];
    do {
      this.at++;
      const test = this.list(new Set(["then"]));
      this.take("then");
      branches.push({ test, body: this.list(new Set(["elif", "else", "fi"])) });
    } while (this.isWord("elif"));
    let otherwise: readonly Step[] = [];
    if (this.isWord("else")) {
      this.at++;
      otherwise = this.list(new Set(["fi"]));
    }
    this.take("fi");
    return { is: "if", branches, otherwise };
  }

  private loop(): readonly Step[] {
    this.take("do");
    const body = this.list(new Set(["done"]));
    this.take("done");
    return body;
  }

  private each(): Compound {
    this.at++;
    const name = literal(this.word());
    let words: Word[] | undefined;
    while (this.isOperator("\n")) this.at++;
    if (this.isWord("in")) {
      this.at++;
      words = [];
      while (this.tokens[this.at]?.is === "word") words.push(this.word());
    }
    while (this.isOperator("\n") || this.isOperator(";")) this.at++;
    return { is: "for", name, words, body: this.loop() };
  }

  private choice(): Compound {
    this.at++;
    const word = this.word();
    while (this.isOperator("\n")) this.at++;
    this.take("in");
    const clauses: { patterns: Word[]; body: readonly Step[] }[] = [];
    for (;;) {
      while (this.isOperator("\n")) this.at++;
      if (this.isWord("esac")) break;
      if (this.isOperator("(")) this.at++;
      const patterns = [this.word()];
      while (this.isOperator("|")) {
        this.at++;
        patterns.push(this.word());
      }
      this.take(")");
      clauses.push({ patterns, body: this.list(new Set([";;", "esac"])) });
      if (!this.isOperator(";;")) break;
      this.at++;
    }
    this.take("esac");
    return { is: "case", word, clauses };
  }

  private definition(name: string): Compound {
    this.take("(");
    this.take(")");
    while (this.isOperator("\n")) this.at++;
    const body = this.compound();
    if (body?.is !== "group") throw this.unexpected();
    return { is: "function", name, body: body.body };
  }

  private word(): Word {
    const token = this.tokens[this.at];
    if (token?.is !== "word") throw this.unexpected();
    this.at++;
    return token.word;
  }

  private take(text: string): void {
    if (!(this.isOperator(text) || this.isWord(text))) throw this.unexpected();
    this.at++;
  }

  private isOperator(text: string): boolean {
    const token = this.tokens[this.at];
    return token?.is === "operator" && token.text === text;
  }

  private isWord(text: string): boolean {
    const token = this.tokens[this.at];
    return token?.is === "word" && isPlain(token.word) && literal(token.word) === text;
  }

  private isAt(ends: ReadonlySet<string>): boolean {
    const token = this.tokens[this.at];
    if (token?.is === "operator") return ends.has(token.text);
    return token?.is === "word" && isPlain(token.word) && ends.has(literal(token.word));
  }

  private unexpected(): SyntaxFault {
    const token = this.tokens[this.at];
    if (token === undefined) return new SyntaxFault("syntax error: unexpected end of file");
    return new SyntaxFault(`syntax error: unexpected ${JSON.stringify(token.is === "word" ? literal(token.word) : token.text)}`);
  }
}

/** Words that mean something to the shell stand in no quotes. */
const isPlain = (word: Word) => word.length === 1 && word[0]!.splits === true && !word[0]!.commands && !word[0]!.isSum;

const shells: ReadonlySet<string> = new Set(["sh", "bash", "ash", "dash"]);

/** The last part of a path: "/bin/sh" is sh. */
export const programOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** What a command line asks of a shell: to read commands, or to run a script; undefined where it is no shell. */
export function shellInvocation(command: readonly string[]): { readonly script: string | undefined } | undefined {
  const [first = "", ...rest] = command;
  if (!shells.has(programOf(first))) return undefined;
  const flag = rest.findIndex((argument) => /^-\w*c$/.test(argument));
  if (flag >= 0) return { script: rest[flag + 1] ?? "" };
  return rest.every((argument) => argument.startsWith("-")) ? { script: undefined } : undefined;
}

/** The name under which a step says what is wrong with a script. */
export const syntaxError = "\0syntax";

/** The steps of a script; one that says what is wrong, as the shell would, where it cannot be read. */
export function stepsOf(script: string): readonly Step[] {
  const parsed = parseScript(script);
  const literal = (text: string): Word => [{ text, expands: false }];
  return parsed.ok ? parsed.steps : [{ words: [literal(syntaxError), literal(parsed.message)], runs: "always" }];
}
