import { Command, CommanderError } from "commander";
import { addDiff } from "./diff";
import { addEtcd } from "./etcd";
import { exit, guarded } from "./exit";
import { addFault } from "./fault";
import { addInit } from "./init";
import { addJoin } from "./join";
import { addDescribe, addList } from "./list";
import { addMutants } from "./mutants";
import { addRehearse } from "./rehearse";
import { addReplay } from "./replay";
import { addRun } from "./run";
import { addShrink } from "./shrink";
import { addUp } from "./up";
import { wavetankVersion } from "./version";

/** The command `wavetank` with all its subcommands; they say with `exit` how the process is to end. */
export function wavetank(): Command {
  const program = new Command("wavetank")
    .description("A whole Kubernetes cluster made of actors, for breaking: simulated with a seed, or live behind kubectl.")
    .version(wavetankVersion())
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride();
  for (const add of [
    addUp,
    addJoin,
    addFault,
    addRun,
    addRehearse,
    addReplay,
    addShrink,
    addDiff,
    addMutants,
    addList,
    addDescribe,
    addInit,
    addEtcd,
  ])
    add(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** Parses and runs a command line (without node and the script). Sets the exit status. */
export async function main(args: readonly string[]): Promise<void> {
  await guarded(async () => {
    try {
      await wavetank().parseAsync([...args], { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      // Commander has said what is wrong, or shown the help that was asked for.
      if (error.exitCode !== 0) exit(2);
    }
  });
}
