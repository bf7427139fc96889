import type { HostName } from "../../protocol/address";
import type { WireEffect, WireRule } from "../../runtime/rules";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { count, type Ongoing, type Params } from "./fault";

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
    description:
      "only packets between the target and these hosts, which may be targets themselves; all hosts that are not targets where not given",
  },
};

/** A probability as scenario files write it: "5%". */
export function probabilityOf(percent: unknown): number {
  return Number(String(percent).replace("%", "")) / 100;
}

/** Installs the effect between the hosts and the others, as the parameters say, until it ends. */
export function onPackets(tank: Tank, hosts: readonly HostName[], params: Params, id: string, effect: WireEffect): Ongoing {
  return withRules(tank, packetRules(tank, hosts, params, id, effect));
}

/** The rules that give the effect to packets between the hosts and the others, as the parameters say. */
export function packetRules(tank: Tank, hosts: readonly HostName[], params: Params, id: string, effect: WireEffect): readonly WireRule[] {
  const direction = (params.direction ?? "both") as "both" | "in" | "out";
  const kinds = (params.messages as readonly string[] | undefined) ?? null;
  const all = tank.hosts().map(({ name }) => name);
  const others = (params.peers as readonly string[] | undefined) ?? all.filter((name) => !hosts.includes(name));
  const rules: WireRule[] = [];
  if (direction !== "in") rules.push({ id: `${id} out`, from: hosts, to: others, kinds, effect });
  if (direction !== "out") rules.push({ id: `${id} in`, from: others, to: hosts, kinds, effect });
  return rules;
}

/** Installs rules until it ends, and then says to how many packets they did something. Ids are unique in a run. */
export function withRules(tank: Tank, rules: readonly WireRule[]): Ongoing {
  for (const rule of rules) tank.addRule(rule);
  return {
    end() {
      for (const rule of rules) tank.removeRule(rule.id);
      return rules.length === 0 ? "" : whatRulesDid(tank, rules);
    },
  };
}

/** "312 packets lost", over all rules, which have one effect. */
export function whatRulesDid(tank: Tank, rules: readonly WireRule[]): string {
  const hit = rules.reduce((sum, rule) => sum + tank.packetsHitBy(rule.id), 0);
  return count(hit, "packet", participles[rules[0]!.effect.type]);
}

const participles: Readonly<Record<WireEffect["type"], string>> = {
  block: "blocked",
  clog: "held until it ended",
  loss: "lost",
  delay: "delayed",
  duplicate: "doubled",
  replay: "sent again when they were old",
  reorder: "held back",
  corrupt: "damaged",
  bandwidth: "queued or dropped",
};
