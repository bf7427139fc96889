import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rehearsalHtml } from "../scenarios/rehearse/report/html";
import { rehearsalJunit } from "../scenarios/rehearse/report/junit";
import { makeFolders } from "./make-folders";
import type { Outcome } from "./rehearse-all";

/** Writes what `--out` promises: the page, JUnit, the result itself; of each run its report, and of those that failed what repeats them. */
export function writeRehearsal(folder: string, { rehearsal, made }: Outcome): void {
  for (const { run, rehearsed, reports } of made) {
    const own = join(folder, "storms", run.name);
    makeFolders(own);
    writeFileSync(join(own, "report.html"), rehearsed.report);
    if (reports.some(({ verdict }) => verdict === "violated")) writeFileSync(join(own, "run.json"), rehearsed.record);
  }
  const runs = made.map(({ run, rehearsed }) => ({ name: run.name, title: run.title, happened: run.case.happened, ...rehearsed }));
  writeFileSync(join(folder, "report.html"), rehearsalHtml(rehearsal, runs));
  writeFileSync(
    join(folder, "junit.xml"),
    rehearsalJunit(rehearsal, (name) => `npx wavetank replay ${join(folder, "storms", name, "run.json")}`),
  );
  writeFileSync(join(folder, "rehearsal.json"), `${JSON.stringify(rehearsal, null, 2)}\n`);
}
