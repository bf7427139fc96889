import { controllerManager } from "../../../actors/controller-manager";
import { address } from "../../../protocol/address";
import { Tank } from "../server/tank";
import { definitionsPath, install, widget, widgetDefinition, widgets } from "./definitions";

/** Two API servers and a controller manager that collects garbage and empties namespaces. */
function cluster(): Tank {
  const tank = new Tank({ servers: 2, actors: [controllerManager] });
  const { simulation } = tank;
  simulation.addHost({ name: "control-0", zone: "z0" });
  simulation.place("control-0", address("controller-manager", 0), {
    ...{
      apiServers: [address("apiserver", 1), address("apiserver", 0)],
      clusterCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/16",
      rootCa: "PEM",
    },
    controllers: ["garbage-collector", "namespace"],
  });
  simulation.startHost("control-0");
  simulation.runFor(10_000);
  return tank;
}

const there = (tank: Tank, path: string) => tank.get(path).code === 200;

it("custom resources own and are owned, and go with their owners, built-in or not", () => {
  const tank = cluster();
  install(tank, widgetDefinition(), 2);
  tank.simulation.runFor(5_000);
  const owner = tank.create(widgets, widget("owner", { size: 1 })).body;
  const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name: "owner", uid: owner.metadata.uid, blockOwnerDeletion: true };
  const owned = { ...widget("owned", { size: 1 }), metadata: { name: "owned", ownerReferences: [reference] } };
  tank.create(widgets, owned);
  tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "settings", ownerReferences: [reference] } });
  const map = tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "root" } }).body;
  const ofMap = { apiVersion: "v1", kind: "ConfigMap", name: "root", uid: map.metadata.uid };
  tank.create(widgets, { ...widget("of-map", { size: 1 }), metadata: { name: "of-map", ownerReferences: [ofMap] } });
  tank.simulation.runFor(5_000);
  expect(there(tank, `${widgets}/owned`)).toBe(true);

  tank.delete(`${widgets}/owner`, { propagationPolicy: "Foreground" });
  tank.delete("/api/v1/namespaces/default/configmaps/root");
  tank.simulation.runFor(20_000);
  for (const gone of [`${widgets}/owner`, `${widgets}/owned`, `${widgets}/of-map`, "/api/v1/namespaces/default/configmaps/settings"])
    expect([gone, there(tank, gone)]).toEqual([gone, false]);
});

it("custom resources go with their namespace, and a definition that has gone holds nobody up", () => {
  const tank = cluster();
  tank.namespace("shop");
  install(tank, widgetDefinition(), 2);
  const inShop = widgets.replace("/default/", "/shop/");
  tank.create(inShop, widget("a", { size: 1 }));
  tank.create(widgets, widget("b", { size: 1 }));
  tank.delete("/api/v1/namespaces/shop");
  tank.simulation.runFor(20_000);
  expect(there(tank, "/api/v1/namespaces/shop")).toBe(false);
  expect(there(tank, `${widgets}/b`)).toBe(true);
  expect(tank.get("/apis/shop.example.com/v1/widgets").body.items).toHaveLength(1);
  tank.delete(`${definitionsPath}/widgets.shop.example.com`);
  tank.namespace("late");
  tank.simulation.runFor(5_000);
  tank.delete("/api/v1/namespaces/late");
  tank.simulation.runFor(20_000);
  expect(there(tank, "/api/v1/namespaces/late")).toBe(false);
});
