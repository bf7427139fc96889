import { type ChildProcess, fork, spawn } from "node:child_process";
import { extname, join } from "node:path";
import { type Planted, plantedVariable } from "./planted";

/** What a Node process is given so that the bug is in it, and in its worker threads, from the first module on. */
function plantedOptions(planted: Planted | undefined): { readonly execArgv: string[]; readonly env: NodeJS.ProcessEnv } {
  const { [plantedVariable]: _, ...env } = process.env;
  if (!planted) return { execArgv: process.execArgv, env };
  const preload = ["--require", join(__dirname, `plant${extname(__filename)}`)];
  return { execArgv: [...process.execArgv, ...preload], env: { ...env, [plantedVariable]: JSON.stringify(planted) } };
}

/** Runs this command line once more, in a process with the bug, on the same terminal. Answers with its exit status. */
export function runAgainWith(planted: Planted): Promise<number> {
  const { execArgv, env } = plantedOptions(planted);
  const child = spawn(process.execPath, [...execArgv, ...process.argv.slice(1)], { stdio: "inherit", env });
  // From a terminal the child has the signal as well; what was sent to this process alone is passed on.
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  const stay = () => undefined;
  process.on("SIGINT", stay);
  process.on("SIGTERM", pass);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      process.off("SIGINT", stay);
      process.off("SIGTERM", pass);
      resolve(code ?? 130);
    });
  });
}

/** Starts a module of this program in a process of its own, with the bug in it where one is given; the two talk in messages. */
export function forkModule(module: string, planted: Planted | undefined): ChildProcess {
  return fork(module, [], { ...plantedOptions(planted), serialization: "advanced" });
}
