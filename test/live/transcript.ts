/**
 * Transcripts of a shell: what a real cluster answers to the real kubectl, written down by hand.
 *
 *     # A comment, anywhere before a command.
 *     $ kubectl get pod nobody            the command, given to `sh`; lines after it that begin with "> " go on with it
 *     NAME   READY                        lines of standard output
 *     ! Error from server (NotFound): …   a line of standard error
 *     ? 1                                 exit status, if it is not 0
 *
 * `$~` instead of `$` repeats the command until it answers so, for a minute. A line `@ 1.28` before a command says that kubectls before that version
 * answer otherwise and do without this command; `@ <1.28` is for older ones only. `...` alone stands for any lines (at least none), and in a line
 * `<age>`, `<uid>`, `<ip>`, `<rv>`, `<hash>`, `<time>`, `<n>`, `<word>` and `<any>` for what differs between runs; `<ns>` and `<node>` are the story's own.
 * Gaps of two or more blanks inside of a line are alike, as the width of a table's column follows its content.
 */
export interface Step {
  readonly line: number;
  readonly command: string;
  readonly repeats: boolean;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly status: number;
  readonly since?: number;
  readonly before?: number;
}

/** A minor version, of "1.28" as of "v1.28.3+x". */
export const minorOf = (version: string) => Number(/^v?1\.(\d+)/.exec(version)?.[1]);

/** Throws with the place where a transcript is not one. */
export function parseTranscript(text: string, name: string): readonly Step[] {
  type Draft = { -readonly [K in keyof Step]: Step[K] } & { stdout: string[]; stderr: string[] };
  const steps: Draft[] = [];
  let bounds: Pick<Step, "since" | "before"> = {};
  let current: Draft | undefined;
  text.split("\n").forEach((raw, index) => {
    const where = `${name}:${index + 1}`;
    const command = /^\$(~?) (.*)$/.exec(raw);
    const bound = /^@ (<?)(1\.\d+)$/.exec(raw);
    if (command) {
      current = { line: index + 1, command: command[2]!, repeats: command[1] === "~", stdout: [], stderr: [], status: 0, ...bounds };
      steps.push(current);
      bounds = {};
    } else if (bound) bounds = bound[1] ? { before: minorOf(bound[2]!) } : { since: minorOf(bound[2]!) };
    else if (/^@(?!@ )/.test(raw)) throw new Error(`${where}: expected "@ 1.N" or "@ <1.N"`);
    else if (raw.startsWith("# ") || (raw === "" && !current)) return;
    else if (!current) throw new Error(`${where}: expected a command first`);
    else if (raw.startsWith("> ") || raw === ">") current.command += `\n${raw.slice(2)}`;
    else if (raw.startsWith("! ") || raw === "!") current.stderr.push(raw.slice(2));
    else if (/^\? \d+$/.test(raw)) current.status = Number(raw.slice(2));
    else current.stdout.push(raw);
  });
  for (const step of steps) while (step.stdout.at(-1) === "") step.stdout.pop();
  return steps;
}

const placeholders: Readonly<Record<string, string>> = {
  age: "(?:<unknown>|<invalid>|(?:\\d+[smhdy])+)",
  uid: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  ip: "\\d+\\.\\d+\\.\\d+\\.\\d+",
  rv: "\\d+",
  hash: "[a-z0-9]+",
  time: "\\S.*?\\d",
  n: "\\d+",
  word: "\\S+",
  any: ".*",
};

/** Blanks at the end and the width of gaps do not count. */
const plain = (line: string) => line.trimEnd().replace(/(\S) {2,}/g, "$1  ");

function pattern(line: string, own: Readonly<Record<string, string>>): RegExp {
  const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = plain(line).split(/<([a-z]+)>/);
  const source = parts.map((part, index) => {
    if (index % 2 === 0) return literally(part).replaceAll(/ {2,}/g, " {2,}");
    return part in own ? literally(own[part]!) : (placeholders[part] ?? literally(`<${part}>`));
  });
  return new RegExp(`^${source.join("")}$`);
}

/** Whether that text is what those lines say. */
export function matches(text: string, expected: readonly string[], own: Readonly<Record<string, string>>): boolean {
  const lines = text.split("\n").map(plain);
  while (lines.at(-1) === "") lines.pop();
  const patterns = expected.map((line) => (line.trim() === "..." ? undefined : pattern(line, own)));
  const from = (line: number, at: number): boolean => {
    if (at === patterns.length) return line === lines.length;
    const wanted = patterns[at];
    if (wanted) return line < lines.length && wanted.test(lines[line]!) && from(line + 1, at + 1);
    for (let next = line; next <= lines.length; next++) if (from(next, at + 1)) return true;
    return false;
  };
  return from(0, 0);
}
