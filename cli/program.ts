import { Command, CommanderError } from "commander";
import { exit, guarded } from "./exit";
import { wavetankVersion } from "./version";

type Add = (program: Command) => void;

/** Each subcommand's module is loaded when the subcommand is needed: all of them together are a second of work, most of them a tenth. */
const subcommands: Readonly<Record<string, () => Add>> = {
  up: () => (require("./up") as typeof import("./up")).addUp,
  join: () => (require("./join") as typeof import("./join")).addJoin,
  fault: () => (require("./fault") as typeof import("./fault")).addFault,
  run: () => (require("./run") as typeof import("./run")).addRun,
  rehearse: () => (require("./rehearse") as typeof import("./rehearse")).addRehearse,
  replay: () => (require("./replay") as typeof import("./replay")).addReplay,
  shrink: () => (require("./shrink") as typeof import("./shrink")).addShrink,
  diff: () => (require("./diff") as typeof import("./diff")).addDiff,
  mutants: () => (require("./mutants") as typeof import("./mutants")).addMutants,
  list: () => (require("./list") as typeof import("./list")).addList,
  describe: () => (require("./list") as typeof import("./list")).addDescribe,
  init: () => (require("./init") as typeof import("./init")).addInit,
  etcd: () => (require("./etcd") as typeof import("./etcd")).addEtcd,
};

/** The command `wavetank` with the subcommand of that name, or with all of them where there is none; they say with `exit` how the process is to end. */
function wavetank(name: string | undefined): Command {
  const program = new Command("wavetank")
    .description("A whole Kubernetes cluster made of actors, for breaking: simulated with a seed, or live behind kubectl.")
    .version(wavetankVersion())
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride();
  const wanted = Object.hasOwn(subcommands, name ?? "") ? [subcommands[name!]!] : Object.values(subcommands);
  for (const load of wanted) load()(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** Parses and runs a command line (without node and the script). Sets the exit status. */
export async function main(args: readonly string[]): Promise<void> {
  await guarded(async () => {
    try {
      await wavetank(args[0]).parseAsync([...args], { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      // Commander has said what is wrong, or shown the help that was asked for.
      if (error.exitCode !== 0) exit(2);
    }
  });
}
