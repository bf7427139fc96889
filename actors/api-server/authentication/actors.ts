import { type Address, nameOf, roleOf } from "../../../protocol/address";
import { authenticated, masters, serviceAccountGroups, serviceAccountName, type User } from "./user";

/** The users of the cluster's own components, by the role in their address. */
const components: ReadonlyMap<string, (name: string) => User> = new Map([
  ["apiserver", () => authenticated("system:apiserver", [masters])],
  ["scheduler", () => authenticated("system:kube-scheduler", [])],
  ["controller-manager", () => authenticated("system:kube-controller-manager", [])],
  ["cloud-controller-manager", () => authenticated("system:cloud-controller-manager", [])],
  ["kubelet", (node: string) => authenticated(`system:node:${node}`, ["system:nodes"])],
  ["metrics-server", () => authenticated(serviceAccountName("kube-system", "metrics-server"), serviceAccountGroups("kube-system"))],
  ["kube-proxy", () => authenticated("system:kube-proxy", [])],
]);

/** Service accounts, "namespace/name", by the addresses of the actors that are placed with their identity. */
export type ActorAccounts = Readonly<Record<string, string>>;

/**
 * The user an actor is, by its address, which its host may not forge. Components are who they are in a Kubernetes cluster; any other
 * actor was placed by whoever runs the cluster (load generators, scenarios, addons) and acts for them, as a member of system:masters.
 * A gateway speaks for others and never for itself: undefined. `accounts` names the service accounts ("shop/operator") under which some actors run.
 */
export function userOfActor(actor: Address, accounts: ActorAccounts = {}): User | undefined {
  const role = roleOf(actor);
  if (role === "gateway") return undefined;
  const [namespace, name] = accounts[actor]?.split("/") ?? [];
  if (namespace !== undefined && name !== undefined)
    return authenticated(serviceAccountName(namespace, name), serviceAccountGroups(namespace));
  return components.get(role)?.(nameOf(actor)) ?? authenticated(`wavetank:${actor}`, [masters]);
}
