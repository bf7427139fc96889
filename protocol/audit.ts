/**
 * Asked by an API server of the service "audit/HOST" that writes the log of its machine, where no request may be served whose beginning is not in it
 * (--audit-log-mode=blocking-strict).
 */
export interface AuditKeep {
  readonly kind: "audit.keep";
  /** An Event of audit.k8s.io/v1. */
  readonly event: object;
}

export interface AuditKept {
  readonly kind: "audit.kept";
  readonly kept: boolean;
}
