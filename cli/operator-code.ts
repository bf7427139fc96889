import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { Script } from "node:vm";
import * as kit from "../actors/operator/kit";
import type { Source } from "../scenarios/source";

/** What users' modules import the client and the contract under. */
export const kitName = "wavetank";

export type OperatorCode = { readonly ok: true; readonly code: Source } | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Compiles an operator's module, TypeScript or JavaScript, with everything that it imports into one text that runs anywhere. What it may not import,
 * modules of the real world, is a problem with its place, as is what does not compile. `planted` is what stands in the file's place where a bug is planted in it.
 */
export function compileOperator(file: string, planted?: string): OperatorCode {
  // Loaded when it is needed: few scenarios have an operator.
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  try {
    const built = buildSync({
      ...(planted === undefined
        ? { entryPoints: [resolve(file)] }
        : { stdin: { contents: planted, resolveDir: dirname(resolve(file)), sourcefile: file, loader: extname(file).slice(1) as "ts" } }),
      absWorkingDir: process.cwd(),
      bundle: true,
      write: false,
      format: "cjs",
      // No module of Node's is there: an operator of a simulated world asks its context.
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "node20",
      external: [kitName],
      logLevel: "silent",
      legalComments: "none",
      charset: "utf8",
    });
    return { ok: true, code: { file, text: built.outputFiles[0]!.text } };
  } catch (error) {
    const { errors } = error as { readonly errors?: readonly { readonly text: string; readonly location: Location | null }[] };
    if (!errors) return { ok: false, problems: [error instanceof Error ? error.message : String(error)] };
    return { ok: false, problems: errors.map(problemText) };
  }
}

interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function problemText({ text, location }: { readonly text: string; readonly location: Location | null }): string {
  const said = /^Could not resolve "(?:node:)?([^"]+)"/.exec(text);
  const name = said?.[1] ?? "";
  const isOfNode = name !== "" && createRequire(join(dirname(__filename), "x")).resolve.paths(name) === null;
  const message = isOfNode ? `an operator may not import "${name}": whatever it wants of the world it asks its context for` : text;
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${message}` : message;
}

/** Evaluates a compiled module and answers with what it exports. Each call is a module of its own, with variables of its own. */
export function evaluateOperator({ file, text }: Source): () => unknown {
  const script = new Script(`(function (require, module, exports, console) {${text}\n})`, { filename: file });
  return () => {
    const module: { exports: unknown } = { exports: {} };
    const wrapped = script.runInThisContext() as (
      require: (name: string) => unknown,
      module: unknown,
      exports: unknown,
      console: unknown,
    ) => void;
    wrapped(
      (name) => {
        if (name === kitName) return kit;
        throw new Error(`there is no module "${name}" here: expected "${kitName}"`);
      },
      module,
      module.exports,
      toStandardError,
    );
    return module.exports;
  };
}

/** What an operator prints goes past what the command prints, which may be JSON. */
const toStandardError = Object.fromEntries(
  ["log", "info", "warn", "error", "debug", "trace"].map((level) => [level, (...told: readonly unknown[]) => console.error(...told)]),
);
