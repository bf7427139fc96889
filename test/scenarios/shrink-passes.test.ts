import { defaultShape } from "../../scenarios/cluster";
import { type RunInput, runScenario } from "../../scenarios/run";
import { shrink } from "../../scenarios/shrink/passes";
import { type Recipe, sizeOf } from "../../scenarios/shrink/recipe";
import type { ScheduledStep } from "../../scenarios/storm";
import { tinyCluster, tinyInput } from "./tiny";

/** Shrinks by a test of what fails; answers with what is left and how many tries it took. */
function shrunk(recipe: Recipe, objects: readonly string[], fails: (candidate: Recipe) => boolean) {
  const pass = shrink(recipe, objects);
  let tries = 0;
  let step = pass.next();
  while (!step.done) {
    tries++;
    step = pass.next(fails(step.value));
  }
  expect(fails(step.value)).toBe(true);
  return { left: step.value, tries };
}

const stepOf = (step: number, change: Partial<ScheduledStep> = {}): ScheduledStep => ({
  type: "fault",
  step,
  occurrence: 0,
  atUs: (step + 1) * 3_000_000,
  name: "crash",
  where: `storm[${step}]`,
  targets: [`node-${step % 6}`],
  forUs: 8_000_000,
  params: {},
  mayMiss: false,
  ...change,
});

const whole: Recipe = {
  schedule: Array.from({ length: 20 }, (_, i) => stepOf(i)),
  load: [0, 1].map((place) => ({ place, params: { requestsPerSecond: 64 }, fromUs: 0, toUs: null })),
  objects: null,
  shape: { ...defaultShape, etcd: 5, apiServers: 3, controllers: 3, nodes: 6, knobs: { "etcd.pre-vote": false, "etcd.snapshot-count": 5 } },
  stormUs: 80_000_000,
  coreOnly: true,
};
const objects = ["Namespace shop", "Deployment shop/web", "Deployment shop/api", "Service shop/web"];

describe("shrinking a recorded run", () => {
  it("leaves the steps, hosts, objects, time and load that matter, and nothing else", () => {
    const { left, tries } = shrunk(whole, objects, ({ schedule, load, objects: applied, shape }) => {
      const guilty = schedule.find(({ step }) => step === 9);
      return (
        guilty !== undefined &&
        (guilty.forUs ?? 0) >= 2_000_000 &&
        shape.nodes >= 4 &&
        shape.knobs["etcd.snapshot-count"] === 5 &&
        (applied ?? objects).includes("Deployment shop/api") &&
        load.some(({ place, params }) => place === 1 && (params.requestsPerSecond as number) >= 10)
      );
    });
    expect(left.schedule).toHaveLength(1);
    expect(left.coreOnly).toBe(false);
    expect(left.schedule[0]).toMatchObject({ step: 9, targets: ["node-3"] });
    expect(left.schedule[0]!.forUs! / 1e6).toBeCloseTo(2, 0);
    expect(left.schedule[0]!.atUs).toBeLessThanOrEqual(1_000_000);
    expect(left.load).toMatchObject([{ place: 1, params: { requestsPerSecond: 16 } }]);
    expect(left.objects).toEqual(["Deployment shop/api"]);
    expect(left.shape).toMatchObject({ etcd: 1, apiServers: 1, controllers: 1, nodes: 4, zones: 1, knobs: { "etcd.snapshot-count": 5 } });
    expect(left.shape.knobs).toEqual({ "etcd.snapshot-count": 5 });
    expect(sizeOf(left, objects.length)).toMatchObject({ parts: 2, hosts: 7, objects: 1 });
    // A fault of two milliseconds is not told as none.
    const brief = { ...left, schedule: left.schedule.slice(0, 1).map((step) => ({ ...step, type: "fault" as const, forUs: 2_000 })) };
    expect(sizeOf(brief, 0).faultSeconds).toBe(brief.schedule.length * 0.002);
    expect(tries).toBeLessThan(120);
  });

  it("takes away what hits hosts that are no more", () => {
    const { left } = shrunk({ ...whole, load: [] }, [], ({ schedule }) => schedule.length >= 2);
    expect(left.schedule).toHaveLength(2);
    for (const { targets } of left.schedule) expect(Number(targets[0]!.slice("node-".length))).toBeLessThan(left.shape.nodes);
  });

  it("takes away whatever the budget had left out, at once", () => {
    const idle = whole.schedule.map((step) => (step.step % 2 === 0 ? { ...step, targets: [], mayMiss: true } : step));
    const pass = shrink({ ...whole, schedule: idle }, objects);
    expect((pass.next().value as Recipe).schedule.map(({ step }) => step)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  });

  it("comes from twenty steps that were really taken to the one that is to blame, and that replays", () => {
    const nothing = "{ at: 11s, fault: duplicate, target: { role: client }, messages: [no.such.message], rate: 100%, for: 2s }";
    const others = Array.from(
      { length: 19 },
      (_, i) => `  - { at: ${i + 1}s, fault: slow-cpu, target: { role: etcd }, factor: 3, for: 700ms }`,
    );
    const text = `${tinyCluster}\nstorm:\n${others.join("\n")}\n  - ${nothing}\nexpect: [raft-committed]`;
    const input = tinyInput(text);
    const result = runScenario(input);
    const inputOf = ({ schedule, shape, stormUs }: Recipe): RunInput => ({ ...input, schedule, shape, stormUs: stormUs! });
    const isViolated = (recipe: Recipe) =>
      runScenario(inputOf(recipe)).checks.some(({ name, detail }) => name === "storm" && detail.includes("it did nothing to client-0"));
    const recipe: Recipe = { schedule: result.schedule, load: [], objects: null, shape: result.shape, stormUs: result.stormUs };
    const { left } = shrunk(recipe, [], isViolated);
    expect(left.schedule.map(({ name }) => name)).toEqual(["duplicate"]);
    expect(left.shape.etcd).toBe(1);
    expect(left.stormUs).toBeLessThan(3_000_000);
    expect(runScenario(inputOf(left)).traceHash).toBe(runScenario(inputOf(left)).traceHash);
  });
});
