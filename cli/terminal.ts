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
  return `${colors.dim(formatTime(atUs).padStart(9))}  ${tints[tone](text)}`;
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
