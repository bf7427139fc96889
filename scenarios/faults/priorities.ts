import type { HostName } from "../../protocol/address";
import type { WireRule } from "../../runtime/rules";
import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import type { Fault } from "./fault";
import { whatRulesDid } from "./network";

/**
 * Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010), of messages instead of threads: whoever has a low priority is late in all that it
 * says. With d changes it meets every bug that needs d orderings with a probability that does not depend on how long the run is.
 */
export const priorities: Fault = {
  name: "priorities",
  what: "Gives each target a priority, drawn, and lets what it says be late by `step` for each target that is before it; at so many moments (`changes`), drawn over the time `over`, one of them becomes the last of all (probabilistic concurrency testing, of messages).",
  params: {
    changes: { type: "integer", minimum: 0, maximum: 1000, description: "how many times somebody becomes the last; 2 where not given" },
    over: { ...durationSchema, description: "over how long the changes are spread; 10s where not given" },
    step: { ...durationSchema, description: "how much later than the one before it each is; 40ms where not given" },
  },
  required: [],
  silences: false,
  begin(tank, hosts, params, id) {
    const changes = (params.changes as number | undefined) ?? 2;
    const overMs = microseconds(params.over ?? "10s") / 1000;
    const stepUs = microseconds(params.step ?? "40ms");
    const all = tank.hosts().map(({ name }) => name);
    let order: readonly HostName[] = hosts
      .map((host) => ({ host, draw: tank.draw(`${id} ${host}`, "priority", 0) }))
      .sort((a, b) => a.draw - b.draw || (a.host < b.host ? -1 : 1))
      .map(({ host }) => host);
    const everInstalled: WireRule[] = [];
    let installed: readonly WireRule[] = [];
    let round = 0;
    const install = () => {
      for (const rule of installed) tank.removeRule(rule.id);
      installed = order.flatMap((host, rank): readonly WireRule[] => {
        if (rank === 0 || stepUs === 0) return [];
        const effect = { type: "delay", minUs: rank * stepUs, maxUs: rank * stepUs } as const;
        return [{ id: `${id} ${host} ${round}`, from: [host], to: all.filter((name) => name !== host), kinds: null, effect }];
      });
      for (const rule of installed) tank.addRule(rule);
      everInstalled.push(...installed);
      round++;
    };
    const change = (n: number) => {
      const host = hosts[Math.floor(tank.draw(id, "becomes the last", n) * hosts.length)]!;
      order = [...order.filter((other) => other !== host), host];
      install();
    };
    install();
    const coming: readonly Cancel[] = Array.from({ length: changes }, (_, n) =>
      tank.after(tank.draw(id, "moment", n) * overMs, () => change(n)),
    );
    return {
      end() {
        for (const one of coming) one.cancel();
        for (const rule of installed) tank.removeRule(rule.id);
        return everInstalled.length === 0 ? "" : whatRulesDid(tank, everInstalled);
      },
    };
  },
};
