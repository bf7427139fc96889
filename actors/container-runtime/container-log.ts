/** A container's log: the newest lines, each with the time at which it was written. */

export interface LogLine {
  /** Wall clock, microseconds. */
  readonly atUs: number;
  readonly text: string;
  /** It has no end: the process ended within it. */
  readonly isOpen?: boolean;
}

/** The older half is dropped when a log grows beyond this. */
export const logLinesMax = 2_000;

/** Adds a line in place and keeps the log within its bound. */
export function appendLine(lines: LogLine[], line: LogLine): void {
  lines.push(line);
  if (lines.length > logLinesMax) lines.splice(0, logLinesMax / 2);
}

export interface LogSelection {
  readonly timestamps: boolean;
  /** -1 where not given. */
  readonly tailLines: number;
  readonly limitBytes: number;
  /** 0 where not given. */
  readonly sinceUs: number;
}

/** The text that `kubectl logs` shows for a selection: lines since, then the last of those, then cut off at so many bytes. */
export function selectLog(lines: readonly LogLine[], { timestamps, tailLines, limitBytes, sinceUs }: LogSelection): Uint8Array {
  const since = sinceUs > 0 ? lines.filter(({ atUs }) => atUs >= sinceUs) : lines;
  const tail = tailLines >= 0 ? since.slice(Math.max(0, since.length - tailLines)) : since;
  const bytes = new TextEncoder().encode(tail.map((line) => formatLine(line, timestamps)).join(""));
  return limitBytes >= 0 ? bytes.slice(0, limitBytes) : bytes;
}

/** A line with its end; its time in RFC 3339 with nanoseconds in front where asked for. */
export function formatLine({ atUs, text, isOpen }: LogLine, timestamps: boolean): string {
  const end = isOpen ? "" : "\n";
  if (!timestamps) return `${text}${end}`;
  const seconds = new Date(Math.floor(atUs / 1000)).toISOString().slice(0, 19);
  return `${seconds}.${String(atUs % 1_000_000).padStart(6, "0")}000Z ${text}${end}`;
}
