import colors from "picocolors";
import { formatTime } from "../scenarios/history";
import type { TimelineLine, Tone } from "../scenarios/timeline";

const tints: Readonly<Record<Tone, (text: string) => string>> = {
  act: (text) => colors.bold(text),
  fault: colors.yellow,
  action: colors.cyan,
  leader: colors.blue,
  node: colors.green,
  rollout: (text) => text,
  pod: colors.magenta,
  trouble: colors.yellow,
  verdict: colors.red,
};

/** One line of a run's timeline as the terminal shows it. */
export function timelineText({ atUs, tone, text }: TimelineLine): string {
  return `${colors.dim(formatTime(atUs).padStart(9))}  ${hanging(text, 11, tints[tone])}`;
}

/** Text that begins at a column and stays right of it: broken between words where a terminal would break it anywhere. Each line is tinted by itself. */
export function hanging(
  text: string,
  column: number,
  tint: (text: string) => string = String,
  width: number = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const room = Math.max(20, width - column - 1);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(tint).join(`\n${" ".repeat(column)}`);
}

/** Where people read what is going on: standard output, or standard error while standard output holds JSON. */
export interface Console {
  readonly isTerminal: boolean;
  line(text: string): void;
  /** A line that the next one replaces; only on a terminal. */
  status(text: string): void;
}

export function consoleOn(stream: NodeJS.WriteStream): Console {
  let shown = false;
  const clear = () => {
    if (shown) stream.write("\r\x1b[2K");
    shown = false;
  };
  return {
    isTerminal: stream.isTTY === true,
    line(text) {
      clear();
      stream.write(`${text}\n`);
    },
    status(text) {
      if (!stream.isTTY) return;
      clear();
      stream.write(text.slice(0, (stream.columns ?? 80) - 1));
      shown = text !== "";
    },
  };
}
