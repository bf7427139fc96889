import { failure, forbidden } from "../../../../protocol/status";
import type { Plugin } from "../admission";
import type { AdmissionSettings } from "../configuration";
import { alwaysPullImages } from "./always-pull-images";
import { denyServiceExternalIps } from "./deny-service-external-ips";
import { eventRateLimit } from "./event-rate-limit";
import { extendedResourceToleration } from "./extended-resource-toleration";
import { limitPodHardAntiAffinityTopology } from "./limit-pod-hard-anti-affinity-topology";
import { namespaceExists } from "./namespace-exists";
import { ownerReferencesPermissionEnforcement } from "./owner-references-permission-enforcement";
import { podNodeSelector } from "./pod-node-selector";
import { podResizeValidator } from "./pod-resize-validator";
import { podTolerationRestriction } from "./pod-toleration-restriction";

/** For those who want to see what a server does that refuses everything. */
const alwaysDeny: Plugin = {
  name: "AlwaysDeny",
  validate: ({ kind, name }) => {
    const refused = forbidden({ group: kind.group, resource: kind.plural, name }, "admission control is denying all modifications");
    return failure("Forbidden", refused.message, { subject: { group: kind.group, resource: kind.plural, name } });
  },
};

/** The plug-ins that are off unless they are asked for, in the order in which they are asked. */
export const optionalPlugins = (settings: AdmissionSettings): readonly Plugin[] => [
  namespaceExists,
  limitPodHardAntiAffinityTopology,
  podNodeSelector(settings.podNodeSelector),
  podTolerationRestriction(settings.podTolerationRestriction),
  extendedResourceToleration,
  alwaysPullImages,
  ownerReferencesPermissionEnforcement,
  denyServiceExternalIps,
  podResizeValidator,
  eventRateLimit(settings.eventRateLimit ?? []),
  alwaysDeny,
];
