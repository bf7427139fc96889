/**
 * The part of the shell's language that simulated processes understand: commands joined by `;`, `&&`, `||` and line ends, single and double
 * quotes, backslashes, `$NAME`, `${NAME}` and `$?`. Pipes, redirections and control words are refused by name rather than misread.
 */

/** A piece of a word; only what is not in single quotes is expanded. */
interface Piece {
  readonly text: string;
  readonly expands: boolean;
}

export type Word = readonly Piece[];

export interface Step {
  readonly words: readonly Word[];
  /** Of what the step before ended with. */
  readonly runs: "always" | "onSuccess" | "onFailure";
}

export type Script = { readonly ok: true; readonly steps: readonly Step[] } | { readonly ok: false; readonly message: string };

const controlWords: ReadonlySet<string> = new Set([
  "if",
  "then",
  "else",
  "elif",
  "fi",
  "for",
  "while",
  "until",
  "do",
  "done",
  "case",
  "esac",
]);
/** Redirections that change nothing of what a simulated process does. */
const harmless = /^(?:[12]?>\s*\/dev\/null|2>&1|>&2)/;

export function parseScript(text: string): Script {
  const steps: Step[] = [];
  let words: Word[] = [];
  let word: Piece[] | undefined;
  let runs: Step["runs"] = "always";
  /** Whether the last piece is bare text, which goes on with the next character: "$A" and B in `"$A"B` are two. */
  let bare = false;
  const add = (piece: string, expands: boolean, isBare = false) => {
    word ??= [];
    if (bare && isBare) word.push({ text: word.pop()!.text + piece, expands });
    else word.push({ text: piece, expands });
    bare = isBare;
  };
  const endWord = () => {
    if (word) words.push(word);
    word = undefined;
    bare = false;
  };
  const endStep = (next: Step["runs"]) => {
    endWord();
    if (words.length > 0) steps.push({ words, runs });
    words = [];
    runs = next;
  };
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    const char = text[at]!;
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      if (end < 0) return { ok: false, message: "syntax error: unterminated quoted string" };
      add(text.slice(at + 1, end), char === '"');
      at = end;
    } else if (char === "\\") {
      add(text[at + 1] ?? "", false);
      at++;
    } else if (char === "#" && word === undefined) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end - 1;
    } else if (rest.startsWith("&&")) {
      endStep("onSuccess");
      at++;
    } else if (rest.startsWith("||")) {
      endStep("onFailure");
      at++;
    } else if (char === ";" || char === "\n") endStep("always");
    else if (char === " " || char === "\t" || char === "\r") endWord();
    else if (harmless.test(rest) && word === undefined) at += harmless.exec(rest)![0].length - 1;
    else if ("|<>&()`".includes(char))
      return { ok: false, message: `syntax error: this simulated shell does not know ${JSON.stringify(char)}` };
    else add(char, true, true);
  }
  endStep("always");
  const control = steps.find(({ words: [first] }) => first && controlWords.has(first.map((piece) => piece.text).join("")));
  if (control)
    return { ok: false, message: `syntax error: this simulated shell does not know ${JSON.stringify(literal(control.words[0]!))}` };
  return { ok: true, steps };
}

/** A word as it stands, without expansion. */
export function literal(word: Word): string {
  return word.map(({ text }) => text).join("");
}

/** A word with its variables filled in; what is not set is empty. */
export function expand(word: Word, environment: ReadonlyMap<string, string>, status: number): string {
  const value = (name: string) => (name === "?" ? String(status) : name === "$" ? "1" : (environment.get(name) ?? ""));
  return word
    .map(({ text, expands }) =>
      expands
        ? text.replace(/\$(?:\{([A-Za-z_]\w*|\?)\}|([A-Za-z_]\w*|\?|\$))/g, (_all, braced?: string, plain?: string) =>
            value(braced ?? plain ?? ""),
          )
        : text,
    )
    .join("");
}

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
