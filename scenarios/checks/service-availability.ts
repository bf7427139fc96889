import { parseDurationMs } from "../../protocol/kinds/duration";
import { durationSchema, percentSchema } from "../schema";
import type { Check } from "./check";
import { factOf } from "./raft/history";

/** Users of a Service get answers: the objective that the scenario states. */
export const serviceAvailability: Check = {
  name: "service-availability",
  claim:
    "At least the given share of the requests to the Service is answered without an error, and it never fails for longer than allowed.",
  source: "the objective is the scenario's own",
  params: {
    service: { type: "string", description: 'the Service, "namespace/name"' },
    atLeast: { ...percentSchema, description: 'the share of requests that must succeed, such as "99.5%"' },
    longestOutage: {
      ...durationSchema,
      description: "the longest time from a failed request to the next that succeeds; not judged where not given",
    },
  },
  required: ["service", "atLeast"],
  acrossRestore: "spans",
  begin({ service, atLeast, longestOutage }) {
    const objective = Number(String(atLeast).replace("%", "")) / 100;
    const allowedUs = longestOutage === undefined ? undefined : parseDurationMs(String(longestOutage))! * 1000;
    let requests = 0;
    let succeeded = 0;
    let downSinceUs: number | undefined;
    let longestUs = 0;
    const outage = (untilUs: number) => {
      if (downSinceUs !== undefined) longestUs = Math.max(longestUs, untilUs - downSinceUs);
    };
    return {
      see(event) {
        const result = factOf(event, "load.result");
        if (!result || result.service !== service) return undefined;
        requests++;
        if (isSuccess(result.outcome, result.code)) {
          succeeded++;
          outage(event.atUs);
          downSinceUs = undefined;
        } else downSinceUs ??= event.atUs;
        return undefined;
      },
      end(final) {
        outage(final.atUs);
        const share = requests === 0 ? 0 : succeeded / requests;
        const detail = `${percent(share)} of ${requests} requests to ${String(service)} succeeded, longest outage ${(longestUs / 1e6).toFixed(1)} s`;
        if (requests > 0 && share < objective)
          return { violation: `${detail}; the objective is ${String(atLeast)}`, detail, reached: requests };
        if (allowedUs !== undefined && longestUs > allowedUs)
          return { violation: `${detail}; at most ${String(longestOutage)} is allowed`, detail, reached: requests };
        return { detail, reached: requests };
      },
    };
  },
};

/** Whether a load.result fact tells of a request that was answered, and not with a server's error. */
export function isSuccess(outcome: unknown, code: unknown): boolean {
  return outcome === "answered" && (code as number) < 500;
}

/** Rounded down, so that 99.999 % never reads as 100 %. */
function percent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}
