import type { Service } from "../../../../protocol/kinds/generated";
import { forbidden } from "../../../../protocol/status";
import { isOf, type Plugin } from "../admission";

/** Nobody draws the traffic of other addresses to a Service any more; what there is may stay. Source: "Admission Control", DenyServiceExternalIPs. */
export const denyServiceExternalIps: Plugin = {
  name: "DenyServiceExternalIPs",
  validate(admission) {
    if (admission.operation === "DELETE" || !isOf(admission, "", "services")) return undefined;
    const had = new Set((admission.old as Service | undefined)?.spec?.externalIPs);
    const wanted = (admission.object as Service).spec?.externalIPs ?? [];
    if (wanted.every((address) => had.has(address))) return undefined;
    return forbidden({ group: "", resource: "services", name: admission.name }, "Use of external IPs is denied by admission control.");
  },
};
