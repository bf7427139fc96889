import type { RunResult } from "../run";

/** One or many runs as JUnit XML: a suite for each seed, a case for each check. CI systems read it. `replayLine` repeats the run, where there is one. */
export function junitOf(results: readonly RunResult[], replayLine = ""): string {
  const suites = results.map((result) => {
    const failures = result.checks.filter(({ verdict }) => verdict === "violated").length;
    const cases = result.checks.map(({ name, verdict, detail }) => {
      const open = `    <testcase classname="${escapeXml(result.scenario)}" name="${escapeXml(name)}"`;
      if (verdict === "held") return `${open}/>`;
      return `${open}>\n      <failure message="${escapeXml(detail)}">seed ${result.seed}, trace ${result.traceHash}</failure>\n    </testcase>`;
    });
    const name = `${escapeXml(result.scenario)}, seed ${result.seed}`;
    const attributes = `name="${name}" tests="${result.checks.length}" failures="${failures}" time="${(result.virtualMs / 1000).toFixed(3)}"`;
    const properties = [
      ["seed", String(result.seed)],
      ["trace", result.traceHash],
      ...(replayLine === "" ? [] : [["replay", replayLine]]),
    ].map(([property, value]) => `      <property name="${property}" value="${escapeXml(value!)}"/>`);
    return `  <testsuite ${attributes}>\n    <properties>\n${properties.join("\n")}\n    </properties>\n${cases.join("\n")}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("\n")}\n</testsuites>\n`;
}

/** Text as it may stand in XML and HTML; characters that XML forbids are dropped. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that XML 1.0 forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}
