/**
 * Kubernetes' protobuf writes every field that is not a pointer in Go, also when it is empty, and its JSON leaves those out; a field
 * that is a pointer is written only where somebody set it, and then an empty value means something (replicas: 0). On the wire the two
 * look alike, and the API's published schemas do not tell them apart: hence these names. Source: the Kubernetes API reference, which
 * calls such fields optional and says what their absence means.
 */

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((name) => name !== ""));

/** Whole numbers for which 0 says no more than absence; for all others 0 is kept. */
const zeroMeansAbsent = names(`
  count deprecatedCount failureThreshold generation handSize healthCheckNodePort hostPort initialDelaySeconds matchingPrecedence
  minReadySeconds nodePort number observedGeneration periodSeconds queueLengthLimit queues retryAfterSeconds signal sizeBytes
  successThreshold timeoutSeconds`);

/** Truth values for which false is not the same as absence. */
const falseMeansFalse = names(`
  allocateLoadBalancerNodePorts allowPrivilegeEscalation allowVolumeExpansion attachRequired automountServiceAccountToken
  blockOwnerDeletion controller enableServiceLinks hostProcess hostUsers immutable manualSelector optional orphanDependents
  podInfoOnMount preventPodSchedulingIfMissing privileged readOnlyRootFilesystem ready requiresRepublish runAsNonRoot seLinuxMount
  serviceAccountTokenInSecrets serving setHostnameAsFQDN shareProcessNamespace started storageCapacity suspend terminating`);

/** Texts for which "" is not the same as absence: a claim of class "" wants no class, an endpoint port named "" is the nameless one. */
const emptyMeansEmpty = names("apiGroup appProtocol holderIdentity resourceVersionMatch storageClassName volumeAttributesClassName");

/** Whether a scalar that came over the wire belongs into the JSON. `owner` is the definition's name, for the names that mean different things. */
export function isMeant(owner: string, property: string, value: unknown): boolean {
  if (value === 0) return !zeroMeansAbsent.has(property);
  if (value === false) return falseMeansFalse.has(property);
  if (value === "") return emptyMeansEmpty.has(property) || (property === "name" && owner === "io.k8s.api.discovery.v1.EndpointPort");
  return true;
}
