import type { ImageBehaviour } from "./image-behaviour";

/** How a few commands that need no image behave, so that `kubectl run box --image=busybox -- sh -c 'sleep 5; exit 3'` does what it says. */
type CommandBehaviour = Partial<Pick<ImageBehaviour, "exitAfterMs" | "exitCode" | "logLines" | "logsRequests" | "ignoresSigterm">>;

const shells: ReadonlySet<string> = new Set(["sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash"]);

/**
 * Understands `sleep N`, `sleep infinity`, `echo TEXT`, `true`, `false` and `exit N`, alone or in `sh -c` joined by `;` or `&&`.
 * Undefined for anything else: then the image's own behaviour holds.
 */
export function interpretCommand(command: readonly string[]): CommandBehaviour | undefined {
  const [first = "", flag = "", script = ""] = command;
  const steps = shells.has(first) && flag.startsWith("-") && flag.endsWith("c") ? stepsOf(script) : [{ words: command, onSuccess: false }];
  let afterMs = 0;
  let code = 0;
  const lines: string[] = [];
  for (const { words, onSuccess } of steps) {
    if (onSuccess && code !== 0) continue;
    const [name = "", argument = ""] = words;
    switch (name.slice(name.lastIndexOf("/") + 1)) {
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

function sleepMs(argument: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(argument);
  if (!match) return undefined;
  const unitMs = { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2]!]!;
  return Math.round(Number(match[1]) * unitMs);
}

function stepsOf(script: string): readonly { readonly words: readonly string[]; readonly onSuccess: boolean }[] {
  return script
    .split(/(;|&&|\n)/)
    .reduce<{ text: string; onSuccess: boolean }[]>(
      (steps, part) => {
        if (part === ";" || part === "\n") steps.push({ text: "", onSuccess: false });
        else if (part === "&&") steps.push({ text: "", onSuccess: true });
        else steps[steps.length - 1]!.text += part;
        return steps;
      },
      [{ text: "", onSuccess: false }],
    )
    .map(({ text, onSuccess }) => ({ words: wordsOf(text), onSuccess }))
    .filter(({ words }) => words.length > 0);
}

/** Words, with quotes taken off. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}
