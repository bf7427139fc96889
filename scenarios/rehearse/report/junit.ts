import { escapeXml } from "../../report/junit";
import type { RunReport } from "../judgement";
import { percent } from "../judgement";
import { type Rehearsal, titleOf } from "../rehearsal";

/**
 * A rehearsal as JUnit XML: a suite for each Service, a case for each run of a storm. With a baseline a violation that is known from there is no failure.
 * `replayLine` answers with what repeats the run of a file name.
 */
export function rehearsalJunit({ services, runs, findings, regressions }: Rehearsal, replayLine: (name: string) => string): string {
  const fails = (run: RunReport) =>
    run.verdict === "violated" && (regressions === null || regressions.includes(`${run.service} ${titleOf(run)}`));
  const suites = services.map(({ service }) => {
    const own = runs.filter((run) => run.service === service);
    const cases = own.map((run) => {
      const title = titleOf(run);
      const open = `    <testcase classname="${escapeXml(service)}" name="${escapeXml(title)}"`;
      if (!fails(run)) return `${open}/>`;
      const blamed = findings
        .filter((finding) => finding.service === service && finding.runs.includes(title))
        .map(({ file, line, title: what, setting, evidence, fix }) => `${file}:${line}: ${what}: ${setting}\n${evidence}\n${fix}`);
      const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
      const text = [`${percent(run.availability)} of ${run.requests} requests succeeded`, ...blamed, replayLine(name)].join("\n\n");
      return `${open}>\n      <failure message="${escapeXml(run.violations.join("; "))}">${escapeXml(text)}</failure>\n    </testcase>`;
    });
    const attributes = `name="${escapeXml(service)}" tests="${own.length}" failures="${own.filter(fails).length}"`;
    return `  <testsuite ${attributes}>\n${cases.join("\n")}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("\n")}\n</testsuites>\n`;
}
