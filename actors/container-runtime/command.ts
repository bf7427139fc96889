import type { ImageBehaviour } from "./image-behaviour";
import { literal, type Output, parseScript, programOf, shellInvocation } from "./shell/script";

/** How a few commands that need no image behave, so that `kubectl run box --image=busybox -- sh -c 'sleep 5; exit 3'` does what it says. */
type CommandBehaviour = Partial<Pick<ImageBehaviour, "exitAfterMs" | "exitCode" | "logLines" | "logsRequests" | "ignoresSigterm">>;

/**
 * Understands `sleep N`, `sleep infinity`, `echo TEXT`, `true`, `false` and `exit N`, alone or in `sh -c` joined by `;`, `&&` or `||`.
 * Undefined for anything else: then the image's own behaviour holds.
 */
export function interpretCommand(command: readonly string[]): CommandBehaviour | undefined {
  const script = shellInvocation(command)?.script;
  const parsed = script === undefined ? undefined : parseScript(script);
  if (parsed && !parsed.ok) return undefined;
  // What it writes to files or to other commands is no line of its log, and nothing waits for files here.
  if (parsed?.steps.some(({ runs, pipes, input, outputs }) => runs === "piped" || pipes || input || isFile(outputs?.out))) return undefined;
  const steps = parsed
    ? parsed.steps.map(({ words, runs }) => ({ words: words.map(literal), runs }))
    : [{ words: command, runs: "always" as const }];
  let afterMs = 0;
  let code = 0;
  const lines: string[] = [];
  for (const { words, runs } of steps) {
    if (runs !== "always" && (runs === "onSuccess") !== (code === 0)) continue;
    const [name = "", argument = ""] = words;
    switch (programOf(name)) {
      case "sleep": {
        if (argument === "infinity" || argument === "inf") return { logLines: lines };
        const ms = sleepMs(argument);
        if (ms === undefined) return undefined;
        afterMs += ms;
        code = 0;
        break;
      }
      case "echo":
        lines.push(words.slice(1).join(" "));
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
        return { exitAfterMs: afterMs, exitCode: argument === "" ? code : Number(argument) & 255, logLines: lines };
      default:
        return undefined;
    }
  }
  return { exitAfterMs: afterMs, exitCode: code, logLines: lines };
}

const isFile = (output: Output | undefined) => typeof output === "object";

/** Milliseconds of sleep's argument: "5", "0.5", "2m"; undefined for anything else. */
export function sleepMs(argument: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(argument);
  if (!match) return undefined;
  const unitMs = { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2]!]!;
  return Math.round(Number(match[1]) * unitMs);
}
