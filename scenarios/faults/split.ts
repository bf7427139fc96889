import type { HostName } from "../../protocol/address";
import type { WireRule } from "../../runtime/rules";
import type { Fault } from "./fault";
import { withRules } from "./network";

export const split: Fault = {
  name: "split",
  what: "Splits the target into groups between which nothing passes: two halves, each zone for itself, a ring in which each host only reaches its neighbours, or a bridge of one host between two halves.",
  params: { shape: { enum: ["halves", "zones", "ring", "bridge"], description: "how the hosts are split; halves where not given" } },
  required: [],
  silences: true,
  begin(tank, hosts, params, id) {
    const zoneOf = new Map(tank.hosts().map(({ name, zone }) => [name, zone]));
    const apart = apartIn(String(params.shape ?? "halves"), hosts, (host) => zoneOf.get(host) ?? "");
    const rules = hosts.flatMap((host, i): WireRule[] => {
      const others = hosts.filter((other, k) => other !== host && apart(i, k));
      return others.length === 0 ? [] : [{ id: `${id} ${host}`, from: [host], to: others, kinds: null, effect: { type: "block" } }];
    });
    return withRules(tank, rules);
  },
};

/** Whether the hosts with these indices can not reach each other. */
function apartIn(shape: string, hosts: readonly HostName[], zoneOf: (host: HostName) => string): (a: number, b: number) => boolean {
  const half = Math.ceil(hosts.length / 2);
  switch (shape) {
    case "zones":
      return (a, b) => zoneOf(hosts[a]!) !== zoneOf(hosts[b]!);
    case "ring":
      return (a, b) => {
        const distance = Math.abs(a - b);
        return distance !== 1 && distance !== hosts.length - 1;
      };
    case "bridge": {
      const bridge = hosts.length - 1;
      const side = (i: number) => i < Math.floor(bridge / 2);
      return (a, b) => a !== bridge && b !== bridge && side(a) !== side(b);
    }
    default:
      return (a, b) => a < half !== b < half;
  }
}
