import colors from "picocolors";
import { hanging } from "../terminal";
import { type Attempt, type Hunted, verdictOf } from "./hunt";

const tints = { caught: colors.green, missed: colors.red, "false alarm": colors.red } as const;
const checkWidth = 26;

/** The columns' names. */
export function headText(idWidth: number): string {
  return colors.dim(
    `${"mutant".padEnd(idWidth)}  ${"verdict".padEnd(11)}  ${"caught by".padEnd(checkWidth)}  ${"runs".padStart(5)}  ${"CPU-s".padStart(6)}`,
  );
}

/** A mutant and what became of it; where it was not caught, what can be done to look into it. */
export function rowText(hunted: Hunted, idWidth: number): string {
  const { mutant, attempts } = hunted;
  const { verdict, medianCpuMs, medianRuns, checks } = verdictOf(hunted);
  const by = [...checks].sort(([, a], [, b]) => b - a).map(([check, times]) => (checks.size > 1 ? `${check} ${times}` : check));
  const figures = `${String(medianRuns).padStart(5)}  ${(medianCpuMs / 1000).toFixed(1).padStart(6)}`;
  const row = `${colors.bold(mutant.id.padEnd(idWidth))}  ${tints[verdict](verdict.padEnd(11))}  ${(by.join(", ") || "-").padEnd(checkWidth)}  ${figures}`;
  const title = `${" ".repeat(idWidth + 2)}${hanging(mutant.title, idWidth + 2, colors.dim)}`;
  const alarms = attempts.filter(({ falseAlarm }) => falseAlarm).map((attempt) => alarmText(attempt, idWidth));
  return [row, title, ...alarms].join("\n");
}

function alarmText({ scenario, seed, falseAlarm }: Attempt, idWidth: number): string {
  const column = idWidth + 2;
  return `${" ".repeat(column)}${hanging(`without the bug ${scenario} --seed ${seed} is violated too: ${falseAlarm}`, column, colors.red)}`;
}

/** How many were caught, and what it took. */
export function summaryText(all: readonly Hunted[]): string {
  const caught = all.filter((one) => verdictOf(one).verdict === "caught").length;
  const cpuMs = all.flatMap(({ attempts }) => attempts).reduce((sum, one) => sum + one.cpuMs, 0);
  const runs = all.flatMap(({ attempts }) => attempts).reduce((sum, one) => sum + one.runs, 0);
  const text = `${caught} of ${all.length} mutants caught, ${runs} runs, ${(cpuMs / 1000).toFixed(1)} s of processor time`;
  return `\n${caught === all.length ? colors.bold(colors.green(text)) : colors.bold(colors.red(text))}`;
}
