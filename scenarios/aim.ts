import { type Address, type HostName, parseAddress, roleOf } from "../protocol/address";
import { type PodSelector, podSelectorSchema, resolvePods, wrongWithPodSelector } from "./pod-target";
import { type JsonSchema, unknownName } from "./schema";
import type { Tank } from "./tank";
import { choose, type HostFacts, hostFields, matchingHosts, resolve, type Selector, wrongWithMode, wrongWithSelector } from "./target";

/** What kind of thing a fault hits: whole hosts, single actors on them, or pods. */
export type Aim = "hosts" | "actors" | "pods";

/** Actors by their addresses, or those on selected hosts, of which `actor` gives the role: "scheduler". */
export interface ActorSelector extends Selector {
  readonly actors?: readonly string[];
  readonly actor?: string;
}

/** The target of a step: which of these it is depends on its fault. */
export type Target = Selector | ActorSelector | PodSelector;

/** What is known of a host before anything runs. */
export type PlannedHost = Pick<HostFacts, "name" | "zone" | "role"> & { readonly actors?: readonly { readonly address: Address }[] };

export interface AimWrong {
  readonly field: string;
  readonly index?: number;
  readonly message: string;
}

interface AimOf<S> {
  readonly schema: JsonSchema;
  /** Names of what the selector means now: hosts, addresses, or pods as "namespace/name". */
  resolve(selector: S, tank: Tank, draw: (index: number) => number): readonly string[];
  /** What is wrong with the selector in a cluster of these hosts. */
  wrong(selector: S, hosts: readonly PlannedHost[]): readonly AimWrong[];
  /** The hosts on which those things are. */
  hostsOf(names: readonly string[], tank: Tank): readonly HostName[];
}

const hosts: AimOf<Selector> = {
  schema: {
    type: "object",
    description: "a selector of hosts, such as { role: etcd, is: leader } or { zone: zone-b } or { hosts: [node-3] }",
    properties: hostFields,
    minProperties: 1,
    additionalProperties: false,
  },
  resolve: (selector, tank, draw) => resolve(selector, tank.hosts(), draw),
  wrong: wrongWithSelector,
  hostsOf: (names) => names,
};

const actors: AimOf<ActorSelector> = {
  schema: {
    type: "object",
    description: "a selector of actors, such as { actors: [scheduler/0] } or { role: control, is: leader, actor: controller-manager }",
    properties: {
      actors: { type: "array", items: { type: "string" }, minItems: 1, description: "actors by their addresses" },
      actor: { type: "string", description: 'only actors of this role, such as "scheduler"' },
      ...hostFields,
    },
    minProperties: 1,
    additionalProperties: false,
  },
  resolve(selector, tank, draw) {
    const { actors: named, actor, ...where } = selector;
    const matching = matchingHosts(where, tank.hosts()).flatMap(({ name }) =>
      tank.actorsOn(name).filter((one) => (!named || named.includes(one)) && (actor === undefined || roleOf(one) === actor)),
    );
    return choose(matching, selector, named !== undefined, draw);
  },
  wrong(selector, planned) {
    // How many is a matter of actors, of which a host has several.
    const { actors: named, actor, mode, value, ...where } = selector;
    const known = planned.flatMap((host) => (host.actors ?? []).map(({ address }) => address));
    const roles = [...new Set(known.map(roleOf))];
    const wrong: AimWrong[] = [];
    for (const [index, name] of (named ?? []).entries())
      if (!known.includes(name as Address)) wrong.push({ field: "actors", index, message: unknownName("actor", name, known) });
    if (actor !== undefined && !roles.includes(actor)) wrong.push({ field: "actor", message: unknownName("role of actors", actor, roles) });
    const count = { ...(mode === undefined ? {} : { mode }), ...(value === undefined ? {} : { value }) };
    return [...wrong, ...wrongWithMode(count), ...wrongWithSelector(where, planned)];
  },
  hostsOf: (names, tank) => [...new Set(names.flatMap((name) => tank.hostOf(parseAddress(name)) ?? []))],
};

const pods: AimOf<PodSelector> = {
  schema: podSelectorSchema,
  resolve: (selector, tank, draw) => resolvePods(selector, tank.objects(), draw),
  wrong: (selector, planned) =>
    wrongWithPodSelector(
      selector,
      planned.filter(({ role }) => role === "node").map(({ name }) => name),
    ),
  hostsOf: (names, tank) => [...new Set(names.flatMap((name) => nodeOf(name, tank) ?? []))],
};

/** The node to which a pod, "namespace/name", is bound. */
export function nodeOf(pod: string, tank: Tank): HostName | undefined {
  return (tank.objects().get(`Pod ${pod}`) as { readonly spec?: { readonly nodeName?: string } } | undefined)?.spec?.nodeName;
}

/** By what a fault aims at. The schema and the selector belong together: whoever has validated the one may resolve the other. */
export const aims = { hosts, actors, pods } as unknown as Readonly<Record<Aim, AimOf<Target>>>;
