import { absolute, containerBytesMax, type Entry, type FileView, joined, nameOf, parentOf } from "../files";
import { ended, failed, filesAt, type Place, type Program, type ProgramResult } from "../program";

/** The programs that look at files, change them, or read what is sent to them, with the words of busybox where something is wrong. */

const decoder = new TextDecoder();

/** The words that are no flags, and the flags' letters. */
function split(words: readonly string[]): { readonly paths: readonly string[]; readonly flags: string } {
  const isFlag = (word: string) => word.startsWith("-") && word !== "-";
  return {
    paths: words.filter((word) => !isFlag(word)),
    flags: words
      .filter(isFlag)
      .map((word) => word.slice(1))
      .join(""),
  };
}

/** Does something to each path; what goes wrong with one does not keep it from the next. */
function each(name: string, paths: readonly string[], change: (path: string) => string | undefined): ProgramResult {
  if (paths.length === 0) return failed(`${name}: missing operand\n`);
  const wrong = paths.map(change).filter((one) => one !== undefined);
  return ended("", wrong.length > 0 ? 1 : 0, wrong.map((one) => `${name}: ${one}\n`).join(""));
}

function list(words: readonly string[], place: Place): ProgramResult {
  const { paths, flags } = split(words);
  const files = filesAt(place);
  const show = (name: string, entry: Entry | undefined) => (flags.includes("l") && entry ? `${longForm(name, entry)}\n` : `${name}\n`);
  let out = "";
  for (const path of paths.length === 0 ? ["/"] : paths) {
    const entry = files.find(absolute(path), !flags.includes("l"));
    if (entry === undefined) return ended(out, 1, `ls: ${path}: No such file or directory\n`);
    if (entry.is !== "directory" || flags.includes("d")) out += show(path, entry);
    else for (const name of files.names(absolute(path))) out += show(name, files.find(absolute(name, absolute(path)), false));
  }
  return ended(out);
}

/** "-rw-r--r--    1 root     root            12 Nov  5 09:08 name", as ls -l writes it. */
function longForm(name: string, entry: Entry): string {
  const type = entry.is === "directory" ? "d" : entry.is === "link" ? "l" : "-";
  const rights = [6, 3, 0].map((shift) =>
    ["r", "w", "x"].map((letter, bit) => ((entry.mode >> shift) & (4 >> bit) ? letter : "-")).join(""),
  );
  const size = entry.is === "file" ? entry.size : entry.is === "directory" ? 4096 : entry.target.length;
  const [, day = "", month = "", time = ""] = /^\w+, (\d+) (\w+) \d+ (\d+:\d+)/.exec(new Date(entry.mtimeS * 1000).toUTCString()) ?? [];
  const shown = entry.is === "link" ? `${name} -> ${entry.target}` : name;
  return `${type}${rights.join("")}    1 root     root     ${String(size).padStart(9)} ${month} ${day.replace(/^0/, " ")} ${time} ${shown}`;
}

/** What the named files hold, one after the other, or what is read where none is named; `make` turns it into an answer. */
function reading(
  name: string,
  paths: readonly string[],
  place: Place,
  make: (bytes: Uint8Array) => { readonly out: string | Uint8Array; readonly code?: number },
  blame = (path: string) => `${name}: ${path}`,
): ProgramResult {
  if (paths.length > 0 && paths[0] !== "-") {
    const files = filesAt(place);
    const parts: Uint8Array[] = [];
    let err = "";
    for (const path of paths) {
      const bytes = files.read(absolute(path));
      if (typeof bytes === "string") err += `${blame(path)}: ${bytes}\n`;
      else parts.push(bytes);
    }
    const { out, code = 0 } = parts.length === 0 ? { out: "", code: 1 } : make(joined(parts));
    return ended(out, err === "" ? code : 1, err);
  }
  const held: Uint8Array[] = [];
  let size = 0;
  return {
    is: "reading",
    reader: {
      take(bytes, isEnd) {
        held.push(bytes);
        size += bytes.length;
        if (size > containerBytesMax) return { err: `${name}: out of memory\n`, code: 1 };
        return isEnd ? { code: 0, ...make(joined(held)) } : {};
      },
    },
  };
}

const concatenate: Program = (words, place) => {
  const { paths } = split(words);
  if (paths.length === 0 || (paths.length === 1 && paths[0] === "-"))
    return { is: "reading", reader: { take: (out, isEnd) => (isEnd ? { out, code: 0 } : { out }) } };
  return reading(
    "cat",
    paths,
    place,
    (out) => ({ out }),
    (path) => `cat: can't open '${path}'`,
  );
};

/** "-n 5", "-n5", "-5", "-c+10": the number, whether it counts bytes, and whether it says where to begin. */
function countOf(words: readonly string[]) {
  const paths: string[] = [];
  let [count, bytes, from] = [10, false, false];
  for (let at = 0; at < words.length; at++) {
    const match = /^-(?:([nc])=?)?([+-]?\d+)?$/.exec(words[at]!);
    if (match === null || words[at] === "-") paths.push(words[at]!);
    else {
      const text = match[2] ?? words[++at] ?? "";
      if (!/^[+-]?\d+$/.test(text)) return `invalid number '${text}'`;
      [count, bytes, from] = [Number(text.replace(/^[+-]/, "")), match[1] === "c", text.startsWith("+")];
    }
  }
  return { count, bytes, from, paths };
}

/** Where the line after so many begins. */
function afterLines(bytes: Uint8Array, lines: number): number {
  let at = 0;
  for (let line = 0; line < lines && at < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, at);
    at = end < 0 ? bytes.length : end + 1;
  }
  return at;
}

const linesIn = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);

function end(which: "head" | "tail"): Program {
  return (words, place) => {
    const asked = countOf(words);
    if (typeof asked === "string") return failed(`${which}: ${asked}\n`);
    const { count, bytes: ofBytes, from, paths } = asked;
    return reading(which, paths, place, (bytes) => {
      if (which === "head") return { out: bytes.subarray(0, ofBytes ? count : afterLines(bytes, count)) };
      if (from) return { out: bytes.subarray(ofBytes ? Math.max(0, count - 1) : afterLines(bytes, Math.max(0, count - 1))) };
      const whole = linesIn(bytes) + (bytes.length > 0 && bytes.at(-1) !== 0x0a ? 1 : 0);
      return { out: bytes.subarray(ofBytes ? Math.max(0, bytes.length - count) : afterLines(bytes, Math.max(0, whole - count))) };
    });
  };
}

const countWords: Program = (words, place) => {
  const { paths, flags } = split(words);
  return reading("wc", paths, place, (bytes) => {
    const kinds = flags === "" ? "lwc" : flags;
    const figures: number[] = [];
    if (kinds.includes("l")) figures.push(linesIn(bytes));
    if (kinds.includes("w"))
      figures.push(
        decoder
          .decode(bytes)
          .split(/\s+/)
          .filter((word) => word !== "").length,
      );
    if (kinds.includes("c")) figures.push(bytes.length);
    const text = figures.length === 1 ? String(figures[0]) : figures.map((figure) => String(figure).padStart(9)).join(" ");
    return { out: `${[text, ...paths].join(" ")}\n` };
  });
};

/** Looks for a text as it stands, at a line's beginning or end where the pattern says so; other patterns are refused, not misread. */
const grep: Program = (words, place) => {
  const { paths: operands, flags } = split(words);
  const [pattern, ...paths] = operands;
  if (pattern === undefined) return failed("grep: missing pattern\n", 2);
  const [, from = "", middle = "", to = ""] = flags.includes("F") ? ["", "", pattern, ""] : (/^(\^?)(.*?)(\$?)$/s.exec(pattern) ?? []);
  if (!flags.includes("F") && /[.*[\]\\+?{}|()^$]/.test(middle))
    return failed(`grep: this simulated grep knows texts, ^ and $, not ${JSON.stringify(pattern)}\n`, 2);
  const plain = (text: string) => (flags.includes("i") ? text.toLowerCase() : text);
  const wanted = plain(middle);
  const hit = (line: string) => {
    const text = plain(line);
    if (from !== "" && to !== "") return text === wanted;
    return from !== "" ? text.startsWith(wanted) : to !== "" ? text.endsWith(wanted) : text.includes(wanted);
  };
  return reading("grep", paths, place, (bytes) => {
    const lines = decoder.decode(bytes).replace(/\n$/, "").split("\n");
    const found = bytes.length === 0 ? [] : lines.filter((line) => hit(line) !== flags.includes("v"));
    const out = flags.includes("q") ? "" : flags.includes("c") ? `${found.length}\n` : found.map((line) => `${line}\n`).join("");
    return { out, code: found.length > 0 ? 0 : 1 };
  });
};

const makeDirectories: Program = (words, place) => {
  const { paths, flags } = split(words);
  return each("mkdir", paths, (path) => {
    const wrong = filesAt(place).makeDirectory(absolute(path), { parents: flags.includes("p") });
    return wrong && `can't create directory '${path}': ${wrong}`;
  });
};

const remove: Program = (words, place) => {
  const { paths, flags } = split(words);
  return each("rm", paths, (path) => {
    const files = filesAt(place);
    const entry = files.find(absolute(path), false);
    if (entry === undefined && flags.includes("f")) return undefined;
    if (entry?.is === "directory" && !/[rR]/.test(flags)) return `'${path}' is a directory`;
    const wrong = files.remove(absolute(path), true);
    return wrong && `can't remove '${path}': ${wrong}`;
  });
};

const removeDirectory: Program = (words, place) =>
  each("rmdir", split(words).paths, (path) => {
    const files = filesAt(place);
    const entry = files.find(absolute(path), false);
    if (entry === undefined) return `'${path}': No such file or directory`;
    if (entry.is !== "directory") return `'${path}': Not a directory`;
    const wrong = files.names(absolute(path)).length > 0 ? "Directory not empty" : files.remove(absolute(path), true);
    return wrong && `'${path}': ${wrong}`;
  });

const touch: Program = (words, place) =>
  each("touch", split(words).paths, (path) => {
    const files = filesAt(place);
    if (files.isDirectory(absolute(path))) return undefined;
    const wrong = files.write(absolute(path), new Uint8Array(0), { append: true });
    return wrong && `${path}: ${wrong}`;
  });

/** cp and mv: to a name, or into a directory. */
function transfer(name: "cp" | "mv"): Program {
  return (words, place) => {
    const { paths, flags } = split(words);
    if (paths.length < 2) return failed(`${name}: missing file operand\n`);
    const files = filesAt(place);
    const target = paths.at(-1)!;
    const into = files.isDirectory(absolute(target));
    if (paths.length > 2 && !into) return failed(`${name}: target '${target}' is not a directory\n`);
    return each(name, paths.slice(0, -1), (path) => {
      const from = absolute(path);
      const to = into ? absolute(nameOf(from), absolute(target)) : absolute(target);
      const entry = files.find(from, false);
      if (entry === undefined) return `can't ${name === "cp" ? "stat" : "rename"} '${path}': No such file or directory`;
      if (from === to) return `'${path}' and '${target}' are the same file`;
      if (to.startsWith(`${from}/`)) return `can't ${name === "cp" ? "copy" : "move"} '${path}' into itself`;
      if (name === "cp" && entry.is === "directory" && !/[raR]/.test(flags)) return `omitting directory '${path}'`;
      for (const [one, what] of [...files.walk(from)]) {
        const wrong = putAt(files, `${to}${one.slice(from.length)}`, what);
        if (wrong !== undefined) return `can't create '${to}': ${wrong}`;
      }
      const wrong = name === "mv" ? files.remove(from, true) : undefined;
      return wrong && `can't remove '${path}': ${wrong}`;
    });
  };
}

/** Puts something at a path, as it was elsewhere. */
function putAt(files: FileView, path: string, entry: Entry): string | undefined {
  const { mode, mtimeS } = entry;
  if (entry.is === "directory") return files.isDirectory(path) ? undefined : files.makeDirectory(path, { mode, mtimeS });
  if (entry.is === "link") return files.makeLink(path, entry.target, mtimeS);
  return files.write(path, joined(entry.parts), { mode });
}

const link: Program = (words, place) => {
  const { paths, flags } = split(words);
  const [target, path] = paths;
  if (!flags.includes("s")) return failed("ln: this simulated ln makes symbolic links alone (-s)\n");
  if (target === undefined || path === undefined) return failed("ln: missing file operand\n");
  const files = filesAt(place);
  const at = files.isDirectory(absolute(path)) ? absolute(nameOf(target), absolute(path)) : absolute(path);
  if (files.find(at, false) !== undefined && !flags.includes("f")) return failed(`ln: ${path}: File exists\n`);
  const wrong = files.makeLink(at, target);
  return wrong === undefined ? ended("") : failed(`ln: ${path}: ${wrong}\n`);
};

/** Copies its input to files and on. */
const tee: Program = (words, place) => {
  const { paths, flags } = split(words);
  const files = filesAt(place);
  let first = !flags.includes("a");
  return {
    is: "reading",
    reader: {
      take(bytes, isEnd) {
        const wrong = paths.flatMap((path) => {
          const problem = files.write(absolute(path), bytes, { append: !first });
          return problem === undefined ? [] : [`tee: ${path}: ${problem}\n`];
        });
        first = false;
        const err = wrong.join("");
        return isEnd || err !== "" ? { out: bytes, err, code: err === "" ? 0 : 1 } : { out: bytes };
      },
    },
  };
};

export const filePrograms: readonly (readonly [string, Program])[] = [
  ["ls", list],
  ["cat", concatenate],
  ["head", end("head")],
  ["tail", end("tail")],
  ["wc", countWords],
  ["grep", grep],
  ["mkdir", makeDirectories],
  ["rm", remove],
  ["rmdir", removeDirectory],
  ["touch", touch],
  ["cp", transfer("cp")],
  ["mv", transfer("mv")],
  ["ln", link],
  ["tee", tee],
  ["basename", ([path = ""]) => ended(`${nameOf(absolute(path)) || "/"}\n`)],
  ["dirname", ([path = ""]) => ended(`${path.includes("/") ? parentOf(absolute(path)) : "."}\n`)],
];
