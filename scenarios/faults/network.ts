import type { HostName } from "../../protocol/address";
import type { WireRule } from "../../runtime/rules";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { count, listed, type Ongoing, type Params } from "./fault";

/** What the faults of the network share: which packets they concern, and what was counted while they lasted. */

export const packetParams: Readonly<Record<string, JsonSchema>> = {
  direction: { enum: ["both", "in", "out"], description: "only packets to (in) or from (out) the target; both where not given" },
  messages: {
    type: "array",
    items: { type: "string" },
    minItems: 1,
    description: 'only messages whose kind begins so, such as ["raft.append"]; all where not given',
  },
  peers: {
    type: "array",
    items: { type: "string" },
    minItems: 1,
    description: "only packets between the target and these hosts; all others where not given",
  },
};

/** A probability as scenario files write it: "5%". */
export function probabilityOf(percent: unknown): number {
  return Number(String(percent).replace("%", "")) / 100;
}

/** Installs the effect between the hosts and the others, as the parameters say, until it ends. */
export function onPackets(tank: Tank, hosts: readonly HostName[], params: Params, id: string, effect: WireRule["effect"]): Ongoing {
  const direction = (params.direction ?? "both") as "both" | "in" | "out";
  const kinds = (params.messages as readonly string[] | undefined) ?? null;
  const all = tank.hosts().map(({ name }) => name);
  const others = (params.peers as readonly string[] | undefined) ?? all.filter((name) => !hosts.includes(name));
  const rules: WireRule[] = [];
  if (direction !== "in") rules.push({ id: `${id} out`, from: hosts, to: others, kinds, effect });
  if (direction !== "out") rules.push({ id: `${id} in`, from: others, to: hosts, kinds, effect });
  return withRules(tank, rules);
}

/** Installs rules until it ends, and then says what the wire counted meanwhile. */
export function withRules(tank: Tank, rules: readonly WireRule[]): Ongoing {
  const before = tank.evidence();
  for (const rule of rules) tank.addRule(rule);
  return {
    end() {
      for (const rule of rules) tank.removeRule(rule.id);
      const after = tank.evidence();
      return listed(
        count(after.packetsLost - before.packetsLost, "packet", "lost"),
        count(after.packetsHeld - before.packetsHeld, "packet", "held back"),
        count(after.packetsDoubled - before.packetsDoubled, "packet", "doubled"),
        count(after.connectionsBroken - before.connectionsBroken, "connection", "broken"),
        delays(rules) ? count(after.packetsSent - before.packetsSent, "packet", "sent while it lasted") : "",
      );
    },
  };
}

function delays(rules: readonly WireRule[]): boolean {
  return rules.some(({ effect }) => effect.type === "delay" || effect.type === "reorder");
}
