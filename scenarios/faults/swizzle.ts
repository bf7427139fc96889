import type { WireRule } from "../../runtime/rules";
import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import type { Fault } from "./fault";
import { packetRules, whatRulesDid } from "./network";

export const swizzle: Fault = {
  name: "swizzle",
  what: "Clogs the targets one after the other, one each `period`, and then releases them one by one in another order (FoundationDB's swizzle-clogging), round after round until it ends.",
  params: { period: durationSchema },
  required: [],
  silences: true,
  swarm: { roles: ["etcd"], mode: "all", params: (d) => ({ period: `${Math.round(100 + d * 3_900)}ms` }) },
  begin(tank, hosts, params, id) {
    const periodMs = microseconds(params.period ?? "1s") / 1000;
    const installed: WireRule[] = [];
    const clogged = new Map<string, readonly WireRule[]>();
    let next: Cancel;
    let steps = 0;
    /** Another order for each half round: a draw for each host, by which they are sorted. */
    const orderOf = (round: number, what: string) =>
      hosts
        .map((host) => ({ host, draw: tank.draw(`${id} ${host}`, `${what} order`, round) }))
        .sort((a, b) => a.draw - b.draw || (a.host < b.host ? -1 : 1))
        .map(({ host }) => host);
    const step = () => {
      const round = Math.floor(steps / (2 * hosts.length));
      const at = steps % (2 * hosts.length);
      const clogs = at < hosts.length;
      const host = orderOf(round, clogs ? "clog" : "release")[at % hosts.length]!;
      if (clogs) {
        const rules = packetRules(tank, [host], {}, `${id} ${host} ${round}`, { type: "clog" });
        for (const rule of rules) tank.addRule(rule);
        installed.push(...rules);
        clogged.set(host, rules);
      } else release(host);
      steps++;
      next = tank.after(periodMs, step);
    };
    const release = (host: string) => {
      for (const rule of clogged.get(host) ?? []) tank.removeRule(rule.id);
      clogged.delete(host);
    };
    step();
    return {
      end() {
        next.cancel();
        for (const host of [...clogged.keys()]) release(host);
        return whatRulesDid(tank, installed);
      },
    };
  },
};
