/** A strict reader of Prometheus' text format 0.0.4: what promtool would refuse, it refuses with the line. */

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelForm = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Throws an Error that shows the line which is wrong. */
export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    if (help) {
      if (families.has(help[1]!) || !nameForm.test(help[1]!)) fail("a family begins twice, or has no name");
      current = help[1]!;
      families.set(current, { type: "", help: help[2]!, samples: [] });
      continue;
    }
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type) {
      const family = families.get(current);
      if (type[1] !== current || !family || family.type !== "" || family.samples.length > 0) fail("a TYPE out of place");
      families.set(current, { ...family!, type: type[2]! });
      continue;
    }
    const sample = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`no sample: ${line}`);
    const [, name = "", labelText = "", number = ""] = sample;
    const family = families.get(current);
    if (!family || family.type === "") throw new Error(`a sample without a family: ${line}`);
    const suffix = name.slice(current.length);
    const allowed = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!name.startsWith(current) || !allowed.includes(suffix)) fail("a sample of another family");
    const labels = parseLabels(labelText, fail);
    const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
    if (Number.isNaN(value) || !/^([+-]Inf|-?\d+(\.\d+)?(e[+-]\d+)?)$/.test(number)) fail("no number");
    const identity = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(identity)) fail("a sample comes twice");
    seen.add(identity);
    family.samples.push({ name, labels, value });
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

function parseLabels(text: string, fail: (why: string) => never): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const [whole, name, value] = /^([^=,]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest) ?? fail("labels that cannot be read");
    if (!labelForm.test(name!) || Object.hasOwn(labels, name!)) fail("a label that is no name, or comes twice");
    labels[name!] = value!;
    rest = rest.slice(whole!.length);
  }
  return labels;
}

/** Buckets grow, end with +Inf, and that is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const series = new Map<string, { buckets: [number, number][]; count: number | undefined; sum: boolean }>();
  for (const sample of samples) {
    const { le, ...own } = sample.labels;
    const key = JSON.stringify(own);
    const one = series.get(key) ?? { buckets: [], count: undefined, sum: false };
    series.set(key, one);
    if (sample.name.endsWith("_bucket")) one.buckets.push([le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), sample.value]);
    else if (sample.name.endsWith("_count")) one.count = sample.value;
    else one.sum = true;
  }
  for (const [key, { buckets, count, sum }] of series) {
    const grows = buckets.every(([bound, below], i) => i === 0 || (bound > buckets[i - 1]![0] && below >= buckets[i - 1]![1]));
    const [last, all] = buckets.at(-1) ?? [0, 0];
    if (!grows || last !== Number.POSITIVE_INFINITY || all !== count || !sum) throw new Error(`the histogram ${name}${key} is not whole`);
  }
}
