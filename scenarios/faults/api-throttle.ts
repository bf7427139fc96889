import { tooManyRequests } from "../../protocol/status";
import { refuse } from "./api-error";
import { requestFilter, requestParams } from "./api-requests";
import { count, type Fault } from "./fault";

export const apiThrottle: Fault = {
  name: "api-throttle",
  what: "Each API server of the target takes only so many requests a second, and `burst` at once; it answers the others with 429 and Retry-After, as priority and fairness does when its queues are full.",
  params: {
    ...requestParams,
    requestsPerSecond: { type: "number", exclusiveMinimum: 0, description: "how many it takes in a second" },
    burst: { type: "integer", minimum: 1, description: "how many at once after a pause; as many as in a second where not given" },
    retryAfter: { type: "integer", minimum: 1, description: "seconds in Retry-After; 1 where not given" },
  },
  required: ["requestsPerSecond"],
  silences: false,
  swarm: {
    roles: ["apiserver"],
    mode: "all",
    params: (d) => ({ requestsPerSecond: Math.round(1 + d * 30), burst: 1 + Math.floor(d * 10) }),
  },
  begin(tank, hosts, params) {
    const perSecond = params.requestsPerSecond as number;
    const burst = (params.burst as number | undefined) ?? Math.max(1, Math.ceil(perSecond));
    const status = tooManyRequests("Too many requests, please try again later.", (params.retryAfter as number | undefined) ?? 1);
    let refused = 0;
    const interposers = hosts.map((host) => {
      const concerns = requestFilter(tank, host, params);
      let tokens = burst;
      let filledUs = tank.nowUs();
      return tank.interpose(host, (gate) => ({
        arriving(envelope) {
          if (!concerns(envelope)) return "pass";
          tokens = Math.min(burst, tokens + ((tank.nowUs() - filledUs) / 1e6) * perSecond);
          filledUs = tank.nowUs();
          if (tokens >= 1) {
            tokens--;
            return "pass";
          }
          refused++;
          refuse(gate, envelope, status);
          return [];
        },
      }));
    });
    return {
      end() {
        for (const interposer of interposers) interposer.cancel();
        return count(refused, "request", "throttled");
      },
    };
  },
};
