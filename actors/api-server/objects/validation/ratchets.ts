import type { FieldError } from "./field-error";

/**
 * What an update may leave as invalid as it was: rules that became stricter after objects had been stored, so that such an object can still be changed. The list is
 * that of the options which Kubernetes' strategies work out of the old object (pkg/api/pod, pkg/apis, pkg/registry). Everything else has to be right.
 */
interface Ratchet {
  /** "group/Kind"; all kinds where it is absent. */
  readonly kinds?: RegExp;
  readonly field: RegExp;
  /** Only values like this one. */
  readonly value?: RegExp;
  /**
   * "any": an object that had such an error somewhere may have others of that sort.
   * "same": only what was said of the same value before is let pass.
   */
  readonly keeps: "any" | "same";
}

const ratchets: readonly Ratchet[] = [
  // Values in label selectors and node affinity (AllowInvalidLabelValueInSelector, AllowInvalidLabelValueInRequiredNodeAffinity).
  { field: /\.matchExpressions\[\d+\]\.values\[\d+\]$/, keeps: "any" },
  { field: /\.topologySpreadConstraints\[\d+\]\.labelSelector\./, keeps: "any" },
  { field: /\.projected\.sources\[\d+\]\.serviceAccountToken\.path$/, keeps: "any" },
  { field: /\.resources\.(?:limits|requests)\[hugepages-[^\]]*\]$/, keeps: "any" },
  { kinds: /^networking\.k8s\.io\/Ingress$/, field: /^spec\.tls\[\d+\]\.secretName$/, keeps: "any" },
  { kinds: /^networking\.k8s\.io\/Ingress$/, field: /^spec\.rules\[\d+\]\.host$/, value: /\*/, keeps: "any" },
  { kinds: /^apps\/StatefulSet$/, field: /^spec\.serviceName$/, keeps: "any" },
  { kinds: /^\/PersistentVolumeClaim$/, field: /^spec\.dataSource(?:Ref)?\.apiGroup$/, keeps: "any" },
  { kinds: /^autoscaling\//, field: /\.(?:scaleTargetRef|describedObject)\.apiVersion$/, keeps: "any" },
  { kinds: /WebhookConfiguration$/, field: /^webhooks\[\d+\]\.(?:admissionReviewVersions|name$)/, keeps: "any" },
  { kinds: /^batch\/CronJob$/, field: /^spec\.timeZone$/, keeps: "same" },
  { kinds: /^admissionregistration\.k8s\.io\//, field: /\bmatchConditions\[\d+\]/, keeps: "same" },
  // Addresses that were stored when less was demanded of how they are written.
  { kinds: /^\/Service$/, field: /^spec\.(?:externalIPs|loadBalancerSourceRanges)\[\d+\]$/, keeps: "same" },
  { kinds: /^networking\.k8s\.io\/NetworkPolicy$/, field: /\.ipBlock\.(?:cidr|except\[\d+\])$/, keeps: "same" },
  { field: /\.(?:hostAliases\[\d+\]\.ip|dnsConfig\.nameservers\[\d+\]|podCIDRs\[\d+\])$/, keeps: "same" },
];

/** The errors of an updated object without those that its update may keep. `storedErrors` are those of the object before; asked for only where they matter. */
export function withoutKept(kind: string, errors: readonly FieldError[], storedErrors: () => readonly FieldError[]): readonly FieldError[] {
  const concerned = ratchets.filter(({ kinds, field }) => (kinds?.test(kind) ?? true) && errors.some((error) => field.test(error.field)));
  if (concerned.length === 0) return errors;
  const before = storedErrors();
  return errors.filter((error) => !concerned.some((ratchet) => mayStay(ratchet, error, before)));
}

function mayStay({ field, value, keeps }: Ratchet, error: FieldError, before: readonly FieldError[]): boolean {
  const isOfIt = (other: FieldError) => field.test(other.field) && (value?.test(String(other.value)) ?? true);
  if (!isOfIt(error)) return false;
  const said = (other: FieldError) =>
    isOfIt(other) &&
    other.type === error.type &&
    (keeps === "any" || (other.detail === error.detail && JSON.stringify(other.value) === JSON.stringify(error.value)));
  return before.some(said);
}
