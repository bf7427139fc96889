import { type Distribution, drawn } from "../../runtime/distributions";
import { durationSchema, percentSchema } from "../schema";
import { requestFilter, requestParams } from "./api-requests";
import { microseconds } from "./delay";
import { count, type Fault } from "./fault";
import { probabilityOf } from "./network";

export const apiLatency: Fault = {
  name: "api-latency",
  what: "The API servers of the target take between `min` and `max` longer for a share of the requests. What they hold when the fault ends they let go at once.",
  params: {
    ...requestParams,
    min: durationSchema,
    max: durationSchema,
    rate: percentSchema,
    distribution: { enum: ["uniform", "exponential", "slow-tail"], description: "uniform where not given" },
  },
  required: ["max"],
  silences: false,
  swarm: {
    roles: ["apiserver"],
    mode: "all",
    params: (d) => ({ min: "1ms", max: `${Math.round(50 + d * 9_950)}ms`, distribution: d < 0.5 ? "slow-tail" : "uniform" }),
  },
  begin(tank, hosts, params, id) {
    const probability = probabilityOf(params.rate ?? "100%");
    const maxUs = microseconds(params.max);
    const minUs = Math.min(params.min === undefined ? maxUs : microseconds(params.min), maxUs);
    const distribution = (params.distribution ?? "uniform") as Distribution;
    let held = 0;
    let asked = 0;
    const waiting = new Set<() => void>();
    const interposers = hosts.map((host) => {
      const concerns = requestFilter(tank, host, params);
      return tank.interpose(host, (gate) => ({
        arriving(envelope) {
          if (!concerns(envelope)) return "pass";
          const at = asked++;
          if (tank.draw(`${id} ${host}`, "late", at) >= probability) return "pass";
          held++;
          const deliver = gate.hold(envelope);
          const release = () => {
            if (waiting.delete(release)) deliver();
          };
          waiting.add(release);
          tank.after(drawn(distribution, minUs, maxUs, tank.draw(`${id} ${host}`, "latency", at)) / 1000, release);
          return [];
        },
      }));
    });
    return {
      end() {
        for (const interposer of interposers) interposer.cancel();
        for (const release of [...waiting]) release();
        return count(held, "request", "answered late");
      },
    };
  },
};
