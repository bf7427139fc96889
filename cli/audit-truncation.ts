/** kube-apiserver's --audit-log-truncate-* and --audit-webhook-truncate-*: what becomes of an event that is too large. */
export interface AuditTruncation {
  /** Bytes of JSON. */
  readonly maxEventBytes: number;
}

interface AuditEvent {
  readonly level?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The event as it is, or without the objects of its request and answer where it is too large with them, marked by an annotation; undefined for one that
 * is too large even so. Source: apiserver's plugin/pkg/audit/truncate.
 */
export function truncated<E extends AuditEvent>(event: E, truncation: AuditTruncation | undefined): E | undefined {
  if (!truncation || bytesOf(event) <= truncation.maxEventBytes) return event;
  // At this level there are no objects to be left out.
  if (event.level === "Metadata") return undefined;
  const annotations = { ...event.annotations, "audit.k8s.io/truncated": "true" };
  const shorter = { ...event, requestObject: undefined, responseObject: undefined, annotations };
  return bytesOf(shorter) <= truncation.maxEventBytes ? shorter : undefined;
}

const bytesOf = (event: AuditEvent) => Buffer.byteLength(JSON.stringify(event));
