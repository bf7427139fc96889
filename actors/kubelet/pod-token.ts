import type { AuthenticationV1TokenRequest, Pod, ServiceAccountTokenProjection } from "../../protocol/kinds/generated";
import { type JsonObject, type Stored, timeMs } from "../../protocol/kinds/object";

/** A token for a pod, as the kubelet keeps it; times are of the wall clock. */
export interface PodToken {
  readonly token: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

/** What is asked for: a token that dies with the pod. Source: "Configure Service Accounts for Pods". */
export function tokenRequestFor(
  { metadata: { name, uid } }: Stored<Pod>,
  source: ServiceAccountTokenProjection,
): AuthenticationV1TokenRequest {
  const { audience, expirationSeconds } = source;
  return {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      audiences: audience ? [audience] : [],
      ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
    },
  };
}

/** The token in an answer; undefined where there is none in it. */
export function tokenIn(answer: JsonObject, nowMs: number): PodToken | undefined {
  const { spec, status } = answer as unknown as AuthenticationV1TokenRequest;
  if (!status?.token) return undefined;
  const expiresMs = timeMs(status.expirationTimestamp) ?? nowMs;
  return { token: status.token, issuedMs: expiresMs - (spec?.expirationSeconds ?? 3600) * 1000, expiresMs };
}

const dayMs = 24 * 60 * 60_000;

/** Whether another is due: after four fifths of its life, or after a day. Source: as above. */
export function isTokenDue(token: PodToken | undefined, nowMs: number): boolean {
  if (!token) return true;
  return nowMs >= token.issuedMs + 0.8 * (token.expiresMs - token.issuedMs) || nowMs >= token.issuedMs + dayMs;
}

/** The permission bits of its file: readable by one user where it is known which, by a group where the pod's volumes are of one. */
export function tokenMode({ spec }: Pod, mode: number): number {
  if (spec?.securityContext?.fsGroup !== undefined) return 0o640;
  const users = new Set(spec?.containers.map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser));
  return users.size === 1 && !users.has(undefined) ? 0o600 : mode;
}
