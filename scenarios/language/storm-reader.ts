import { nextTime, parseCron } from "../../protocol/kinds/cron-schedule";
import { epochUs } from "../../runtime/simulated/clock";
import { actionNamed, actions } from "../actions";
import { aims, type PlannedHost, type Target } from "../aim";
import { faultNamed, faults } from "../faults";
import type { Fault } from "../faults/fault";
import { partSchemas } from "../part-schemas";
import { unknownName, validatePart } from "../schema";
import type { Path } from "../source";
import type { Complaints } from "./complaints";
import type { Condition } from "./condition";
import { readCondition, type Surroundings } from "./condition-reader";
import { microseconds } from "./duration";
import type { Params, Start, StormBody, StormNode, StormStep } from "./steps";
import { blocks, startFields } from "./storm-schema";

/** How long a storm waits for a condition where its file does not say. */
export const waitUs = 60_000_000;

type Hosts = readonly PlannedHost[];

/** Where a node stands: that decides how its begin is said. */
type Place = "storm" | "parallel" | "serial";

/** Reads the storm of a scenario file. What is wrong is noted in the complaints. */
export class StormReader {
  private steps = 0;

  constructor(
    private readonly complaints: Complaints,
    private readonly around: Surroundings,
    /** undefined where the cluster itself is wrong, so that nothing can be said about its hosts. */
    private readonly hosts: Hosts | undefined,
  ) {}

  read(list: readonly unknown[], path: Path, place: Place = "storm"): readonly StormNode[] {
    return list.flatMap((value, i) => this.readNode(value as Params, [...path, i], place) ?? []);
  }

  private readNode(value: Params, path: Path, place: Place): StormNode | undefined {
    const kinds = ["fault", "action", ...blocks.keys()].filter((kind) => value[kind] !== undefined);
    const [kind] = kinds;
    if (kind === undefined || kinds.length > 1) {
      const what = ["fault", "action", ...blocks.keys()].map((one) => `"${one}"`).join(", ");
      this.complaints.complain(
        path,
        `expected either the field "fault" or the field "action", or a block: exactly one of the fields ${what}`,
      );
      return undefined;
    }
    const before = this.complaints.problems.length;
    const body = kind === "fault" || kind === "action" ? this.readStep(kind, value, path) : this.readBlock(kind, value, path);
    if (!body || this.complaints.problems.length > before) return undefined;
    const start = this.readStart(value, path, place, kind);
    return { path, start, body };
  }

  private readStep(kind: "fault" | "action", value: Params, path: Path): StormBody | undefined {
    const known: readonly { readonly name: string }[] = kind === "action" ? actions : faults;
    const name = String(value[kind]);
    if (
      !this.complaints.isValid(
        path,
        kind,
        name,
        value,
        known.map((one) => one.name),
      )
    )
      return undefined;
    const { fault: _, action: __, for: lasts, until, target, mayMiss, ...rest } = value;
    const params = Object.fromEntries(Object.entries(rest).filter(([field]) => !(field in startFields)));
    const index = this.steps++;
    if (kind === "action") return { type: "step", step: { index, path, params, type: "action", action: actionNamed(name)! } };
    const fault = faultNamed(name)!;
    this.checkTarget(fault, target as Target, value.peers as readonly string[] | undefined, path);
    const forUs = lasts === undefined ? undefined : this.positive(lasts, [...path, "for"]);
    const ends = until === undefined ? undefined : this.readCondition(until, [...path, "until"], forUs ?? waitUs);
    const common = { index, path, params, mayMiss: mayMiss === true };
    const step: StormStep = {
      ...common,
      type: "fault",
      fault,
      target: target as Target,
      forUs: until === undefined ? forUs : (forUs ?? waitUs),
      until: ends,
    };
    return { type: "step", step };
  }

  private checkTarget(fault: Fault, target: Target, peers: readonly string[] | undefined, path: Path): void {
    if (!this.hosts) return;
    for (const { field, index, message } of aims[fault.aims ?? "hosts"].wrong(target, this.hosts))
      this.complaints.complain([...path, "target", field, ...(index === undefined ? [] : [index])], message);
    const names = this.hosts.map((host) => host.name);
    for (const [n, peer] of (peers ?? []).entries())
      if (!names.includes(peer)) this.complaints.complain([...path, "peers", n], unknownName("host", peer, names));
  }

  private readBlock(kind: string, value: Params, path: Path): StormBody | undefined {
    const wrong = validatePart(this.complaints.document, path, value, partSchemas.get(`block ${kind}`)!.validate);
    this.complaints.add(wrong);
    if (wrong.length > 0) return undefined;
    const listOf = (field: string, place: Place) => this.read((value[field] ?? []) as readonly unknown[], [...path, field], place);
    switch (kind) {
      case "serial":
        return { type: "serial", nodes: listOf("serial", "serial") };
      case "parallel":
        return { type: "parallel", nodes: listOf("parallel", "parallel") };
      case "if": {
        const condition = this.readCondition(value.if, [...path, "if"]);
        const [then, otherwise] = [listOf("then", "serial"), listOf("else", "serial")];
        return condition && { type: "branch", condition, then, otherwise };
      }
      case "repeat": {
        if (value.times === undefined && value.until === undefined) {
          this.complaints.complain(path, "expected `times`, `until` or both beside `repeat`");
          return undefined;
        }
        const until = value.until === undefined ? undefined : this.readCondition(value.until, [...path, "until"]);
        return { type: "repeat", nodes: listOf("repeat", "serial"), times: (value.times as number | undefined) ?? 1000, until };
      }
      default: {
        const withinUs = value.within === undefined ? waitUs : this.positive(value.within, [...path, "within"]);
        const condition = this.readCondition(value.wait, [...path, "wait"], withinUs);
        return condition && { type: "wait", condition, withinUs, mayMiss: value.mayMiss === true };
      }
    }
  }

  private readStart(value: Params, path: Path, place: Place, kind: string): Start {
    const complain = (field: string, message: string) => this.complaints.complain([...path, field], message);
    const { at, between, when, after, every, cron, times, within, unless } = value;
    const isStep = kind === "fault" || kind === "action";
    if (at !== undefined && between !== undefined) complain("between", "expected either `at` or `between`");
    if (place === "serial") {
      for (const field of ["at", "between"])
        if (value[field] !== undefined)
          complain(field, "nodes of a serial block begin when the one before them has ended: expected `after` or `when` instead");
    } else if (place === "storm" && isStep && at === undefined && between === undefined && when === undefined && cron === undefined)
      this.complaints.complain(path, 'the field "at" is missing (or "between", or "when", or "cron")');
    if (isStep && times !== undefined && every === undefined && when === undefined && cron === undefined)
      complain("times", "expected `every` beside `times`, or `when`, or `cron`");
    const roundsUs = cron === undefined ? undefined : this.readCron(value, path, place);
    if (within !== undefined && when === undefined && kind !== "wait") complain("within", "expected `when` beside `within`");
    for (const field of ["unless", "overlap", "concurrencyPolicy"])
      if (value[field] !== undefined && ((every === undefined && cron === undefined) || when !== undefined || kind === "repeat"))
        complain(field, `expected \`every\` or \`cron\` beside \`${field}\`, and no \`when\``);
    const everyUs = every === undefined ? 0 : this.positive(every, [...path, "every"]);
    const withinUs = within === undefined ? waitUs : this.positive(within, [...path, "within"]);
    const condition = when === undefined ? undefined : this.readCondition(when, [...path, "when"], withinUs);
    const [fromUs, toUs] = between === undefined ? [microseconds(at ?? "0"), undefined] : (between as readonly unknown[]).map(microseconds);
    if (toUs !== undefined && toUs <= fromUs!) complain("between", `nothing lies between ${(between as readonly string[]).join(" and ")}`);
    const counted = kind !== "repeat" && (every !== undefined || when !== undefined);
    return {
      atUs: fromUs!,
      spreadUs: toUs === undefined ? 0 : toUs - fromUs!,
      when: condition && { condition, withinUs, mayMiss: value.mayMiss === true },
      afterUs: microseconds(after ?? "0"),
      times: counted ? ((times as number | undefined) ?? (every !== undefined ? 2 : 1)) : 1,
      everyUs,
      unless: unless === undefined ? undefined : this.readCondition(unless, [...path, "unless"]),
      roundsUs,
      policy: this.readPolicy(value, path, kind),
    };
  }

  /** A node's policy. What is replaced has to be something that can be ended: a fault. */
  private readPolicy({ overlap, concurrencyPolicy }: Params, path: Path, kind: string): Start["policy"] {
    if (overlap !== undefined && concurrencyPolicy !== undefined)
      this.complaints.complain([...path, "overlap"], "expected either `overlap` or `concurrencyPolicy`");
    if (concurrencyPolicy === "Replace" && kind !== "fault")
      this.complaints.complain([...path, "concurrencyPolicy"], "only a fault can be ended for the next one: expected Allow or Forbid");
    return (concurrencyPolicy as Start["policy"] | undefined) ?? (overlap === false ? "Forbid" : "Allow");
  }

  /** The times of a cron schedule, as many as `times` says, as if the storm began at the midnight at which the simulated year does. */
  private readCron({ cron, times, ...others }: Params, path: Path, place: Place): readonly number[] | undefined {
    const complain = (message: string) => void this.complaints.complain([...path, "cron"], message);
    const beside = ["at", "between", "when", "every"].find((field) => others[field] !== undefined);
    if (beside !== undefined) return complain(`expected either \`${beside}\` or \`cron\``);
    if (place !== "storm") return complain("a schedule counts from when the storm begins: expected no block around it");
    if (times === undefined) return complain("expected `times` beside `cron`: how many of its times are taken");
    const parsed = parseCron(String(cron));
    if (!parsed.ok) return complain(`expected a schedule such as "*/2 * * * *" or "@every 90s": ${parsed.reason}`);
    const startMs = epochUs / 1000;
    const rounds: number[] = [];
    let at = "everyMs" in parsed.schedule ? startMs : startMs - 1;
    while (rounds.length < (times as number)) {
      const next = nextTime(parsed.schedule, at);
      if (next === undefined) return complain("such a day never comes");
      rounds.push((next - startMs) * 1000);
      at = next;
    }
    return rounds;
  }

  /** A condition that somebody waits for no longer than `withinUs`. */
  private readCondition(value: unknown, path: Path, withinUs = Number.POSITIVE_INFINITY): Condition | undefined {
    const condition = readCondition(value, path, this.around, this.complaints);
    if (condition?.type === "elapsed" && condition.us > withinUs && path.at(-1) !== "when")
      this.complaints.complain(path, `this can never hold: it is given only ${withinUs / 1e6} s`);
    return condition;
  }

  private positive(duration: unknown, path: Path): number {
    const us = microseconds(duration);
    if (us <= 0) this.complaints.complain(path, "expected more than no time at all");
    return us;
  }
}
