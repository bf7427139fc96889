import type { HostName } from "../../protocol/address";
import type { WireRule } from "../../runtime/rules";
import type { HostFacts } from "../target";
import type { Fault, Params } from "./fault";
import { withRules } from "./network";

const shapes = ["halves", "zones", "groups", "ring", "bridge", "leader-alone", "leader-in-minority", "leader-in-majority"] as const;
type Shape = (typeof shapes)[number];

export const split: Fault = {
  name: "split",
  what: "Splits the target into groups between which nothing passes: two halves, each zone for itself, `groups` groups, a ring in which each host only reaches its neighbours, a bridge of one host between two halves, or two parts by where the leader is. With `oneWay` the first group hears the others and is not heard.",
  params: {
    shape: { enum: [...shapes], description: "how the hosts are split; halves where not given" },
    groups: { type: "integer", minimum: 2, description: "how many groups, for the shape groups; 3 where not given" },
    oneWay: { type: "boolean", description: "only what the first group says is cut off" },
  },
  required: [],
  silences: true,
  silenced: (all, hosts, params) => outvoted(all, hosts, params),
  swarm: {
    roles: ["etcd"],
    mode: "all",
    params: (d) => {
      const shape = (["halves", "leader-alone", "leader-in-minority", "leader-in-majority", "zones"] as const)[Math.floor(d * 5)]!;
      return { shape, ...(Math.floor(d * 50) % 3 === 0 ? { oneWay: true } : {}) };
    },
  },
  begin(tank, hosts, params, id) {
    const apart = apartIn(tank.hosts(), hosts, params);
    const rules = hosts.flatMap((host, i): WireRule[] => {
      const others = hosts.filter((other, k) => other !== host && apart(i, k));
      return others.length === 0 ? [] : [{ id: `${id} ${host}`, from: [host], to: others, kinds: null, effect: { type: "block" } }];
    });
    return withRules(tank, rules);
  },
};

/** Whether what the host with the first index says does not reach the one with the second. */
function apartIn(all: readonly HostFacts[], hosts: readonly HostName[], params: Params): (a: number, b: number) => boolean {
  switch (params.shape as Shape | undefined) {
    case "ring":
      return (a, b) => {
        const distance = Math.abs(a - b);
        return distance !== 1 && distance !== hosts.length - 1;
      };
    case "bridge": {
      const bridge = hosts.length - 1;
      const side = (i: number) => i < minorityOf(hosts);
      return (a, b) => a !== bridge && b !== bridge && side(a) !== side(b);
    }
    default: {
      const groups = groupsOf(all, hosts, params);
      return params.oneWay === true ? (a, b) => groups[a] === 0 && groups[b] !== 0 : (a, b) => groups[a] !== groups[b];
    }
  }
}

/** As many as can be outvoted by the others. */
function minorityOf(hosts: readonly HostName[]): number {
  return Math.floor((hosts.length - 1) / 2);
}

/** For each host the number of its group, from 0 on; of the shapes that are groups. */
function groupsOf(all: readonly HostFacts[], hosts: readonly HostName[], { shape = "halves", groups = 3 }: Params): readonly number[] {
  const facts = new Map(all.map((host) => [host.name, host]));
  const leads = (host: HostName) => facts.get(host)?.leads === true;
  const minority = minorityOf(hosts);
  /** The first group has so many hosts: those for which `first` holds, and then the others in their order. */
  const firstGroup = (size: number, first: (host: HostName) => boolean) => {
    const members = new Set([...hosts.filter(first), ...hosts.filter((host) => !first(host))].slice(0, size));
    return hosts.map((host) => (members.has(host) ? 0 : 1));
  };
  switch (shape as Shape) {
    case "zones": {
      const zones = [...new Set(hosts.map((host) => facts.get(host)?.zone ?? ""))];
      return hosts.map((host) => zones.indexOf(facts.get(host)?.zone ?? ""));
    }
    case "groups":
      return hosts.map((_, i) => i % (groups as number));
    case "leader-alone":
      return firstGroup(1, leads);
    case "leader-in-minority":
      return firstGroup(minority, leads);
    case "leader-in-majority":
      return firstGroup(minority, (host) => !leads(host));
    default:
      return firstGroup(Math.ceil(hosts.length / 2), () => false);
  }
}

/**
 * Who does not count any more: all but the largest group. In a ring somebody with both neighbours is left, on a bridge the larger side with the bridge. Others there
 * reach as many, but not the same ones, and what else the storm takes may be the one that holds these together.
 */
function outvoted(all: readonly HostFacts[], hosts: readonly HostName[], params: Params): readonly HostName[] {
  // Where all of them are down there is nobody to split.
  if (hosts.length === 0) return hosts;
  if (params.shape === "ring") return hosts.slice(3);
  if (params.shape === "bridge") return hosts.slice(0, minorityOf(hosts));
  const groups = groupsOf(all, hosts, params);
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const [largest] = [...sizes].sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || a - b)[0]!;
  return hosts.filter((_, i) => groups[i] !== largest);
}
