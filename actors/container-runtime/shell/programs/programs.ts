import type { CriUser } from "../../../../protocol/cri";
import { sleepMs } from "../../command";
import { absolute } from "../files";
import { ended, failed, filesAt, type Place, type Program, type ProgramResult } from "../program";
import { filePrograms } from "./file-programs";
import { networkPrograms } from "./network-programs";
import { tar } from "./tar";
import { textPrograms } from "./text-programs";

const signals: ReadonlyMap<string, number> = new Map([
  ...([9, 15, 2, 1] as const).map((number) => [String(number), number] as const),
  ...(
    [
      ["KILL", 9],
      ["TERM", 15],
      ["INT", 2],
      ["HUP", 1],
    ] as const
  ).flatMap(
    ([name, number]) =>
      [
        [name, number],
        [`SIG${name}`, number],
      ] as const,
  ),
]);

function kill(words: readonly string[]): ProgramResult {
  const [first = "", ...rest] = words;
  const flag = first === "-s" ? rest[0] : first.startsWith("-") ? first.slice(1) : undefined;
  const pids = first === "-s" ? rest.slice(1) : flag === undefined ? words : rest;
  const signal = flag === undefined ? 15 : signals.get(flag);
  if (signal === undefined) return failed(`sh: kill: ${flag}: invalid signal specification\n`, 2);
  if (pids.length === 0) return failed("sh: usage: kill [-s sigspec | -signum | -sigspec] [pid | job]...\n", 2);
  const other = pids.find((pid) => pid !== "1");
  return other === undefined ? { is: "signalling", signal } : failed(`sh: can't kill pid ${other}: No such process\n`);
}

function test(words: readonly string[], place: Place): ProgramResult {
  // Looser first: A -o B, then A -a B, then ! A.
  for (const [operator, holds] of [
    ["-o", (codes: readonly number[]) => codes.includes(0)],
    ["-a", (codes: readonly number[]) => codes.every((code) => code === 0)],
  ] as const) {
    const at = words.length > 3 ? words.indexOf(operator, 1) : -1;
    if (at < 0) continue;
    const parts = [test(words.slice(0, at), place), test(words.slice(at + 1), place)];
    const codes = parts.map((part) => (part.is === "ended" ? part.code : 2));
    return parts.find((part) => part.is === "ended" && part.code > 1) ?? ended("", holds(codes) ? 0 : 1);
  }
  if (words[0] === "!" && words.length > 2) {
    const inner = test(words.slice(1), place);
    return inner.is === "ended" && inner.code <= 1 ? ended("", 1 - inner.code) : inner;
  }
  const [a = "", b = "", c = ""] = words;
  const verdict = (holds: boolean) => ended("", holds ? 0 : 1);
  switch (words.length) {
    case 0:
      return verdict(false);
    case 1:
      return verdict(a !== "");
    case 2:
      if (a === "-z") return verdict(b === "");
      if (a === "-n") return verdict(b !== "");
      if (/^-[defrwsLh]$/.test(a)) return verdict(isFile(a, b, place));
      if (a === "!") return verdict(b === "");
      break;
    case 3:
      if (b === "=" || b === "==") return verdict(a === c);
      if (b === "!=") return verdict(a !== c);
      if (b === "-eq") return verdict(Number(a) === Number(c));
      if (b === "-ne") return verdict(Number(a) !== Number(c));
      if (b === "-lt") return verdict(Number(a) < Number(c));
      if (b === "-le") return verdict(Number(a) <= Number(c));
      if (b === "-gt") return verdict(Number(a) > Number(c));
      if (b === "-ge") return verdict(Number(a) >= Number(c));
  }
  return failed(`sh: ${words.join(" ")}: unknown operand\n`, 2);
}

/** What test -d, -f and the like say of a path. */
function isFile(flag: string, path: string, place: Place): boolean {
  const entry = filesAt(place).find(absolute(path), flag !== "-L" && flag !== "-h");
  if (entry === undefined) return false;
  switch (flag) {
    case "-d":
      return entry.is === "directory";
    case "-f":
      return entry.is === "file";
    case "-s":
      return entry.is !== "file" || entry.size > 0;
    case "-L":
    case "-h":
      return entry.is === "link";
    default:
      return true;
  }
}

const root: CriUser = { uid: 0, gid: 0, groups: [] };

/** What id prints: of users and groups only root has a name. */
function identity(flag: string | undefined, { uid, gid, groups }: CriUser): string {
  if (flag === "-u") return `${uid}\n`;
  if (flag === "-g") return `${gid}\n`;
  const all = [...new Set([gid, ...groups])];
  if (flag === "-G") return `${all.join(" ")}\n`;
  const named = (id: number) => (id === 0 ? "0(root)" : String(id));
  return `uid=${named(uid)} gid=${named(gid)} groups=${all.map(named).join(",")}\n`;
}

/** "Wed Nov 25 18:38:01 UTC 2026", as date prints it. */
function dateText(nowMs: number): string {
  const [, weekday = "", day = "", month = "", year = "", time = ""] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(nowMs).toUTCString()) ?? [];
  return `${weekday} ${month} ${day.replace(/^0/, " ")} ${time} UTC ${year}`;
}

const programs: ReadonlyMap<string, Program> = new Map<string, Program>([
  ...filePrograms,
  ...networkPrograms,
  ...textPrograms,
  ["tar", tar],
  ["true", () => ended("")],
  [":", () => ended("")],
  ["false", () => ended("", 1)],
  ["echo", (words) => (words[0] === "-n" ? ended(words.slice(1).join(" ")) : ended(`${words.join(" ")}\n`))],
  ["env", (_words, _place, environment) => ended([...environment].map(([name, value]) => `${name}=${value}\n`).join(""))],
  [
    "printenv",
    (words, _place, environment) => {
      if (words.length === 0) return ended([...environment].map(([name, value]) => `${name}=${value}\n`).join(""));
      const value = environment.get(words[0]!);
      return value === undefined ? ended("", 1) : ended(`${value}\n`);
    },
  ],
  ["hostname", (words, { hostname, ip }) => ended(`${words[0] === "-i" || words[0] === "-I" ? ip : hostname}\n`)],
  ["whoami", (_words, { user }) => (user?.uid ? failed(`whoami: unknown uid ${user.uid}\n`) : ended("root\n"))],
  ["id", (words, { user }) => ended(identity(words[0], user ?? root))],
  ["pwd", () => ended("/\n")],
  ["date", (words, { nowMs }) => ended(words[0] === "+%s" ? `${Math.floor(nowMs / 1000)}\n` : `${dateText(nowMs)}\n`)],
  ["uname", () => ended("Linux\n")],
  ["kill", (words) => kill(words)],
  ["test", (words, place) => test(words, place)],
  ["[", (words, place) => (words.at(-1) === "]" ? test(words.slice(0, -1), place) : failed("sh: missing ]\n", 2))],
  ["ps", (_words, { mainCommand }) => ended(`PID   USER     TIME  COMMAND\n    1 root      0:00 ${mainCommand.join(" ") || "process"}\n`)],
  [
    "sleep",
    ([argument = ""]) => {
      if (argument === "infinity" || argument === "inf") return { is: "sleeping", ms: Number.POSITIVE_INFINITY };
      const ms = sleepMs(argument);
      return ms === undefined ? failed(`sleep: invalid number '${argument}'\n`) : { is: "sleeping", ms };
    },
  ],
  [
    "exit",
    ([argument = ""], _place, _environment, status) =>
      /^\d{0,3}$/.test(argument)
        ? { is: "leaving", code: argument === "" ? status : Number(argument) & 255 }
        : failed(`sh: exit: Illegal number: ${argument}\n`, 2),
  ],
  [
    "export",
    (words, _place, environment) => {
      for (const [name = "", value] of words.map((word) => word.split(/=(.*)/s))) if (value !== undefined) environment.set(name, value);
      return ended("");
    },
  ],
]);

/** Words that only a shell understands; there is no file of that name to execute. */
const builtIn: ReadonlySet<string> = new Set(["exit", "export", ":"]);

/** Whether a file of that name can be executed, as the runtime itself does without a shell. */
export function isExecutable(program: string): boolean {
  return programs.has(program) && !builtIn.has(program);
}

/** Whether a shell finds a program of that name. */
export const hasProgram = (program: string) => programs.has(program);

/** Runs a program of a shell; undefined where there is none of that name. */
export function runProgram(
  name: string,
  words: readonly string[],
  place: Place,
  environment: Map<string, string>,
  status: number,
): ProgramResult | undefined {
  return programs.get(name)?.(words, place, environment, status);
}
