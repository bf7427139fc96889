/**
 * Figures that a component counts and shows at /metrics, in Prometheus' text format (version 0.0.4). Labels are given by position, in the order in
 * which the family names them; values of histograms are in the unit that stands at the end of the family's name.
 */

type Kind = "counter" | "gauge" | "histogram";
type Labels = readonly string[];

/** One line of a family that is computed when it is asked for. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  lines(): Iterable<string>;
}

const separator = "\u0000";

/** What is counted most has one label, or none. */
function keyOf(labels: Labels): string {
  return labels.length === 1 ? labels[0]! : labels.join(separator);
}

/** The value of one line, for those who count it so often that its labels are not to be put together each time. */
export class Tally {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }
}

/** Goes up only. */
export class Counter implements Family {
  readonly kind: Kind = "counter";
  protected readonly values = new Map<string, Tally>();

  constructor(
    readonly name: string,
    readonly help: string,
    private readonly labelNames: readonly string[],
  ) {}

  /** From now on there is a line under these labels. */
  at(labels: Labels = []): Tally {
    const key = keyOf(labels);
    let tally = this.values.get(key);
    if (tally === undefined) this.values.set(key, (tally = new Tally()));
    return tally;
  }

  add(labels: Labels = [], by = 1): void {
    this.at(labels).add(by);
  }

  get(labels: Labels = []): number {
    return this.values.get(keyOf(labels))?.value ?? 0;
  }

  forget(labels: Labels): void {
    this.values.delete(keyOf(labels));
  }

  *lines(): Iterable<string> {
    for (const [key, { value }] of inOrder(this.values))
      yield `${this.name}${labelText(this.labelNames, split(key, this.labelNames.length))} ${numberText(value)}`;
  }
}

/** Goes up and down. */
export class Gauge extends Counter {
  override readonly kind: Kind = "gauge";

  set(labels: Labels, value: number): void {
    this.at(labels).value = value;
  }
}

/** The values of one set of labels. */
export class Distribution {
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && !(value <= bounds[index]!)) index++;
    if (index < bounds.length) counts[index]!++;
    this.count++;
    this.sum += value;
  }
}

/** How often values fell below each bound. */
export class Histogram implements Family {
  readonly kind: Kind = "histogram";
  private readonly values = new Map<string, Distribution>();
  /** The label `le` of each bucket: servers have tens of thousands of them, and somebody asks for all every few seconds. */
  private readonly uppers: readonly string[];

  constructor(
    readonly name: string,
    readonly help: string,
    private readonly labelNames: readonly string[],
    private readonly bounds: readonly number[],
  ) {
    this.uppers = bounds.map((bound) => `le="${numberText(bound)}"} `);
  }

  /** From now on there are lines under these labels. */
  at(labels: Labels): Distribution {
    const key = keyOf(labels);
    let distribution = this.values.get(key);
    if (distribution === undefined) this.values.set(key, (distribution = new Distribution(this.bounds)));
    return distribution;
  }

  observe(labels: Labels, value: number): void {
    this.at(labels).observe(value);
  }

  *lines(): Iterable<string> {
    for (const [key, { counts, count, sum }] of inOrder(this.values)) {
      const own = labelText(this.labelNames, split(key, this.labelNames.length));
      const bucket = `${this.name}_bucket${own === "" ? "{" : `${own.slice(0, -1)},`}`;
      let below = 0;
      for (const [index, upper] of this.uppers.entries()) {
        below += counts[index]!;
        yield `${bucket}${upper}${below}`;
      }
      yield `${bucket}le="+Inf"} ${count}`;
      yield `${this.name}_sum${own} ${numberText(sum)}`;
      yield `${this.name}_count${own} ${count}`;
    }
  }
}

/** All families of one component. */
export class Registry {
  private readonly families = new Map<string, Family>();

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.add(new Counter(name, help, labelNames));
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.add(new Gauge(name, help, labelNames));
  }

  histogram(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]): Histogram {
    return this.add(new Histogram(name, help, labelNames, bounds));
  }

  /** A family whose samples are computed when somebody asks. */
  computed(kind: "gauge" | "counter", name: string, help: string, labelNames: readonly string[], samples: () => Iterable<Sample>): void {
    const lines = function* (): Iterable<string> {
      for (const { labels, value } of samples()) yield `${name}${labelText(labelNames, labels)} ${numberText(value)}`;
    };
    this.add({ name, kind, help, lines });
  }

  /** A family whose samples somebody else keeps, under labels that are text already: `{name="value"}`. */
  labelled(kind: "gauge" | "counter", name: string, help: string, samples: () => Iterable<readonly [labels: string, value: number]>): void {
    const lines = function* (): Iterable<string> {
      for (const [labels, value] of samples()) yield `${name}${labels} ${numberText(value)}`;
    };
    this.add({ name, kind, help, lines });
  }

  /** The text of /metrics: families by name, each with its HELP and TYPE; families without samples are left out. */
  text(): string {
    const parts: string[] = [];
    for (const name of [...this.families.keys()].sort()) {
      const { help, kind, lines } = bound(this.families.get(name)!);
      const all = [...lines()];
      if (all.length > 0) parts.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${kind}`, ...all);
    }
    return parts.length === 0 ? "" : `${parts.join("\n")}\n`;
  }

  private add<F extends Family>(family: F): F {
    if (this.families.has(family.name)) throw new Error(`there are two metrics ${family.name}`);
    this.families.set(family.name, family);
    return family;
  }
}

/** The content type of the text format. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/** `count` bounds, each `factor` times the one before. */
export function exponentialBuckets(first: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first * factor ** index);
}

function bound(family: Family): Family {
  return { name: family.name, kind: family.kind, help: family.help, lines: () => family.lines() };
}

function split(key: string, count: number): Labels {
  return count === 0 ? [] : key.split(separator);
}

function inOrder<V>(values: ReadonlyMap<string, V>): readonly (readonly [string, V])[] {
  return [...values].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** One sample as a line, without a time. */
export function metricLine(name: string, labelNames: readonly string[], labels: readonly string[], value: number): string {
  return `${name}${labelText(labelNames, labels)} ${numberText(value)}`;
}

function labelText(names: readonly string[], values: Labels): string {
  if (names.length === 0) return "";
  return `{${names.map((name, index) => `${name}="${escapeLabel(values[index] ?? "")}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (character) => (character === "\n" ? "\\n" : "\\\\"));
}

/** As Go writes floats there: 1e+06 from seven digits on. */
function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (Number.isNaN(value)) return "NaN";
  const magnitude = Math.abs(value);
  if (value !== 0 && (magnitude >= 1e21 || magnitude < 1e-4)) return exponentText(value);
  if (Number.isInteger(value) && magnitude >= 1e6) return exponentText(value);
  return String(value);
}

function exponentText(value: number): string {
  const [mantissa = "0", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
