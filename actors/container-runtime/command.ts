import type { ImageBehaviour } from "./image-behaviour";
import { type Output, parseScript, programOf, shellInvocation } from "./shell/script";
import { hasVariables, literal } from "./shell/words";

/** How a few commands that need no image behave, so that `kubectl run box --image=busybox -- sh -c 'sleep 5; exit 3'` does what it says. */
type CommandBehaviour = Partial<
  Pick<ImageBehaviour, "exitAfterMs" | "exitCode" | "logLines" | "logsRequests" | "ignoresSigterm" | "terminationMessage">
> & {
  /** What it writes after the last line end. */
  readonly openLine?: string;
};

/**
 * Understands `sleep N`, `sleep infinity`, `echo TEXT`, `true`, `false` and `exit N`, alone or in `sh -c` joined by `;`, `&&` or `||`. `echo` may write to the file
 * of the termination message, too.
 * Undefined for anything else: then the image's own behaviour holds.
 */
export function interpretCommand(command: readonly string[], terminationPath = "/dev/termination-log"): CommandBehaviour | undefined {
  const script = shellInvocation(command)?.script;
  const parsed = script === undefined ? undefined : parseScript(script);
  if (parsed && !parsed.ok) return undefined;
  // What it writes to files or to other commands is no line of its log, and nothing waits for files here.
  if (
    parsed?.steps.some(
      ({ runs, pipes, input, here, outputs, compound, negated }) =>
        runs === "piped" || pipes || input || here || compound || negated || isOtherFile(outputs?.out, terminationPath),
    )
  )
    return undefined;
  const steps = parsed
    ? parsed.steps.map(({ words, runs, outputs }) => ({ words: words.map(literal), runs, out: outputs?.out }))
    : [{ words: command, runs: "always" as const, out: undefined }];
  let afterMs = 0;
  let code = 0;
  let text = "";
  let message: string | undefined;
  const said = () => ({
    logLines: text.split("\n").slice(0, -1),
    ...(text === "" || text.endsWith("\n") ? {} : { openLine: text.slice(text.lastIndexOf("\n") + 1) }),
    ...(message === undefined ? {} : { terminationMessage: message }),
  });
  for (const { words, runs, out } of steps) {
    if (runs !== "always" && (runs === "onSuccess") !== (code === 0)) continue;
    const [name = "", argument = ""] = words;
    switch (programOf(name)) {
      case "sleep": {
        if (argument === "infinity" || argument === "inf") return said();
        const ms = sleepMs(argument);
        if (ms === undefined) return undefined;
        afterMs += ms;
        code = 0;
        break;
      }
      case "echo":
        if (typeof out === "object") message = (out.append ? (message ?? "") : "") + echoed(words);
        else text += echoed(words);
        code = 0;
        break;
      case "true":
        code = 0;
        break;
      case "false":
        code = 1;
        break;
      case "exit":
        if (!/^\d{0,3}$/.test(argument)) return undefined;
        return { exitAfterMs: afterMs, exitCode: argument === "" ? code : Number(argument) & 255, ...said() };
      default:
        return undefined;
    }
  }
  return { exitAfterMs: afterMs, exitCode: code, ...said() };
}

/** A command that runs in the simulated shell: what it says and when it ends comes from there. */
export const runInShell = { logLines: [], exitAfterMs: undefined, terminationMessage: undefined } as const;

/** Whether a script that is understood says something that is not known, or not yet said, when it begins: variables, or words after a sleep. */
export function saysLater(command: readonly string[]): boolean {
  const script = shellInvocation(command)?.script;
  const parsed = script === undefined ? undefined : parseScript(script);
  if (!parsed?.ok) return false;
  const names = parsed.steps.map(({ words: [first = []] }) => programOf(literal(first)));
  const slept = names.indexOf("sleep");
  const varies = parsed.steps.some(({ words, compound }) => compound || words.some(hasVariables));
  return varies || (slept >= 0 && names.lastIndexOf("echo") > slept);
}

const isOtherFile = (output: Output | undefined, path: string) => typeof output === "object" && literal(output.file) !== path;

/** What echo writes; `-n` leaves the line open. */
const echoed = ([, ...words]: readonly string[]) => (words[0] === "-n" ? words.slice(1).join(" ") : `${words.join(" ")}\n`);

/** Milliseconds of sleep's argument: "5", "0.5", "2m"; undefined for anything else. */
export function sleepMs(argument: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(argument);
  if (!match) return undefined;
  const unitMs = { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2]!]!;
  return Math.round(Number(match[1]) * unitMs);
}
