import type { NetRequest } from "../../protocol/cluster";
import type { EndpointSlice } from "../../protocol/kinds/generated";
import { resolveName, type ServicesByKey } from "../network/dns";

/** What a name in a request comes to on this node. */
export type NameLookup =
  | { readonly is: "address"; readonly ip: string; readonly port: number }
  /** Of a headless Service, whose pods this node does not follow yet. */
  | { readonly is: "notFollowed" }
  | { readonly is: "none"; readonly detail: string };

/** Headless Services' slices; undefined while they are not followed. */
type SlicesOf = ((serviceKey: string) => readonly EndpointSlice[]) | undefined;

/**
 * The node's stub resolver: it answers from the Services that the proxy follows anyway, as the cluster's DNS would. A pod of a headless Service is drawn;
 * `draw` is in [0, 1).
 */
export function lookUpName({ name, port }: NetRequest, services: ServicesByKey, headlessSlices: SlicesOf, draw: () => number): NameLookup {
  const { host, namespace } = name!;
  let askedHeadless = false;
  const answer = resolveName(host, namespace, services, (key) => {
    askedHeadless = true;
    return headlessSlices?.(key) ?? [];
  });
  if (askedHeadless && headlessSlices === undefined) return { is: "notFollowed" };
  if (!answer.found) return { is: "none", detail: `lookup ${host}: no such host` };
  if ("cname" in answer) return { is: "none", detail: `lookup ${host}: ${answer.cname} is outside of the cluster` };
  const { spec } = services.get(answer.service)!;
  const ip = answer.addresses[Math.floor(draw() * answer.addresses.length)]!;
  const wanted = spec?.ports?.find((one) => port === 0 || one.port === port);
  if (spec?.clusterIP !== "None") return { is: "address", ip, port: port === 0 ? (wanted?.port ?? 0) : port };
  // A headless Service only names pods: its port is the one on which they serve.
  const served = headlessSlices?.(answer.service).flatMap(({ ports }) => ports ?? []);
  const own = served?.find((one) => (one.name ?? "") === (wanted?.name ?? ""))?.port;
  return { is: "address", ip, port: own ?? port };
}
