import { parseDurationMs } from "../../protocol/kinds/duration";
import type { EndpointSlice } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { durationSchema, percentSchema } from "../schema";
import type { Check } from "./check";
import { factOf } from "./raft/history";
import { isSuccess } from "./service-availability";

/** What came over the cluster, and what its users felt of it. */
interface Disturbance {
  readonly what: string;
  readonly atUs: number;
  firstFailureUs: number | undefined;
  lastFailureUs: number | undefined;
  /** When an endpoint was taken out of the Service. */
  detectedUs: number | undefined;
}

/** After each disturbance its users get answers again within the time that they state. */
export const serviceRecovery: Check = {
  name: "service-recovery",
  claim:
    "After each fault and each action of an operator, the last request to the Service that fails comes no later than allowed, and where requests fail, an endpoint is taken out in time.",
  source: "the objective is the scenario's own",
  params: {
    service: { type: "string", description: 'the Service, "namespace/name"' },
    recoverWithin: { ...durationSchema, description: "from what disturbed it to the last request that failed" },
    detectWithin: {
      ...durationSchema,
      description:
        "from what disturbed it to the moment at which the Service does without an endpoint; only judged where requests fail for longer",
    },
    ignoreBelow: {
      ...percentSchema,
      description: "a disturbance of which no greater share of the requests fails is not judged; none where not given",
    },
  },
  required: ["service", "recoverWithin"],
  acrossRestore: "spans",
  begin({ service, recoverWithin, detectWithin, ignoreBelow }) {
    const recoverUs = parseDurationMs(String(recoverWithin))! * 1000;
    const detectUs = detectWithin === undefined ? undefined : parseDurationMs(String(detectWithin))! * 1000;
    const ignored = ignoreBelow === undefined ? 0 : Number(String(ignoreBelow).replace("%", "")) / 100;
    let now: (Disturbance & { requests: number; failures: number }) | undefined;
    let requests = 0;
    let disturbances = 0;
    let slowest = { us: 0, what: "" };
    let slowestDetection = { us: 0, what: "" };

    const disturb = (what: string, atUs: number): string | undefined => {
      const wrong = close();
      now = { what, atUs, firstFailureUs: undefined, lastFailureUs: undefined, detectedUs: undefined, requests: 0, failures: 0 };
      return wrong;
    };
    /** Judges the last disturbance, now that another has come or the run is over. */
    const close = (): string | undefined => {
      if (!now || now.lastFailureUs === undefined || now.failures / now.requests <= ignored) return undefined;
      disturbances++;
      const { what, atUs, lastFailureUs, detectedUs } = now;
      const tookUs = lastFailureUs - atUs;
      if (tookUs > slowest.us) slowest = { us: tookUs, what };
      if (detectedUs !== undefined && detectedUs - atUs > slowestDetection.us) slowestDetection = { us: detectedUs - atUs, what };
      if (tookUs > recoverUs)
        return `${String(service)} recovered ${seconds(tookUs)} after ${what}; at most ${String(recoverWithin)} is allowed`;
      const untilUs = detectedUs ?? lastFailureUs;
      if (detectUs !== undefined && untilUs - atUs > detectUs)
        return `${String(service)} ${detectedUs === undefined ? "failed on" : "was without the endpoint only"} ${seconds(untilUs - atUs)} after ${what}; at most ${String(detectWithin)} is allowed`;
      return undefined;
    };
    return {
      see(event) {
        if (event.type === "fault" && event.phase === "began") return disturb(`${event.fault} ${event.targets.join(", ")}`, event.atUs);
        if (event.type === "action" && event.step >= 0) return disturb(event.action, event.atUs);
        if (event.type === "object" && now?.lastFailureUs !== undefined && takesOut(event, String(service))) now.detectedUs ??= event.atUs;
        const result = factOf(event, "load.result");
        if (!result || result.service !== service) return undefined;
        requests++;
        if (!now) return undefined;
        now.requests++;
        // A request that was sent before has nothing to do with it.
        if (isSuccess(result.outcome, result.code) || event.atUs - (result.latencyUs as number) < now.atUs) return undefined;
        now.failures++;
        now.firstFailureUs ??= event.atUs;
        now.lastFailureUs = event.atUs;
        return undefined;
      },
      end() {
        const violation = close();
        const worst = slowest.what === "" ? "no request failed" : `recovered in ${seconds(slowest.us)} at most (${slowest.what})`;
        const detected = slowestDetection.what === "" ? "" : `, an endpoint was taken out after ${seconds(slowestDetection.us)} at most`;
        const detail = `${requests} requests, ${disturbances} disturbances that were felt; ${worst}${detected}`;
        return { ...(violation === undefined ? {} : { violation }), detail, reached: requests };
      },
    };
  },
};

function takesOut(
  { before, after }: { readonly before: Stored | undefined; readonly after: Stored | undefined },
  service: string,
): boolean {
  const slice = (after ?? before)!;
  if (slice.kind !== "EndpointSlice") return false;
  const name = `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
  const ready = (object: Stored | undefined) =>
    new Set(
      ((object as Stored<EndpointSlice> | undefined)?.endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready === true)
        .map(({ targetRef, addresses }) => targetRef?.uid ?? addresses[0]),
    );
  const now = ready(after);
  return name === service && [...ready(before)].some((endpoint) => !now.has(endpoint));
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(1)} s`;
}
