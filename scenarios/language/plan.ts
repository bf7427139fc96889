import { type Address, roleOf } from "../../protocol/address";
import type { RuntimeEvent } from "../../runtime/world";
import { faultNamed } from "../faults";
import type { Fault } from "../faults/fault";
import { partSchemas } from "../part-schemas";
import type { Scenario } from "../scenario";
import type { JsonSchema } from "../schema";
import { compileSchema, durationSchema, unknownName, validatePart } from "../schema";
import type { Complaints } from "./complaints";
import { type Condition, glob } from "./condition";
import { readActor, type Surroundings } from "./condition-reader";
import { microseconds } from "./duration";
import { watchEventIn, writeIn } from "./expectation";
import { immediately, type Params, type StormNode } from "./steps";

/**
 * Runs that are generated from a reference run (Sun and others, "Automatic Reliability Testing for Cluster Management Controllers", 2022): every write of an
 * actor, or every event that a watch brings it, is a place at which a fault can cut.
 */
export interface Plan {
  readonly cut: "writes" | "watch-events";
  /** A pattern of addresses. */
  readonly of: string;
  readonly resource: string;
  readonly verb: string;
  readonly fault: Fault;
  readonly params: Params;
  readonly forUs: number | undefined;
  readonly atMost: number;
}

/** One place at which a run is cut: the `number`th such message of that actor since the storm began. */
export interface Cut {
  readonly actor: Address;
  readonly number: number;
  /** "patch pods/status shop/web-1". */
  readonly what: string;
}

/** The number of the step that cuts, beyond all others. */
const cutStep = 1_000_000;
const atMostByDefault = 100;

const own: Readonly<Record<string, JsonSchema>> = {
  cut: { enum: ["writes", "watch-events"], description: "where: after each request to change something, or each event of a watch" },
  of: { type: "string", description: 'whose: an actor or a role, such as "controller-manager"' },
  resource: { type: "string", description: 'only those about these, such as "pods"; events of custom resources by their kind, "Database"' },
  verb: { enum: ["create", "update", "patch", "delete", "deletecollection"], description: "only these writes" },
  atMost: { type: "integer", minimum: 1, maximum: 100_000, description: "at most so many runs, spread evenly; 100 where not given" },
  for: { ...durationSchema, description: "how long the fault lasts; until the calm where not given" },
};

/** The `plan` part of a scenario file as far as it is the same for every fault. */
export const planSchema: JsonSchema = {
  type: "object",
  properties: { ...own, fault: { type: "string" } },
  required: ["cut", "of", "fault"],
  description: "a plan of runs, such as { cut: writes, of: controller-manager, fault: crash-actor }",
};

const validatePlan = compileSchema(planSchema);

/** Reads a plan; what is wrong is noted. */
export function readPlan(value: Params, around: Surroundings, complaints: Complaints): Plan | undefined {
  const before = complaints.problems.length;
  complaints.add(validatePart(complaints.document, ["plan"], value, validatePlan));
  if (complaints.problems.length > before) return undefined;
  const fault = faultNamed(String(value.fault));
  const params = Object.fromEntries(Object.entries(value).filter(([field]) => !(field in own) && field !== "fault"));
  const schema = partSchemas.get(`fault ${String(value.fault)}`);
  if (!fault || !schema) {
    const known = [...partSchemas.keys()].flatMap((name) => (name.startsWith("fault ") ? [name.slice(6)] : []));
    complaints.complain(["plan", "fault"], unknownName("fault", String(value.fault), known));
    return undefined;
  }
  if (fault.aims === "pods") complaints.complain(["plan", "fault"], "this fault hits pods: expected one that hits hosts or actors");
  else complaints.add(validatePart(complaints.document, ["plan"], { ...params, fault: fault.name, target: stand(fault) }, schema.validate));
  const of = readActor(String(value.of), ["plan", "of"], around, complaints);
  if (value.verb !== undefined && value.cut !== "writes") complaints.complain(["plan", "verb"], "only writes have a verb");
  if (of === undefined || complaints.problems.length > before) return undefined;
  return {
    cut: value.cut as Plan["cut"],
    of,
    resource: String(value.resource ?? "*"),
    verb: String(value.verb ?? "*"),
    fault,
    params,
    forUs: value.for === undefined ? undefined : microseconds(value.for),
    atMost: (value.atMost as number | undefined) ?? atMostByDefault,
  };
}

/** Any target that fits the fault's schema; cuts put the real one in its place. */
function stand(fault: Fault): Params {
  return fault.aims === "actors" ? { actors: ["any"] } : { hosts: ["any"] };
}

/** Watches a reference run for the places at which it can be cut. Give it what the runtime does while the storm lasts. */
export class Cuts {
  readonly all: Cut[] = [];
  private readonly counts = new Map<Address, number>();
  private readonly of: RegExp;
  private readonly resource: RegExp;
  private readonly verb: RegExp;

  constructor(private readonly plan: Plan) {
    this.of = glob(plan.of);
    this.resource = glob(plan.resource);
    this.verb = glob(plan.verb);
  }

  see(event: RuntimeEvent): void {
    if (event.type !== "deliver") return;
    const { envelope } = event;
    const writes = this.plan.cut === "writes";
    const actor = writes ? envelope.from : envelope.to;
    if (!this.of.test(actor)) return;
    const what = writes ? this.writeText(envelope) : this.eventText(envelope);
    if (what === undefined) return;
    const number = (this.counts.get(actor) ?? 0) + 1;
    this.counts.set(actor, number);
    this.all.push({ actor, number, what });
  }

  /** So many of them as the plan wants, spread evenly. */
  chosen(): readonly Cut[] {
    const { all } = this;
    const { atMost } = this.plan;
    if (all.length <= atMost) return all;
    return Array.from({ length: atMost }, (_, i) => all[Math.floor((i * all.length) / atMost)]!);
  }

  private writeText(envelope: Parameters<typeof writeIn>[0]): string | undefined {
    const write = writeIn(envelope);
    if (!write || !this.resource.test(write.resource) || !this.verb.test(write.verb)) return undefined;
    const { verb, resource, subresource, namespace, name } = write;
    const object = [namespace, name].filter((part) => part !== "").join("/");
    return `${verb} ${resource}${subresource ? `/${subresource}` : ""} ${object}`.trim();
  }

  private eventText(envelope: Parameters<typeof writeIn>[0]): string | undefined {
    const event = watchEventIn(envelope);
    return event && this.resource.test(event.resource) ? `${event.change} ${event.resource} ${event.object}` : undefined;
  }
}

/** The scenario with the plan's fault at one place. */
export function withCut(scenario: Scenario, plan: Plan, cut: Cut): Scenario {
  const host = scenario.plan.hosts.find(({ actors }) => actors.some(({ address }) => address === cut.actor))?.name ?? "";
  const { fault, forUs, resource, verb } = plan;
  const condition: Condition = {
    type: "message",
    message: plan.cut === "writes" ? "write" : "watch event",
    actor: cut.actor,
    resource,
    verb,
    times: cut.number,
  };
  // Of several actors on a host only the one that is cut is hit, where the fault can tell them apart.
  const params = "role" in fault.params ? { role: roleOf(cut.actor), ...plan.params } : plan.params;
  const target = fault.aims === "actors" ? { actors: [cut.actor] } : { hosts: [host] };
  const node: StormNode = {
    path: ["plan"],
    start: { ...immediately, when: { condition, withinUs: scenario.stormUs + 60_000_000, mayMiss: false } },
    body: {
      type: "step",
      step: { index: cutStep, path: ["plan"], params, type: "fault", fault, target, forUs, until: undefined, mayMiss: false },
    },
  };
  return { ...scenario, storm: [...scenario.storm, node] };
}

export function cutText({ actor, number, what }: Cut, { cut }: Plan): string {
  return cut === "writes" ? `after write ${number} of ${actor}: ${what}` : `at event ${number} of ${actor}: ${what}`;
}
