import type { Controller } from "../client";
import { certificateApproving } from "./certificate-approving";
import { certificateCleaner } from "./certificate-cleaner";
import { certificateSigning } from "./certificate-signing";
import { clusterRoleAggregation } from "./clusterrole-aggregation";
import { cronJobController } from "./cronjob";
import { daemonSetController } from "./daemonset";
import { deploymentController } from "./deployment";
import { disruptionController } from "./disruption";
import { endpointsController } from "./endpoints";
import { endpointSliceController } from "./endpointslice";
import { endpointSliceMirroring } from "./endpointslice-mirroring";
import { garbageCollector } from "./garbage-collector";
import { jobController } from "./job";
import { legacyTokenCleaner } from "./legacy-token-cleaner";
import { namespaceController } from "./namespace";
import { nodeIpamController } from "./node-ipam";
import { nodeLifecycleController } from "./node-lifecycle";
import { podGarbageCollector } from "./pod-garbage-collector";
import { replicaSetController } from "./replicaset";
import { replicationController } from "./replicationcontroller";
import { resourceQuotaController } from "./resourcequota";
import { rootCaCertificatePublisher } from "./root-ca-certificate-publisher";
import { serviceCidrController } from "./service-cidr";
import { serviceAccountController } from "./serviceaccount";
import { serviceAccountTokenController } from "./serviceaccount-token";
import { statefulSetController } from "./statefulset";
import { claimProtectionController, volumeProtectionController } from "./storage-protection";
import { taintEvictionController } from "./taint-eviction";
import { ttlAfterFinishedController } from "./ttl-after-finished";
import { validatingAdmissionPolicyStatus } from "./validatingadmissionpolicy-status";

/** Every controller, by the name that --controllers knows it by. */
export const controllers: readonly Controller[] = [
  certificateApproving,
  certificateCleaner,
  certificateSigning,
  clusterRoleAggregation,
  cronJobController,
  daemonSetController,
  deploymentController,
  disruptionController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroring,
  garbageCollector,
  jobController,
  legacyTokenCleaner,
  namespaceController,
  nodeIpamController,
  nodeLifecycleController,
  claimProtectionController,
  volumeProtectionController,
  podGarbageCollector,
  replicaSetController,
  replicationController,
  resourceQuotaController,
  rootCaCertificatePublisher,
  serviceCidrController,
  serviceAccountController,
  serviceAccountTokenController,
  statefulSetController,
  taintEvictionController,
  ttlAfterFinishedController,
  validatingAdmissionPolicyStatus,
];

/**
 * The controllers that a list of names turns on, as the flag --controllers reads it: "*" is all of them, "-name" turns one off; without "*" only the named are on.
 * Throws on a name that no controller has.
 */
export function chosenControllers(names: readonly string[] = ["*"]): readonly Controller[] {
  const known = new Set(controllers.map(({ name }) => name));
  const wrong = names.find((name) => name !== "*" && !known.has(name.replace(/^-/, "")));
  if (wrong) throw new Error(`controllers: there is no ${JSON.stringify(wrong.replace(/^-/, ""))}; known are ${[...known].join(", ")}`);
  return controllers.filter(({ name }) => names.includes(name) || (names.includes("*") && !names.includes(`-${name}`)));
}
