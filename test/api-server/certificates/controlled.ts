import { controllerManager } from "../../../actors/controller-manager";
import { address } from "../../../protocol/address";
import { Tank } from "../server/tank";

/** An API server with a controller manager that runs these controllers. */
export function controlled(controllers: readonly string[], options: ConstructorParameters<typeof Tank>[0] = {}): Tank {
  const tank = new Tank({ ...options, actors: [controllerManager, ...(options?.actors ?? [])] });
  const { simulation } = tank;
  simulation.addHost({ name: "control-0", zone: "z0" });
  const ranges = { clusterCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16" };
  const config = { apiServers: [address("apiserver", 0)], ...ranges, rootCa: "PEM", controllers };
  simulation.place("control-0", address("controller-manager", 0), config);
  simulation.startHost("control-0");
  simulation.runFor(10_000);
  return tank;
}
