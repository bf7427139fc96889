import { parseDurationMs } from "../../protocol/kinds/duration";
import { isBeingDeleted } from "../../protocol/kinds/object";
import { durationSchema } from "../schema";
import type { Check } from "./check";

/** A namespace that is deleted goes, with everything in it. */
export const namespaceDeletion: Check = {
  name: "namespace-deletion",
  claim: "In calm weather a namespace whose deletion was asked for is gone within the time given, and nothing of it is left.",
  source: "Kubernetes documentation, Namespaces; kubernetes/kubernetes#60807",
  params: { within: { ...durationSchema, description: 'how long it may take, "60s" where not given' } },
  required: [],
  begin({ within }) {
    const withinUs = (parseDurationMs(String(within ?? "60s")) ?? 60_000) * 1000;
    /** Since when each namespace has been on its way out, counted from the calm at the earliest. */
    const sinceUs = new Map<string, number>();
    const gone = new Set<string>();
    let isCalm = false;
    const overdue = (atUs: number): string | undefined => {
      if (!isCalm) return undefined;
      for (const [name, since] of sinceUs)
        if (atUs - since > withinUs)
          return `namespace ${name} has been Terminating for ${Math.round((atUs - since) / 1e6)} s without a fault`;
      return undefined;
    };
    return {
      see(event) {
        if (event.type === "act" && event.act === "calm") {
          isCalm = true;
          for (const name of sinceUs.keys()) sinceUs.set(name, event.atUs);
        }
        if (event.type !== "object") return undefined;
        const late = overdue(event.atUs);
        const object = (event.after ?? event.before)!;
        if (object.kind !== "Namespace") return late;
        const { name } = object.metadata;
        if (!event.after) {
          sinceUs.delete(name);
          gone.add(name);
        } else if (isBeingDeleted(object)) {
          if (!sinceUs.has(name)) sinceUs.set(name, event.atUs);
        } else gone.delete(name);
        return late;
      },
      end(final) {
        const detail = `${gone.size} namespaces deleted`;
        const left = [...final.objects].find(([, { metadata }]) => metadata.namespace !== undefined && gone.has(metadata.namespace));
        const violation = left ? `${left[0]} is left, though its namespace is gone` : overdue(final.atUs);
        return { ...(violation === undefined ? {} : { violation }), detail, reached: gone.size + sinceUs.size };
      },
    };
  },
};
