import type { KmsGateway } from "../actors/api-server/gateway/kms";
import { WebGateway } from "../actors/api-server/gateway/web";
import { type Address, roleOf } from "../protocol/address";
import type { AuditKeep } from "../protocol/audit";
import type { AnyActor } from "../runtime/actor";
import { daySeconds } from "../runtime/live/certificates";
import type { Pki } from "../runtime/live/pki";
import type { HostPlan } from "../runtime/live/world";
import { type Service, servingActor } from "../runtime/serving";
import { auditKeeperOf, kmsGatewayOf, webGatewayOf } from "../scenarios/cluster";

/** The actor behind which the doors for outgoing requests stand. */
export const webActor: AnyActor = servingActor("web");
export const kmsActor: AnyActor = servingActor("kms");
export const auditActor: AnyActor = servingActor("audit");

const apiServersOwn: ReadonlySet<string> = new Set(["etcd", "web", "kms", "audit"]);

/** Whether API servers alone speak with it: nodes have no business with etcd, nor with the doors through which API servers call the world. */
export function isForApiServers(to: Address): boolean {
  return apiServersOwn.has(roleOf(to));
}

/** The name by which aggregated servers know that a request was passed on by an API server. */
export const frontProxyName = "front-proxy-client";

/**
 * The plan's hosts, each API server's with a door through which it calls webhooks and aggregated servers, one to key management plug-ins, and one to the audit
 * log where that has to be asked.
 */
export function withWebDoors(
  hosts: readonly HostPlan[],
  { frontProxyAuthority }: Pki,
  { kms, auditKeeper }: { readonly kms: KmsGateway; readonly auditKeeper: Service<AuditKeep> | undefined },
): readonly HostPlan[] {
  const { certificate: cert, key } = frontProxyAuthority.issue({
    subject: { commonName: frontProxyName, organizations: [] },
    usages: ["client"],
    names: [],
    ttlSeconds: 365 * daySeconds,
  });
  const service = new WebGateway({ cert, key }) as unknown as Service;
  return hosts.map((host) => {
    if (!host.actors.some(({ address }) => address.startsWith("apiserver/"))) return host;
    const doors = [
      { address: webGatewayOf(host.name), service },
      { address: kmsGatewayOf(host.name), service: kms as unknown as Service },
      ...(auditKeeper ? [{ address: auditKeeperOf(host.name), service: auditKeeper as unknown as Service }] : []),
    ];
    return { ...host, services: [...(host.services ?? []), ...doors] };
  });
}
