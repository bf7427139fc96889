import type { HostName } from "../protocol/address";
import { type JsonSchema, unknownName } from "./schema";

/** What a storm aims at: hosts, by name, zone, role or the part they play at that moment; then how many of them. */
export interface Selector {
  readonly hosts?: readonly string[];
  readonly zone?: string;
  readonly role?: Role;
  /** Of etcd: who leads. Of controller-manager, scheduler and operators: who holds the Lease. */
  readonly is?: "leader" | "follower";
  readonly mode?: Mode;
  /** For the modes that count: a number, or a percentage. */
  readonly value?: number;
}

/** Modes of Chaos Mesh's selectors. */
export type Mode = "one" | "all" | "fixed" | "fixed-percent" | "random-max-percent";

export const roles = ["etcd", "apiserver", "control", "node", "operator", "webhook", "key-service", "client"] as const;
export type Role = (typeof roles)[number];
const ledRoles: readonly string[] = ["etcd", "control", "operator"];

export const modes: readonly Mode[] = ["one", "all", "fixed", "fixed-percent", "random-max-percent"];

/** JSON Schema properties of a selector of hosts. */
export const hostFields: Readonly<Record<string, JsonSchema>> = {
  hosts: { type: "array", items: { type: "string" }, minItems: 1, description: "hosts by their names" },
  zone: { type: "string", description: "only hosts of this zone" },
  role: { enum: [...roles], description: "only hosts of this role" },
  is: { enum: ["leader", "follower"], description: "only the leader at that moment, or those who do not lead" },
  mode: { enum: [...modes], description: "how many of those selected: all where they are named, otherwise one" },
  value: { type: "number", minimum: 0, description: "the count or the percentage of the mode" },
};

/** What a selector may know about a host when it is resolved. */
export interface HostFacts {
  readonly name: HostName;
  readonly zone: string;
  readonly role: Role;
  readonly up: boolean;
  readonly leads: boolean;
}

/**
 * The hosts that a selector means now, in the order in which they are listed. `draw` gives numbers in [0, 1), one for each index.
 * Hosts that are down are selected only by name. An empty answer means that nothing matched.
 */
export function resolve(selector: Selector, hosts: readonly HostFacts[], draw: (index: number) => number): readonly HostName[] {
  const matching = matchingHosts(selector, hosts).map(({ name }) => name);
  return choose(matching, selector, selector.hosts !== undefined, draw);
}

/** All hosts that a selector could mean now, whatever its mode. */
export function matchingHosts(selector: Selector, hosts: readonly HostFacts[]): readonly HostFacts[] {
  return hosts.filter(
    (host) =>
      (selector.hosts === undefined ? host.up : selector.hosts.includes(host.name)) &&
      (selector.zone === undefined || host.zone === selector.zone) &&
      (selector.role === undefined || host.role === selector.role) &&
      (selector.is === undefined || host.leads === (selector.is === "leader")),
  );
}

/** As many of them as the mode says, in their order. */
export function choose<T>(
  matching: readonly T[],
  { mode, value }: Pick<Selector, "mode" | "value">,
  named: boolean,
  draw: (index: number) => number,
): readonly T[] {
  const count = countOf(modeOf(mode, named), value, matching.length, draw);
  if (count >= matching.length) return matching;
  const left = [...matching];
  const chosen = new Set<T>();
  for (let i = 0; i < count; i++) chosen.add(left.splice(Math.floor(draw(i + 1) * left.length), 1)[0]!);
  return matching.filter((one) => chosen.has(one));
}

/** How many are chosen of so many at least, whatever is drawn; a choice of nobody is refused anyway. */
export function fewest({ hosts, mode, value }: Pick<Selector, "hosts" | "mode" | "value">, matching: number): number {
  return Math.min(
    matching,
    Math.max(
      1,
      countOf(modeOf(mode, hosts !== undefined), value, matching, () => 0),
    ),
  );
}

function modeOf(mode: Mode | undefined, named: boolean): Mode {
  return mode ?? (named ? "all" : "one");
}

function countOf(mode: Mode, value = 1, matching: number, draw: (index: number) => number): number {
  switch (mode) {
    case "all":
      return matching;
    case "one":
      return 1;
    case "fixed":
      return value;
    case "fixed-percent":
      return Math.ceil((matching * value) / 100);
    case "random-max-percent":
      return Math.ceil((matching * value * draw(0)) / 100);
  }
}

/** Whether the mode and its value fit together. */
export function wrongWithMode({ mode, value }: Pick<Selector, "mode" | "value">): readonly { field: "mode" | "value"; message: string }[] {
  if (mode === "fixed" && value !== undefined && (!Number.isInteger(value) || value < 1))
    return [{ field: "value", message: "expected a whole number, 1 or more: how many of them" }];
  if (mode?.endsWith("-percent") && value !== undefined && (value <= 0 || value > 100))
    return [{ field: "value", message: "expected a percentage, more than 0 and 100 at most" }];
  if ((mode === "fixed" || mode === "fixed-percent" || mode === "random-max-percent") === (value !== undefined)) return [];
  return [
    {
      field: value === undefined ? "mode" : "value",
      message: "`value` belongs to the modes fixed, fixed-percent and random-max-percent, which need it",
    },
  ];
}

/** What is wrong with a selector in a cluster of these hosts, with the field that is at fault; empty where it can match. */
export function wrongWithSelector(
  selector: Selector,
  hosts: readonly Pick<HostFacts, "name" | "zone" | "role">[],
): readonly { readonly field: keyof Selector; readonly index?: number; readonly message: string }[] {
  const wrong: { field: keyof Selector; index?: number; message: string }[] = [];
  const names = hosts.map(({ name }) => name);
  const zones = [...new Set(hosts.map(({ zone }) => zone))];
  for (const [index, name] of (selector.hosts ?? []).entries())
    if (!names.includes(name)) wrong.push({ field: "hosts", index, message: unknownName("host", name, names) });
  if (selector.zone !== undefined && !zones.includes(selector.zone))
    wrong.push({ field: "zone", message: unknownName("zone", selector.zone, zones) });
  if (selector.is !== undefined && !ledRoles.includes(selector.role ?? ""))
    wrong.push({
      field: "is",
      message:
        "only the roles etcd, control and operator have leaders: expected `role: etcd`, `role: control` or `role: operator` beside it",
    });
  wrong.push(...wrongWithMode(selector));
  if (wrong.length === 0) {
    const matching = hosts.filter(
      (host) =>
        (selector.hosts === undefined || selector.hosts.includes(host.name)) &&
        (selector.zone === undefined || host.zone === selector.zone) &&
        (selector.role === undefined || host.role === selector.role),
    );
    if (matching.length === 0)
      wrong.push({ field: selector.zone === undefined ? "role" : "zone", message: "no host of the cluster matches this selector" });
    else if (selector.mode === "fixed" && selector.value! > matching.length)
      wrong.push({
        field: "value",
        message: `only ${matching.length} ${matching.length === 1 ? "host matches" : "hosts match"} this selector: expected no more than that (or mode all)`,
      });
  }
  return wrong;
}
