import type { NetRequest } from "../../protocol/cluster";
import type { EndpointSlice } from "../../protocol/kinds/generated";
import { type DnsAnswer, resolveName, type ServicesByKey } from "../network/dns";

/** What a name in a request comes to on this node. */
export type NameLookup =
  | { readonly is: "address"; readonly ip: string; readonly port: number }
  /** Of a headless Service, whose pods this node does not follow yet. */
  | { readonly is: "notFollowed" }
  | { readonly is: "none"; readonly detail: string };

/** What a name means to a pod of the namespace; "notFollowed" where the pods of headless Services are not known here yet. */
export function answerOf(
  { host, namespace }: NonNullable<NetRequest["name"]>,
  services: ServicesByKey,
  headlessSlices: SlicesOf,
): DnsAnswer | "notFollowed" {
  let askedHeadless = false;
  const answer = resolveName(host, namespace, services, (key) => {
    askedHeadless = true;
    return headlessSlices?.(key) ?? [];
  });
  return askedHeadless && headlessSlices === undefined ? "notFollowed" : answer;
}

/** Headless Services' slices; undefined while they are not followed. */
type SlicesOf = ((serviceKey: string) => readonly EndpointSlice[]) | undefined;

/**
 * The node's stub resolver: it answers from the Services that the proxy follows anyway, as the cluster's DNS would. A pod of a headless Service is drawn;
 * `draw` is in [0, 1).
 */
export function lookUpName({ name, port }: NetRequest, services: ServicesByKey, headlessSlices: SlicesOf, draw: () => number): NameLookup {
  const { host } = name!;
  const answer = answerOf(name!, services, headlessSlices);
  if (answer === "notFollowed") return { is: "notFollowed" };
  if (!answer.found) return { is: "none", detail: `lookup ${host}: no such host` };
  if ("cname" in answer) return { is: "none", detail: `lookup ${host}: ${answer.cname} is outside of the cluster` };
  if ("ports" in answer) return { is: "none", detail: `lookup ${host}: it names a port` };
  const { spec } = services.get(answer.service)!;
  const ip = answer.addresses[Math.floor(draw() * answer.addresses.length)]!;
  const wanted = spec?.ports?.find((one) => port === 0 || one.port === port);
  if (spec?.clusterIP !== "None") return { is: "address", ip, port: port === 0 ? (wanted?.port ?? 0) : port };
  // A headless Service only names pods: its port is the one on which they serve.
  const served = headlessSlices?.(answer.service).flatMap(({ ports }) => ports ?? []);
  const own = served?.find((one) => (one.name ?? "") === (wanted?.name ?? ""))?.port;
  return { is: "address", ip, port: own ?? port };
}
