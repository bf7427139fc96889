import { containerBytesMax, containerEntriesMax, type Entry, type Files, newFiles } from "../../actors/container-runtime/shell/files";
import { feedSession } from "../../actors/container-runtime/shell/input";
import type { Place } from "../../actors/container-runtime/shell/program";
import { archived, archiveEnd, zipped } from "../../actors/container-runtime/shell/programs/archive";
import { advanceSession, beginSession, type Session, type SessionEffect, wakeSession } from "../../actors/container-runtime/shell/session";
import { Draws } from "./draws";

/** What became of hostile commands in simulated containers. */
export interface ShellSiege {
  readonly sessions: number;
  /** Sessions that ended with 0: the generator is no mere noise. */
  readonly succeeded: number;
  readonly archives: number;
  readonly entries: number;
  readonly violations: readonly string[];
}

const sessionsPerContainer = 60;
const slowMs = 2_000;
const saidBytesMax = 200 * 1024 * 1024;
const turnsMax = 200;

/**
 * Runs so many scripts, typed lines and archives in simulated containers: the same for the same seed. None may throw, run for ever, take more than a
 * container has, or say more than can be held.
 */
export function besiegeShell(seed: number, count: number, untilMs = Number.POSITIVE_INFINITY): ShellSiege {
  const draws = new Draws(seed * 2_003 + 7);
  const total = { sessions: 0, succeeded: 0, archives: 0, entries: 0, violations: [] as string[] };
  let files = newFiles();
  for (let n = 0; n < count && performance.now() < untilMs; n++) {
    if (n % sessionsPerContainer === 0) files = newFiles();
    const isArchive = draws.oneIn(3);
    const command = isArchive ? extraction(draws) : scripted(draws);
    const input = isArchive ? archive(draws) : draws.oneIn(3) ? new TextEncoder().encode(script(draws)) : undefined;
    const started = process.cpuUsage();
    const before = files.written.size;
    const wrong = attack(command, input, files, draws, (code) => {
      if (code === 0) total.succeeded++;
    });
    const ms = process.cpuUsage(started).user / 1000;
    total.sessions++;
    if (isArchive) total.archives++;
    total.entries += Math.max(0, files.written.size - before);
    const told = `session ${n} of shell seed ${seed}: ${JSON.stringify(command).slice(0, 1_500)}${input ? ` < ${input.length} bytes` : ""}`;
    for (const why of wrong) total.violations.push(`${why}: ${told}`);
    const mayTakeMs = slowMs + (input?.length ?? 0) / 20_000;
    if (ms > mayTakeMs) total.violations.push(`it took ${Math.round(ms)} ms: ${told}`);
    if (wrong.length > 0 || ms > mayTakeMs) files = newFiles();
  }
  return total;
}

function attack(
  command: readonly string[],
  input: Uint8Array | undefined,
  files: Files,
  draws: Draws,
  onExit: (code: number) => void,
): readonly string[] {
  const place: Place = {
    ...{ hostname: "box", namespace: "shop", ip: "10.244.0.2", mainCommand: ["sleep", "1d"] },
    ...{ nowMs: Date.UTC(2026, 10, 5), files, given: new Map() },
  };
  let said = 0;
  let over = false;
  const note = (effects: readonly SessionEffect[]) => {
    for (const effect of effects) {
      if (effect.type === "stdout" || effect.type === "stderr") said += effect.bytes.length;
      if (effect.type === "exit") {
        over = true;
        onExit(effect.code);
      }
    }
  };
  try {
    const begun = beginSession(command, { stdin: input !== undefined, tty: draws.oneIn(6), environment: [["A", "b c"]] });
    if (!begun.ok) return [];
    note(advanceSession(begun.session, place));
    if (input !== undefined) feed(begun.session, input, place, draws, note);
    for (let turn = 0; turn < turnsMax && !over; turn++) {
      wakeSession(begun.session);
      note(advanceSession(begun.session, place));
    }
    // What is left at a terminal waits for more.
    if (!over && !begun.session.terminal && begun.session.inputEnded && begun.session.waiting !== "sleep") return ["it does not end"];
  } catch (error) {
    return [String((error as Error).stack).slice(0, 600)];
  }
  const bytes = [...files.written.values()].reduce((sum, entry) => sum + (entry.is === "file" ? entry.size : 0), 0);
  return [
    ...(said > saidBytesMax ? [`it said ${said} bytes`] : []),
    ...(bytes > containerBytesMax ? [`the container holds ${bytes} bytes`] : []),
    ...(files.written.size > containerEntriesMax + 100 ? [`the container holds ${files.written.size} files`] : []),
  ];
}

function feed(session: Session, input: Uint8Array, place: Place, draws: Draws, note: (effects: readonly SessionEffect[]) => void): void {
  for (let at = 0; at < input.length; ) {
    const size = draws.oneIn(3) ? 1 + draws.below(700) : 1 + draws.below(200_000);
    note(feedSession(session, input.subarray(at, at + size)));
    note(advanceSession(session, place));
    at += size;
  }
  session.inputEnded = true;
}

const names = ["A", "B", "PATH", "?", "x", "$"];
const paths = [
  "/tmp/a",
  "/tmp",
  "/",
  "..",
  "a/b/../c",
  "/etc/hosts",
  "/proc/1/cmdline",
  "-",
  "--",
  "",
  "/tmp/a/b",
  "l",
  "é\u0000x",
  "x".repeat(5_000),
];
const programs = [
  ...[
    "echo",
    "cat",
    "env",
    "hostname",
    "date",
    "ls",
    "ps",
    "kill",
    "sleep",
    "test",
    "[",
    "cp",
    "mv",
    "rm",
    "grep",
    "tar",
    "mkdir",
    "ln",
    "touch",
    "head",
  ],
  ...[
    "tail",
    "wc",
    "find",
    "sort",
    "sh",
    "exit",
    "cd",
    "pwd",
    "export",
    "true",
    "false",
    "stat",
    "du",
    "nosuch",
    "printf",
    "seq",
    "sed",
    "dd",
    "xargs",
  ],
];
const flags = [
  "-l",
  "-a",
  "-rf",
  "-p",
  "-c",
  "-n",
  "-9",
  "-1",
  "-xf",
  "-czf",
  "--",
  "-e",
  "-E",
  "-R",
  "-s",
  "-d",
  "-f",
  "-",
  "-99999999999999999999",
  "-L",
  "-t",
];
const patterns = ["(a+)+$", "[", "\\", "^", ".*.*.*.*.*x", "[[:alpha:]", "a{1000000}", "\\(", "\u0000"];
const separators = ["; ", " && ", " || ", " | ", "\n", " & ", ";;", "|"];

function word(draws: Draws): string {
  switch (draws.below(9)) {
    case 0:
      return draws.of(flags);
    case 1:
      return draws.of(patterns);
    case 2:
      return `"$${draws.of(names)}"`;
    case 3:
      return `'${draws.of(paths)}'`;
    case 4:
      return String(draws.below(2_000_000_000) - 1_000_000_000);
    case 5:
      return `\${${draws.of(names)}}`.repeat(1 + draws.below(20));
    default:
      return draws.of(paths);
  }
}

function step(draws: Draws): string {
  const redirection = draws.oneIn(4)
    ? draws.of([" > /tmp/a", " >> /tmp/a", " < /tmp/a", " 2>&1", " > /dev/null", " <", " >&", " 2>> ''"])
    : "";
  switch (draws.below(10)) {
    case 0:
      return `${draws.of(names)}=${draws.of(["$A$A", "$B$A$B", '"$A"', "'sh -c \"$A\"'", word(draws)])}`;
    case 1:
      return `sh -c ${draws.of(['"$A"', "'$A'", `'${step(draws).replaceAll("'", "")}'`, '"sh -c $A"'])}`;
    default:
      return `${draws.of(programs)} ${Array.from({ length: draws.below(5) }, () => word(draws)).join(" ")}${redirection}`;
  }
}

function script(draws: Draws): string {
  const steps = Array.from({ length: 1 + draws.below(draws.oneIn(10) ? 300 : 8) }, () => step(draws));
  let text = steps.map((each) => each + draws.of(separators)).join("");
  if (draws.oneIn(6)) text = text.slice(0, draws.below(text.length + 1));
  if (draws.oneIn(20)) text += draws.of(["'", '"', "\\", "$(", "`", "\u0000"]).repeat(1 + draws.below(20_000));
  return text;
}

function scripted(draws: Draws): readonly string[] {
  if (draws.oneIn(4)) return [draws.of(programs), ...Array.from({ length: draws.below(4) }, () => word(draws).replaceAll(/['"]/g, ""))];
  return draws.oneIn(8) ? ["sh"] : ["sh", "-c", script(draws)];
}

const extraction = (draws: Draws): readonly string[] => [
  "tar",
  draws.of(["-xmf", "xf", "-tf", "-xzf", "-xf", "-xvf", "-tzvf"]),
  "-",
  ...(draws.oneIn(2) ? ["-C", draws.of(["/tmp", "/", "/nosuch", "/tmp/a"])] : []),
  ...(draws.oneIn(5) ? [word(draws)] : []),
];

function archive(draws: Draws): Uint8Array {
  const parts: Uint8Array[] = [];
  const isLong = draws.oneIn(20);
  for (let n = draws.below(isLong ? 3_000 : 12); n > 0; n--) parts.push(...member(draws, isLong ? 1_500 : 3_000_000));
  if (!draws.oneIn(5)) parts.push(archiveEnd());
  let bytes: Uint8Array = Buffer.concat(parts);
  for (let n = draws.oneIn(3) ? draws.below(6) : 0; n > 0 && bytes.length > 0; n--) bytes[draws.below(bytes.length)] = draws.below(256);
  if (draws.oneIn(5)) bytes = bytes.subarray(0, draws.below(bytes.length + 1));
  if (draws.oneIn(6)) bytes = zipped(bytes);
  return bytes;
}

const memberNames = [
  "a",
  "d/",
  "../../x",
  "/abs",
  "d/e/f/g",
  "",
  ".",
  "./",
  "l",
  "l/evil",
  "x".repeat(120),
  "y/".repeat(200),
  "z".repeat(3_000),
  "é",
  "a\u0000b",
];

function member(draws: Draws, sizeMax: number): readonly Uint8Array[] {
  const name = draws.of(memberNames);
  const size = draws.oneIn(20) ? draws.below(sizeMax) : draws.below(1_500);
  const common = { mode: draws.below(0o7777), mtimeS: draws.below(2_000_000_000) };
  const entry: Entry = draws.oneIn(4)
    ? { is: "link", target: draws.of(["/", "l", ".", "../../..", "x".repeat(500), "/tmp/a"]), ...common }
    : draws.oneIn(4)
      ? { is: "directory", ...common }
      : { is: "file", parts: [new Uint8Array(size)], size, ...common };
  const made = archived(name, entry);
  // A header that says another type, or another size, with a sum that is right.
  if (!draws.oneIn(4)) return made;
  const head = made[0]!;
  if (draws.oneIn(2)) head[156] = draws.of([0x31, 0x33, 0x4c, 0x4b, 0x78, 0x67, 0x37, 0x00, 0x53]);
  else head.set(new TextEncoder().encode(draws.of(["77777777777", "00000000001", "-0000000001", "           "])), 124);
  if (draws.oneIn(4)) head.set([0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 124);
  head.fill(0x20, 148, 156);
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\u0000`), 148);
  return made;
}
