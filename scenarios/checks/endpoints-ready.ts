import { parseDurationMs } from "../../protocol/kinds/duration";
import type { EndpointSlice, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { objectId } from "../history";
import { durationSchema } from "../schema";
import type { Check } from "./check";
import { isReady } from "./pods";

/** Traffic is sent to ready pods only, soon after they stop being ready. */
export const endpointsReady: Check = {
  name: "endpoints-ready",
  claim: "An endpoint that is listed as ready is a ready pod; in calm weather a wrong one goes within the time given.",
  source: "Kubernetes documentation, EndpointSlices, Conditions (ready); Pod Lifecycle, readiness probes",
  params: { within: { ...durationSchema, description: 'how long a wrong endpoint may stand, "30s" where not given' } },
  required: [],
  begin({ within }) {
    const withinUs = (parseDurationMs(String(within ?? "30s")) ?? 30_000) * 1000;
    const pods = new Map<string, Stored<Pod>>();
    const slices = new Map<string, Stored<EndpointSlice>>();
    const wrongSince = new Map<string, number>();
    let storming = true;
    let listed = 0;

    const wrongNow = (): Set<string> => {
      const wrong = new Set<string>();
      for (const [id, slice] of slices)
        for (const endpoint of slice.endpoints ?? []) {
          if (endpoint.conditions?.ready !== true || endpoint.targetRef?.kind !== "Pod") continue;
          listed++;
          const pod = pods.get(`Pod ${endpoint.targetRef.namespace}/${endpoint.targetRef.name}`);
          if (!pod || pod.metadata.uid !== endpoint.targetRef.uid || !isReady(pod) || isBeingDeleted(pod))
            wrong.add(`${endpoint.targetRef.name} in ${id}`);
        }
      return wrong;
    };
    const overdue = (atUs: number): string | undefined => {
      for (const [what, sinceUs] of wrongSince)
        if (!storming && atUs - sinceUs > withinUs)
          return `endpoint ${what} has been listed as ready for ${Math.round((atUs - sinceUs) / 1e6)} s, though its pod is not`;
      return undefined;
    };
    const update = (atUs: number) => {
      const wrong = wrongNow();
      for (const what of wrongSince.keys()) if (!wrong.has(what)) wrongSince.delete(what);
      for (const what of wrong) if (!wrongSince.has(what)) wrongSince.set(what, atUs);
    };
    return {
      see(event) {
        if (event.type === "act") {
          storming = event.act !== "calm" && event.act !== "end";
          if (event.act === "calm") for (const what of wrongSince.keys()) wrongSince.set(what, event.atUs);
          return undefined;
        }
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "Pod") {
          if (event.after) pods.set(objectId(object), event.after as Stored<Pod>);
          else pods.delete(objectId(object));
        } else if (object.kind === "EndpointSlice") {
          if (event.after) slices.set(event.id, event.after as Stored<EndpointSlice>);
          else slices.delete(event.id);
        } else return undefined;
        const late = overdue(event.atUs);
        update(event.atUs);
        return late;
      },
      end: (final) => ({
        violation: overdue(final.atUs),
        detail: `${listed} times an endpoint was listed as ready, in ${slices.size} slices`,
        reached: listed,
      }),
    };
  },
};
