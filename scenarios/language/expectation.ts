import type { ApiRequest } from "../../protocol/api";
import { decode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import type { Stored } from "../../protocol/kinds/object";
import { kindOf } from "../../protocol/kinds/registry";
import type { HistoryEvent } from "../history";
import type { HostFacts } from "../target";
import { type Condition, glob, type ObjectPattern, partGlob, passes, valueAt } from "./condition";
import { aboutOf } from "./moments";

/** What an expectation may be shown, as it happens. */
export type Observation =
  | { readonly type: "history"; readonly event: HistoryEvent }
  | { readonly type: "line"; readonly text: string }
  | { readonly type: "delivery"; readonly envelope: Envelope }
  /** Time has passed. */
  | { readonly type: "tick" };

/** How things stand, for conditions that speak of that. */
export interface Standing {
  readonly objects: ReadonlyMap<string, Stored>;
  hosts(): readonly HostFacts[];
  isAtRest(): boolean;
  isViolated(check: string): boolean;
  /** Since the storm began. */
  elapsedUs(): number;
}

/** A condition that somebody waits for, from now on: show it what happens, ask whether it holds. */
export interface Expectation {
  see(observation: Observation): void;
  holds(): boolean;
}

/** Begins to wait for a condition. Changes nothing in the world that it looks at. */
export function expectationOf(condition: Condition, standing: Standing): Expectation {
  switch (condition.type) {
    case "all":
    case "any": {
      const parts = condition.of.map((one) => expectationOf(one, standing));
      return {
        see(observation) {
          for (const part of parts) part.see(observation);
        },
        holds: () => (condition.type === "all" ? parts.every((part) => part.holds()) : parts.some((part) => part.holds())),
      };
    }
    case "not": {
      const part = expectationOf(condition.of, standing);
      return { see: (observation) => part.see(observation), holds: () => !part.holds() };
    }
    case "moment":
    case "line":
    case "transition":
    case "message":
      return counted(condition.times, occurrenceOf(condition));
    case "object":
      return ofObjects(
        condition.object,
        (object) => passes(valueAt(object, condition.field), condition.test),
        standing,
        (found) => found > 0 || isAbsent(condition),
      );
    case "count": {
      const fields = Object.entries(condition.where);
      const fits = (object: Stored) =>
        fields.every(([field, is]) => passes(valueAt(object, field), is === null ? { exists: false } : { is }));
      return ofObjects(condition.object, fits, standing, (found) => passes(found, condition.test));
    }
    case "host":
      return standingAs(() => standing.hosts().some(({ name, up }) => name === condition.host && up === condition.up));
    case "elapsed":
      return standingAs(() => standing.elapsedUs() >= condition.us);
    case "rest":
      return standingAs(() => standing.isAtRest());
    case "check":
      return standingAs(() => standing.isViolated(condition.check) === condition.violated);
  }
}

/** Whether a condition can only be judged by looking at what actors are told; that costs, so it is done on request. */
export function looksAtMessages(condition: Condition): boolean {
  switch (condition.type) {
    case "all":
    case "any":
      return condition.of.some(looksAtMessages);
    case "not":
      return looksAtMessages(condition.of);
    default:
      return condition.type === "message";
  }
}

/** The moments at which a condition has to be looked at again although nothing happens, since the storm began. */
export function timesIn(condition: Condition): readonly number[] {
  switch (condition.type) {
    case "all":
    case "any":
      return condition.of.flatMap(timesIn);
    case "not":
      return timesIn(condition.of);
    default:
      return condition.type === "elapsed" ? [condition.us] : [];
  }
}

function standingAs(holds: () => boolean): Expectation {
  return { see: () => undefined, holds };
}

function counted(times: number, happens: (observation: Observation) => boolean): Expectation {
  let count = 0;
  return {
    see(observation) {
      if (count < times && happens(observation)) count++;
    },
    holds: () => count >= times,
  };
}

type Occurrence = Extract<Condition, { readonly type: "moment" | "line" | "transition" | "message" }>;

function occurrenceOf(condition: Occurrence): (observation: Observation) => boolean {
  switch (condition.type) {
    case "moment": {
      const actor = glob(condition.actor);
      const fields = Object.entries(condition.where).map(([field, pattern]) => [field, glob(pattern)] as const);
      return (o) =>
        o.type === "history" &&
        condition.moment.is(o.event) &&
        (condition.actor === "*" || aboutOf(o.event).some((name) => actor.test(name))) &&
        fields.every(([field, pattern]) => pattern.test(String(valueAt(o.event.type === "fact" ? o.event.fact : o.event, field) ?? "")));
    }
    case "line": {
      const text = partGlob(condition.text);
      return (o) => o.type === "line" && text.test(o.text);
    }
    case "transition":
      return transition(condition);
    case "message":
      return message(condition);
  }
}

function transition({ change, object, field, from, to }: Extract<Condition, { readonly type: "transition" }>) {
  const id = idPattern(object);
  return (o: Observation): boolean => {
    if (o.type !== "history" || o.event.type !== "object" || !id.test(o.event.id)) return false;
    const { before, after } = o.event;
    switch (change) {
      case "created":
        return before === undefined;
      case "updated":
        return before !== undefined && after !== undefined;
      case "deleted":
        return after === undefined;
      case "changed": {
        if (after === undefined) return false;
        const [was, is] = [valueAt(before, field), valueAt(after, field)];
        return JSON.stringify(was) !== JSON.stringify(is) && (!from || passes(was, from)) && (!to || passes(is, to));
      }
    }
  };
}

const writing = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** A request to change something, as an API server is told it; undefined where an envelope is none. */
export function writeIn(envelope: Envelope): Pick<ApiRequest, "verb" | "resource" | "subresource" | "namespace" | "name"> | undefined {
  if (envelope.kind !== "api.request" || envelope.operation !== "ask") return undefined;
  const request = decode(envelope.body) as ApiRequest;
  return writing.has(request.verb) ? request : undefined;
}

/** The object that a watch tells of, by resource and name; undefined where an envelope is no event of a watch. */
export function watchEventIn(
  envelope: Envelope,
): { readonly change: string; readonly resource: string; readonly object: string } | undefined {
  if (envelope.kind !== "api.event") return undefined;
  const { type, object } = decode(envelope.body) as unknown as { readonly type: string; readonly object: Uint8Array };
  if (type === "BOOKMARK" || type === "ERROR") return undefined;
  const { apiVersion, kind, metadata } = JSON.parse(Buffer.from(object).toString("utf8")) as {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly namespace?: string; readonly name: string };
  };
  const { namespace, name } = metadata;
  return { change: type, resource: kindOf(apiVersion, kind)?.plural ?? kind, object: namespace ? `${namespace}/${name}` : name };
}

function message({ message: what, actor, resource, verb }: Extract<Condition, { readonly type: "message" }>) {
  const [byActor, ofResource, byVerb] = [glob(actor), glob(resource), glob(verb)];
  return (o: Observation): boolean => {
    if (o.type !== "delivery") return false;
    if (what === "write") {
      const write = byActor.test(o.envelope.from) ? writeIn(o.envelope) : undefined;
      return write !== undefined && ofResource.test(write.resource) && byVerb.test(write.verb);
    }
    const event = byActor.test(o.envelope.to) ? watchEventIn(o.envelope) : undefined;
    return event !== undefined && ofResource.test(event.resource);
  };
}

function idPattern({ kind, namespace, name }: ObjectPattern): RegExp {
  return glob(namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`);
}

/** "There is none" holds also where there is no such object. */
function isAbsent({ test }: Extract<Condition, { readonly type: "object" }>): boolean {
  return test.exists === false;
}

/** Counts the objects of a pattern that fit, looking only at those that change. */
function ofObjects(
  pattern: ObjectPattern,
  fits: (object: Stored) => boolean,
  standing: Standing,
  holds: (found: number) => boolean,
): Expectation {
  const id = idPattern(pattern);
  const found = new Set<string>();
  const look = (name: string, object: Stored | undefined) => void (object && fits(object) ? found.add(name) : found.delete(name));
  for (const [name, object] of standing.objects) if (id.test(name)) look(name, object);
  return {
    see(o) {
      if (o.type === "history" && o.event.type === "object" && id.test(o.event.id)) look(o.event.id, o.event.after);
    },
    holds: () => holds(found.size),
  };
}
