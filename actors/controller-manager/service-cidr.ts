import type { ServiceCIDR } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored, timestamp } from "../../protocol/kinds/object";
import { type Controller, ipAddresses, nothingToDo, type Plan, serviceCidrs, update, updateStatus, type View, watch } from "../client";

const finalizer = "networking.k8s.io/service-cidr-finalizer";
/** Allocators that have not heard of the deletion may still give out addresses for a moment. */
const graceMs = 10_000;

/**
 * Says of each ServiceCIDR that Services may get addresses from it, and holds one that is deleted until no address of it is left that no other
 * one holds too. Source: "Extend Service IP Ranges".
 */
export const serviceCidrController: Controller = {
  name: "service-cidr",
  watches: [
    watch(serviceCidrs, ({ metadata }, view) => [metadata.name, ...others(metadata.name, view)]),
    watch(ipAddresses, (address, view) =>
      [...view.of(serviceCidrs).list()].filter((cidr) => holds(cidr, address.metadata.name)).map(({ metadata }) => metadata.name),
    ),
  ],
  reconcile(key, view, { nowMs }) {
    const cidr = view.of(serviceCidrs).get(key);
    if (!cidr) return nothingToDo;
    if (isBeingDeleted(cidr)) return letGo(cidr, view, nowMs);
    const finalizers = cidr.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer))
      return { steps: [update(serviceCidrs, { ...cidr, metadata: { ...cidr.metadata, finalizers: [...finalizers, finalizer] } })] };
    return conditionOf(cidr)?.status === "True"
      ? nothingToDo
      : { steps: [updateStatus(serviceCidrs, withReady(cidr, "True", "", "Kubernetes Service CIDR is ready", nowMs))] };
  },
};

function others(name: string, view: View): readonly string[] {
  return [...view.of(serviceCidrs).list()]
    .filter((each) => isBeingDeleted(each) && each.metadata.name !== name)
    .map(({ metadata }) => metadata.name);
}

function letGo(cidr: Stored<ServiceCIDR>, view: View, nowMs: number): Plan {
  const finalizers = cidr.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return nothingToDo;
  const remaining = [...view.of(serviceCidrs).list()].filter((each) => each.metadata.name !== cidr.metadata.name && !isBeingDeleted(each));
  const isHeld = [...view.of(ipAddresses).list()].some(
    ({ metadata }) => holds(cidr, metadata.name) && !remaining.some((other) => holds(other, metadata.name)),
  );
  if (isHeld) {
    const why = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
    return conditionOf(cidr)?.reason === "Terminating"
      ? nothingToDo
      : { steps: [updateStatus(serviceCidrs, withReady(cidr, "False", "Terminating", why, nowMs))] };
  }
  const waitMs = Date.parse(cidr.metadata.deletionTimestamp ?? "") + graceMs - nowMs;
  if (waitMs > 0) return { steps: [], requeueAfterMs: waitMs };
  const left = finalizers.filter((each) => each !== finalizer);
  return { steps: [update(serviceCidrs, { ...cidr, metadata: { ...cidr.metadata, finalizers: left } })] };
}

function conditionOf({ status }: Stored<ServiceCIDR>) {
  return (status?.conditions ?? []).find(({ type }) => type === "Ready");
}

function withReady(cidr: Stored<ServiceCIDR>, status: string, reason: string, message: string, nowMs: number): Stored<ServiceCIDR> {
  const other = (cidr.status?.conditions ?? []).filter(({ type }) => type !== "Ready");
  const ready = { type: "Ready", status, reason, message, lastTransitionTime: timestamp(nowMs) };
  return { ...cidr, status: { ...cidr.status, conditions: [...other, ready] } };
}

/** Whether an address is of one of the IPv4 networks of a ServiceCIDR. */
export function holds({ spec }: ServiceCIDR, ip: string): boolean {
  const address = numberOf(ip);
  return (spec?.cidrs ?? []).some((network) => {
    const [base = "", bits = ""] = network.split("/");
    const start = numberOf(base);
    if (start === undefined || address === undefined) return false;
    const size = 2 ** (32 - Number(bits));
    return Math.floor(address / size) === Math.floor(start / size);
  });
}

function numberOf(ip: string): number | undefined {
  const parts = ip.split(".").map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256)
    ? parts.reduce((sum, part) => sum * 256 + part, 0)
    : undefined;
}
