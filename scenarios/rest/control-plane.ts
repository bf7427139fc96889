import type { Role } from "../target";
import type { Standing } from "./reasons";

/** A member that is this many revisions behind the furthest does not just lag by what is under way. */
const behindMin = 100;

/** What of the control plane does not work; of a role of which no host lives nothing is expected. */
export function controlPlaneReasons({ objects, hosts, members }: Standing): readonly string[] {
  const reasons: string[] = [];
  const living = (role: Role) => hosts.filter((host) => host.role === role && host.up);
  const etcd = living("etcd");
  if (etcd.length > 0 && !etcd.some(({ leads }) => leads)) reasons.push("etcd has no leader");
  const control = living("control");
  // Where nobody ever led, nobody is meant to.
  const led = objects.has("Lease kube-system/kube-controller-manager") || objects.has("Lease kube-system/kube-scheduler");
  if (led && control.length > 0 && !control.some(({ leads }) => leads)) reasons.push("no controller manager or scheduler leads");
  const newest = Math.max(0, ...members.map(({ revision }) => revision));
  for (const { actor, revision } of members)
    if (newest - revision >= behindMin) reasons.push(`${actor} is at revision ${revision}, and others are at ${newest}`);
  return reasons;
}
