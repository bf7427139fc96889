import { join } from "node:path";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { runScenario } from "../../scenarios/run";

const file = join(__dirname, "../../scenarios/library/etcd-storm.yaml");

describe("etcd in a storm keeps what its documentation promises", () => {
  it.each([11, 12])("with seed %d", (seed) => {
    const result = runScenario(inputOf(loadScenario(file), { seed, keepTraceLines: 0 }));
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.probes.etcdElections).toBeGreaterThan(3);
    expect(result.probes.compactions).toBeGreaterThan(3);
  });
});
