import { Tank } from "./tank";

describe("what every cluster has", () => {
  test("is made once by API servers that start together, and whoever comes second neither waits nor warns", () => {
    for (let seed = 1; seed <= 4; seed++) {
      const tank = new Tank({ servers: 3, seed });
      expect(tank.get("/api/v1/namespaces/default/services/kubernetes").body.spec.clusterIP).toBe("10.96.0.1");
      expect(tank.warnings).toEqual([]);
    }
  });
});
