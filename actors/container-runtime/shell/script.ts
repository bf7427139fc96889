/**
 * The part of the shell's language that simulated processes understand: commands joined by `;`, `&&`, `||` and line ends, single and double
 * quotes, backslashes, `$NAME`, `${NAME}` and `$?`. Outputs go to the other one (`>&2`, `2>&1`), to /dev/null or to a file, and input comes
 * from a file (`<`) or from the command before (`|`); other redirections and control words are refused by name rather than misread.
 */

/** A piece of a word; only what is not in single quotes is expanded. */
interface Piece {
  readonly text: string;
  readonly expands: boolean;
}

export type Word = readonly Piece[];

export interface Step {
  readonly words: readonly Word[];
  /** Of what the step before ended with; "piped" reads what that one wrote, if it ran. */
  readonly runs: "always" | "onSuccess" | "onFailure" | "piped";
  /** Its output is what the next one reads. */
  readonly pipes?: true;
  /** The file from which it reads. */
  readonly input?: Word;
  /** Where its two outputs go, where not to their own places. */
  readonly outputs?: Outputs;
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
function redirected(outputs: Outputs, redirection: string): Outputs {
  const [, from = "", to = ""] = /^([12&]?)>\s*(.*)$/.exec(redirection)!;
  const target = to === "&1" ? outputs.out : to === "&2" ? outputs.err : "nowhere";
  return from === "&" ? { out: target, err: target } : from === "2" ? { ...outputs, err: target } : { ...outputs, out: target };
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
/** Redirections of one output to the other, or to nowhere. */
const redirection = /^(?:[12&]?>\s*\/dev\/null|[12]?>&[12])(?![\w./])/;
/** Redirections to and from a file, whose name is the next word. */
const toFile = /^(?:[12&]?>>?(?![&>(])|<(?![&<(>]))[ \t]*/;

export function parseScript(text: string): Script {
  const steps: Step[] = [];
  let words: Word[] = [];
  let word: Piece[] | undefined;
  let runs: Step["runs"] = "always";
  let outputs = ownPlaces;
  let input: Word | undefined;
  /** The redirection whose file is the next word. */
  let opened: string | undefined;
  /** Whether the last piece is bare text, which goes on with the next character: "$A" and B in `"$A"B` are two. */
  let bare = false;
  const add = (piece: string, expands: boolean, isBare = false) => {
    word ??= [];
    if (bare && isBare) word.push({ text: word.pop()!.text + piece, expands });
    else word.push({ text: piece, expands });
    bare = isBare;
  };
  const endWord = () => {
    if (word && opened === undefined) words.push(word);
    else if (word) {
      const file: FileOutput = { file: word, append: opened!.includes(">>") };
      if (opened!.startsWith("<")) input = word;
      else if (opened!.startsWith("&")) outputs = { out: file, err: file };
      else outputs = opened!.startsWith("2") ? { ...outputs, err: file } : { ...outputs, out: file };
      opened = undefined;
    }
    word = undefined;
    bare = false;
  };
  /** What is wrong at the end of a command, if something is: a redirection without a file, a pipe from or to nothing. */
  const endStep = (next: Step["runs"]): string | undefined => {
    endWord();
    if (opened !== undefined) return "syntax error: a redirection has no file";
    const acts = words.length > 0 || outputs !== ownPlaces || input !== undefined;
    if (!acts && (runs === "piped" || next === "piped")) return 'syntax error: unexpected "|"';
    const piping = next === "piped" ? { pipes: true as const } : {};
    if (acts) steps.push({ words, runs, ...piping, ...(input ? { input } : {}), ...(outputs === ownPlaces ? {} : { outputs }) });
    outputs = ownPlaces;
    input = undefined;
    words = [];
    runs = next;
    return undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    // A number belongs to the redirection where it stands alone: `echo 2>&1`, but not `echo a2>&1`.
    const turned = word === undefined || /^[>&]/.test(rest) ? redirection.exec(rest)?.[0] : undefined;
    const file = turned === undefined && (word === undefined || /^[<>&]/.test(rest)) ? toFile.exec(rest)?.[0] : undefined;
    const char = text[at]!;
    let wrong: string | undefined;
    if (turned !== undefined) {
      endWord();
      outputs = redirected(outputs, turned);
      at += turned.length - 1;
    } else if (file !== undefined) {
      endWord();
      opened = file;
      at += file.length - 1;
    } else if (char === "'" || char === '"') {
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
      wrong = endStep("onSuccess");
      at++;
    } else if (rest.startsWith("||")) {
      wrong = endStep("onFailure");
      at++;
    } else if (char === "|" && text[at + 1] !== "&") wrong = endStep("piped");
    else if (char === ";" || char === "\n") wrong = endStep("always");
    else if (char === " " || char === "\t" || char === "\r") endWord();
    else if ("|<>&()`".includes(char))
      return { ok: false, message: `syntax error: this simulated shell does not know ${JSON.stringify(char)}` };
    else add(char, true, true);
    if (wrong !== undefined) return { ok: false, message: wrong };
  }
  const wrong = endStep("always");
  if (wrong !== undefined) return { ok: false, message: wrong };
  const control = steps.find(({ words: [first] }) => first && controlWords.has(first.map((piece) => piece.text).join("")));
  if (control)
    return { ok: false, message: `syntax error: this simulated shell does not know ${JSON.stringify(literal(control.words[0]!))}` };
  return { ok: true, steps };
}

/** A word as it stands, without expansion. */
export function literal(word: Word): string {
  return word.map(({ text }) => text).join("");
}

export const hasVariables = (word: Word) => word.some(({ text, expands }) => expands && text.includes("$"));

/** `NAME=value`, which sets a variable where it stands before the command. */
export const isAssignment = (word: Word) => /^[A-Za-z_]\w*=/.test(literal(word));

/** What the words of a command may come to: `A=$A$A` doubles them each time. Source: execve(2), limits on size of arguments. */
export const wordsMax = 2 * 1024 * 1024;

/** A word with its variables filled in; what is not set is empty. One that becomes longer than `wordsMax` ends soon after that. */
export function expand(word: Word, environment: ReadonlyMap<string, string>, status: number): string {
  let filled = 0;
  const value = (name: string) => {
    if (filled > wordsMax) return "";
    const found = name === "?" ? String(status) : name === "$" ? "1" : (environment.get(name) ?? "");
    filled += found.length;
    return found;
  };
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
