import { type Address, nameOf, roleOf } from "../../../protocol/address";
import { authenticated, masters, type User } from "./user";

/** The users of the cluster's own components, by the role in their address. */
const components: ReadonlyMap<string, (name: string) => User> = new Map([
  ["apiserver", () => authenticated("system:apiserver", [masters])],
  ["scheduler", () => authenticated("system:kube-scheduler", [])],
  ["controller-manager", () => authenticated("system:kube-controller-manager", [])],
  ["cloud-controller-manager", () => authenticated("system:cloud-controller-manager", [])],
  ["kubelet", (node: string) => authenticated(`system:node:${node}`, ["system:nodes"])],
  ["kube-proxy", () => authenticated("system:kube-proxy", [])],
]);

/**
 * The user an actor is, by its address, which its host may not forge. Components are who they are in a Kubernetes cluster; any other
 * actor was placed by whoever runs the cluster (load generators, scenarios, addons) and acts for them, as a member of system:masters.
 * A gateway speaks for others and never for itself: undefined.
 */
export function userOfActor(actor: Address): User | undefined {
  const role = roleOf(actor);
  if (role === "gateway") return undefined;
  return components.get(role)?.(nameOf(actor)) ?? authenticated(`wavetank:${actor}`, [masters]);
}
