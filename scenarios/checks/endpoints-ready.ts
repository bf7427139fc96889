import { parseDurationMs } from "../../protocol/kinds/duration";
import type { EndpointSlice, Pod, Service } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { objectId } from "../history";
import { durationSchema } from "../schema";
import type { Check } from "./check";
import { isReady } from "./pods";

/** Of the slices that the control plane itself makes; others belong to whoever made them. */
const ownSlices = "endpointslice-controller.k8s.io";

/** Traffic is sent to ready pods only, soon after they stop being ready. */
export const endpointsReady: Check = {
  name: "endpoints-ready",
  claim:
    "A pod that has never been ready is never listed as a ready endpoint, unless its Service publishes addresses that are not ready; one that is listed as ready is a ready pod, and in calm weather a wrong one goes within the time given.",
  source: "Kubernetes documentation, EndpointSlices, Conditions (ready); Pod Lifecycle, readiness probes",
  params: { within: { ...durationSchema, description: 'how long a wrong endpoint may stand, "30s" where not given' } },
  required: [],
  begin({ within }) {
    const withinUs = (parseDurationMs(String(within ?? "30s")) ?? 30_000) * 1000;
    const pods = new Map<string, Stored<Pod>>();
    const slices = new Map<string, Stored<EndpointSlice>>();
    const wrongSince = new Map<string, number>();
    /** Pods that have been ready at some time, by uid; and Services that want all of their pods listed, or wanted so once. */
    const everReady = new Set<string>();
    const publishing = new Set<string>();
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
    /** However late whoever writes a slice is: it cannot have seen what never was. */
    const tooEarly = ({ metadata, endpoints }: Stored<EndpointSlice>): string | undefined => {
      const { namespace, labels } = metadata;
      const service = `${namespace}/${labels?.["kubernetes.io/service-name"]}`;
      if (labels?.["endpointslice.kubernetes.io/managed-by"] !== ownSlices || publishing.has(service)) return undefined;
      for (const { conditions, targetRef } of endpoints ?? [])
        if (conditions?.ready === true && targetRef?.kind === "Pod" && !everReady.has(targetRef.uid ?? ""))
          return `endpoint ${targetRef.name} of Service ${service} is listed as ready, and its pod has never been so`;
      return undefined;
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
        if (object.kind === "Service") {
          const { spec } = object as Stored<Service>;
          if (spec?.publishNotReadyAddresses) publishing.add(`${object.metadata.namespace}/${object.metadata.name}`);
          return undefined;
        }
        let early: string | undefined;
        if (object.kind === "Pod") {
          if (event.after && isReady(event.after as Stored<Pod>)) everReady.add(event.after.metadata.uid);
          if (event.after) pods.set(objectId(object), event.after as Stored<Pod>);
          else pods.delete(objectId(object));
        } else if (object.kind === "EndpointSlice") {
          if (event.after) {
            slices.set(event.id, event.after as Stored<EndpointSlice>);
            early = tooEarly(event.after as Stored<EndpointSlice>);
          } else slices.delete(event.id);
        } else return undefined;
        const late = overdue(event.atUs);
        update(event.atUs);
        return early ?? late;
      },
      end: (final) => ({
        violation: overdue(final.atUs),
        detail: `${listed} times an endpoint was listed as ready, in ${slices.size} slices`,
        reached: listed,
      }),
    };
  },
};
