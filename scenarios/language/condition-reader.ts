import { parseDurationMs } from "../../protocol/kinds/duration";
import { allKinds } from "../../protocol/kinds/registry";
import type { ClusterShape } from "../cluster";
import { compileSchema, unknownName, type Validate, validatePart } from "../schema";
import type { Path } from "../source";
import type { Complaints } from "./complaints";
import { type Condition, glob, type ObjectPattern, type ValueTest } from "./condition";
import { atRest, conditionForms, conditionTexts } from "./condition-schema";
import { contradictionIn } from "./contradiction";
import { momentNamed } from "./moments";
import type { Params } from "./steps";

/** What there is to name in a scenario. */
export interface Surroundings {
  readonly shape: ClusterShape;
  readonly hosts: readonly string[];
  readonly actors: readonly string[];
  readonly loads: number;
  /** Labels of the checks that the scenario expects. */
  readonly checks: readonly string[];
}

/** Reads a condition of a scenario file (or of the command line). What is wrong with it is noted, and the answer is then undefined. */
export function readCondition(value: unknown, path: Path, around: Surroundings, complaints: Complaints): Condition | undefined {
  const before = complaints.problems.length;
  const read = new ConditionReader(around, complaints).read(value, path);
  if (!read || complaints.problems.length > before) return undefined;
  const never = contradictionIn(read);
  if (never === undefined) return read;
  complaints.complain(path, `this can never hold: ${never}`);
  return undefined;
}

/** A pattern of addresses, from an address, a role or a pattern; noted where it fits nobody. */
export function readActor(actor: string, path: Path, { actors }: Surroundings, complaints: Complaints): string | undefined {
  const pattern = actor.includes("/") || actor.includes("*") ? actor : `${actor}/*`;
  const named = glob(pattern);
  if (actors.some((one) => named.test(one))) return pattern;
  const roles = [...new Set(actors.map((one) => one.slice(0, one.indexOf("/"))))];
  complaints.complain(path, unknownName("actor", actor, actor.includes("/") ? actors : roles));
  return undefined;
}

const validators = new Map<string, Validate>([...conditionForms].map(([name, { schema }]) => [name, compileSchema(schema)]));

class ConditionReader {
  constructor(
    private readonly around: Surroundings,
    private readonly complaints: Complaints,
  ) {}

  read(value: unknown, path: Path): Condition | undefined {
    if (typeof value === "string") return this.readText(value, path);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.wrong(path, `expected a condition: ${conditionTexts.length} texts have a meaning, or a record with one of ${forms}`);
    const params = value as Params;
    const form = Object.keys(params).find((key) => conditionForms.has(key));
    if (form === undefined) {
      const [first] = Object.keys(params);
      return first === undefined
        ? this.wrong(path, `expected a condition: one of the fields ${forms}`)
        : this.wrong([...path, first], unknownName("condition", first, [...conditionForms.keys()]), "key");
    }
    const wrong = validatePart(this.complaints.document, path, params, validators.get(form)!);
    this.complaints.add(wrong);
    return wrong.length > 0 ? undefined : this.readForm(form, params, path);
  }

  private readText(text: string, path: Path): Condition | undefined {
    if (text === atRest) return { type: "rest" };
    if (momentNamed(text)) return this.readMoment({ timeline: text }, path);
    return this.wrong(
      path,
      `${unknownName("condition", text, conditionTexts)} (for a line of the timeline write { timeline: ${JSON.stringify(text)} })`,
    );
  }

  private readForm(form: string, params: Params, path: Path): Condition | undefined {
    const times = (params.times as number | undefined) ?? 1;
    switch (form) {
      case "all":
      case "any": {
        const of = (params[form] as readonly unknown[]).map((one, i) => this.read(one, [...path, form, i]));
        return of.includes(undefined) ? undefined : { type: form, of: of as readonly Condition[] };
      }
      case "not": {
        const of = this.read(params.not, [...path, "not"]);
        return of && { type: "not", of };
      }
      case "timeline":
        return this.readMoment(params, path);
      case "created":
      case "updated":
      case "deleted":
      case "changed": {
        const object = this.readObject(String(params[form]), [...path, form]);
        const { from, to } = params;
        return (
          object && {
            type: "transition",
            change: form,
            object,
            field: String(params.field ?? ""),
            from: testOfValue(from),
            to: testOfValue(to),
            times,
          }
        );
      }
      case "write":
      case "watchEvent": {
        const actor = readActor(String(params[form]), [...path, form], this.around, this.complaints);
        const [resource, verb] = [String(params.resource ?? "*"), String(params.verb ?? "*")];
        if (!this.isPlural(resource)) return this.wrong([...path, "resource"], unknownName("resource", resource, plurals()));
        return actor === undefined
          ? undefined
          : { type: "message", message: form === "write" ? "write" : "watch event", actor, resource, verb, times };
      }
      case "object": {
        const object = this.readObject(String(params.object), [...path, form]);
        const test = testOf(params);
        if (Object.keys(test).length === 0 || (params.field === undefined && test.exists === undefined))
          return this.wrong(path, "expected a `field` with one of `is`, `atLeast`, `atMost` and `exists`, or `exists` alone");
        return object && { type: "object", object, field: String(params.field ?? ""), test };
      }
      case "count": {
        const object = this.readObject(String(params.count), [...path, form]);
        const test = testOf(params);
        if (Object.keys(test).length === 0) return this.wrong(path, "expected one of `is`, `atLeast` and `atMost`");
        if (object?.kind === "Node" && (test.atLeast ?? (test.is as number | undefined) ?? 0) > this.around.shape.nodes)
          return this.wrong(path, `this can never hold: the cluster has ${this.around.shape.nodes} nodes`);
        return object && { type: "count", object, where: (params.where ?? {}) as Params, test };
      }
      case "host": {
        const host = String(params.host);
        if (!this.around.hosts.includes(host)) return this.wrong([...path, "host"], unknownName("host", host, this.around.hosts));
        return { type: "host", host, up: params.is === "up" };
      }
      case "elapsed":
        return { type: "elapsed", us: Math.round((parseDurationMs(String(params.elapsed)) ?? 0) * 1000) };
      default:
        return this.readCheck(params, path);
    }
  }

  private readMoment(params: Params, path: Path): Condition | undefined {
    const text = String(params.timeline);
    const [times, where] = [(params.times as number | undefined) ?? 1, (params.where ?? {}) as Params];
    const moment = momentNamed(text);
    if (!moment) {
      const extra = ["actor", "where"].find((field) => field in params);
      if (extra)
        return this.wrong([...path, extra], `${JSON.stringify(text)} is a part of a line: only named moments have \`${extra}\``, "key");
      return { type: "line", text, times };
    }
    const never = moment.never?.(this.around.shape, this.around.loads);
    if (never) return this.wrong(path, `"${text}" can never happen: ${never}`);
    const actor = params.actor === undefined ? "*" : String(params.actor);
    return {
      type: "moment",
      moment,
      actor,
      where: Object.fromEntries(Object.entries(where).map(([key, value]) => [key, String(value)])),
      times,
    };
  }

  private readCheck(params: Params, path: Path): Condition | undefined {
    const check = String(params.check);
    const { checks } = this.around;
    if (!checks.includes(check)) return this.wrong([...path, "check"], `${unknownName("check", check, checks)} (those under \`expect\`)`);
    return { type: "check", check, violated: params.is === "violated" };
  }

  private readObject(text: string, path: Path): ObjectPattern | undefined {
    const [kind = "", name = "", ...more] = text.split(" ");
    const known = allKinds().find((one) => one.kind === kind);
    if (!known) return this.wrong(path, unknownName("kind", kind, [...new Set(allKinds().map((one) => one.kind))]));
    const parts = name.split("/");
    if (more.length > 0 || name === "" || parts.length > 2 || (parts.length === 2) !== known.namespaced)
      if (!(known.namespaced && name === "*" && more.length === 0))
        return this.wrong(
          path,
          `expected "${kind} ${known.namespaced ? "NAMESPACE/NAME" : "NAME"}", with * for any letters, found ${text}`,
        );
    const [namespace, own] = known.namespaced ? [parts.length === 2 ? parts[0]! : "*", parts.at(-1)!] : ["", name];
    if (kind === "Node" && !own.includes("*") && !this.around.hosts.includes(own))
      return this.wrong(
        path,
        unknownName(
          "node",
          own,
          this.around.hosts.filter((host) => host.startsWith("node-")),
        ),
      );
    return { kind, namespace, name: own };
  }

  private isPlural(resource: string): boolean {
    return resource.includes("*") || plurals().includes(resource);
  }

  private wrong(path: Path, message: string, at: "key" | "value" = "value"): undefined {
    this.complaints.complain(path, message, at);
    return undefined;
  }
}

const forms = [...conditionForms.keys()].join(", ");

function plurals(): readonly string[] {
  return [...new Set(allKinds().map(({ plural }) => plural))];
}

function testOfValue(is: unknown): ValueTest | undefined {
  return is === undefined ? undefined : is === null ? { exists: false } : { is };
}

function testOf({ is, atLeast, atMost, exists }: Params): ValueTest {
  return {
    ...(is === undefined ? {} : is === null ? { exists: false } : { is }),
    ...(atLeast === undefined ? {} : { atLeast: atLeast as number }),
    ...(atMost === undefined ? {} : { atMost: atMost as number }),
    ...(exists === undefined ? {} : { exists: exists as boolean }),
  };
}
