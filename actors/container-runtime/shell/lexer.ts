import type { Piece, Word } from "./words";

/** A text that no shell could read; its message is what the shell says. */
export class SyntaxFault extends Error {}

/** Something of a script: a word, what joins commands, or where a command's input and outputs go. */
export type Token =
  | { readonly is: "word"; readonly word: Word }
  | { readonly is: "operator"; readonly text: string }
  /** "2>&1", "> /dev/null": nothing follows it. */
  | { readonly is: "turn"; readonly text: string }
  /** ">", "2>>", "<": the next word is its file. */
  | { readonly is: "file"; readonly text: string }
  /** The lines after "<<WORD". */
  | { readonly is: "here"; text: string; readonly end: string; readonly expands: boolean; readonly tabs: boolean };

/** Redirections of one output to the other, or to nowhere. */
const turning = /^(?:[12&]?>\s*\/dev\/null|[12]?>&[12])(?![\w./])/;
/** Redirections to and from a file, whose name is the next word. */
const toFile = /^(?:[12&]?>>?(?![&>(])|<(?![&<(>]))[ \t]*/;
const hereDocument = /^<<(-?)[ \t]*(['"]?)([\w.]+)\2/;
/** What means nothing to the shell within a word. */
const plain = /[^\s'"\\`$&|;<>()#]+/y;
const operators = ["&&", "||", ";;", ";", "\n", "|", "(", ")"];

/** How a command inside of a word is read: the parser, which in turn has words read. */
export type ReadCommands = (text: string) => Piece["commands"];

/** A script as tokens. Throws a SyntaxFault. */
export function tokensOf(text: string, commands: ReadCommands): readonly Token[] {
  return new Lexer(text, commands).tokens();
}

class Lexer {
  private at = 0;
  private readonly found: Token[] = [];
  private word: Piece[] | undefined;
  private waiting: Extract<Token, { readonly is: "here" }>[] = [];

  constructor(
    private readonly text: string,
    private readonly commands: ReadCommands,
  ) {}

  tokens(): readonly Token[] {
    while (this.at < this.text.length) this.next();
    this.endWord();
    return this.found;
  }

  private next(): void {
    const { text, at, word } = this;
    const char = text[at]!;
    if (char === " " || char === "\t" || char === "\r") {
      this.endWord();
      this.at++;
    } else if (char === "\\" && text[at + 1] === "\n") this.at += 2;
    else if (char === "#" && word === undefined) {
      const end = text.indexOf("\n", at);
      this.at = end < 0 ? text.length : end;
    } else if (!(this.redirection(char) || this.operator())) this.piece(char);
  }

  /** A number belongs to the redirection where it stands alone: `echo 2>&1`, but not `echo a2>&1`. */
  private redirection(char: string): boolean {
    if (
      !(
        "<>".includes(char) ||
        (char === "&" && this.text[this.at + 1] === ">") ||
        ("12".includes(char) && this.word === undefined && this.text[this.at + 1] === ">")
      )
    )
      return false;
    const rest = this.text.slice(this.at, this.at + 300);
    const here = hereDocument.exec(rest);
    const turned = turning.exec(rest)?.[0];
    const file = turned === undefined ? toFile.exec(rest)?.[0] : undefined;
    if (!here && turned === undefined && file === undefined) return false;
    this.endWord();
    if (here) {
      const token = { is: "here" as const, text: "", end: here[3]!, expands: here[2] === "", tabs: here[1] === "-" };
      this.waiting.push(token);
      this.found.push(token);
    } else this.found.push(turned !== undefined ? { is: "turn", text: turned } : { is: "file", text: file! });
    this.at += (here?.[0] ?? turned ?? file!).length;
    return true;
  }

  private operator(): boolean {
    const text = operators.find((each) => this.text.startsWith(each, this.at));
    if (text === undefined) return false;
    if (text === "|" && this.text[this.at + 1] === "&") throw unknown("|&");
    this.endWord();
    this.found.push({ is: "operator", text });
    this.at += text.length;
    if (text === "\n") this.readHere();
    return true;
  }

  /** What follows the line are the lines that its commands read. */
  private readHere(): void {
    for (const token of this.waiting.splice(0)) {
      for (;;) {
        if (this.at >= this.text.length) return;
        const end = this.text.indexOf("\n", this.at);
        const line = this.text.slice(this.at, end < 0 ? undefined : end);
        this.at = end < 0 ? this.text.length : end + 1;
        const shown = token.tabs ? line.replace(/^\t+/, "") : line;
        if (shown === token.end) break;
        token.text += `${shown}\n`;
      }
    }
  }

  private piece(char: string): void {
    if (char === "'") {
      const end = this.text.indexOf("'", this.at + 1);
      if (end < 0) throw new SyntaxFault("syntax error: unterminated quoted string");
      this.add({ text: this.text.slice(this.at + 1, end), expands: false });
      this.at = end + 1;
    } else if (char === '"') this.quoted();
    else if (char === "\\") {
      this.add({ text: this.text[this.at + 1] ?? "", expands: false });
      this.at += 2;
    } else if (char === "&" || char === "<" || char === ">") throw unknown(char);
    else if (!this.substitution(true)) this.bare(char);
  }

  private bare(char: string): void {
    const braced = char === "$" && this.text[this.at + 1] === "{" ? this.text.indexOf("}", this.at) : -1;
    plain.lastIndex = this.at;
    const text = braced > 0 ? this.text.slice(this.at, braced + 1) : (plain.exec(this.text)?.[0] ?? char);
    this.at += text.length;
    const last = this.word?.at(-1);
    if (last?.splits && !last.commands && !last.isSum) this.word!.push({ ...this.word!.pop()!, text: last.text + text });
    else this.add({ text, expands: true, splits: true });
  }

  private quoted(): void {
    this.at++;
    let text = "";
    let any = false;
    const flush = () => {
      if (text !== "") this.add({ text, expands: true });
      any ||= text !== "";
      text = "";
    };
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined) throw new SyntaxFault("syntax error: unterminated quoted string");
      if (char === '"') break;
      if (char === "\\" && '$`"\\\n'.includes(this.text[this.at + 1] ?? "x")) {
        flush();
        if (this.text[this.at + 1] !== "\n") this.add({ text: this.text[this.at + 1]!, expands: false });
        any = true;
        this.at += 2;
      } else if ((char === "$" && this.text[this.at + 1] === "(") || char === "`") {
        flush();
        this.substitution(false);
        any = true;
      } else {
        text += char;
        this.at++;
      }
    }
    flush();
    if (!any) this.add({ text: "", expands: false });
    this.at++;
  }

  /** $((sum)), $(commands) or `commands`. */
  private substitution(splits: boolean): boolean {
    const { text, at } = this;
    const flag = splits ? { splits: true as const } : {};
    if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end < 0) throw new SyntaxFault("syntax error: unterminated quoted string");
      this.add({ text: "", expands: false, commands: this.commands(text.slice(at + 1, end))!, ...flag });
      this.at = end + 1;
      return true;
    }
    if (!text.startsWith("$(", at)) return false;
    const end = closing(text, at + 1);
    if (end < 0) throw new SyntaxFault("syntax error: unterminated quoted string");
    const inner = text.slice(at + 2, end);
    if (inner.startsWith("(") && inner.endsWith(")")) {
      this.add({ text: inner.slice(1, -1), expands: true, isSum: true, ...flag });
    } else this.add({ text: "", expands: false, commands: this.commands(inner)!, ...flag });
    this.at = end + 1;
    return true;
  }

  private add(piece: Piece): void {
    this.word ??= [];
    this.word.push(piece);
  }

  private endWord(): void {
    if (this.word) this.found.push({ is: "word", word: this.word });
    this.word = undefined;
  }
}

const unknown = (text: string) => new SyntaxFault(`syntax error: this simulated shell does not know ${JSON.stringify(text)}`);

/** Where the parenthesis that opens at a place is closed; quotes hide others. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === "'" || char === '"') {
      do at++;
      while (at < text.length && text[at] !== char);
    } else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return at;
  }
  return -1;
}
