import { allocate, SeatDemand, seatLimits } from "../../../actors/api-server/flow-control/seat-limits";
import { mandatoryLevels, suggestedLevels } from "../../../actors/api-server/flow-control/standard-objects";

const standard = [...mandatoryLevels, ...suggestedLevels].map(({ metadata, spec }) => ({
  name: metadata.name,
  nominalConcurrencyShares: (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? 0,
  lendablePercent: (spec?.limited ?? spec?.exempt)?.lendablePercent ?? 0,
  borrowingLimitPercent: undefined,
}));

describe("the seats of priority levels", () => {
  it("are shared out as the documentation says for the standard levels and 600 seats", () => {
    const limits = new Map(seatLimits(600, standard).map((each, index) => [standard[index]!.name, each]));
    const nominal = (name: string) => limits.get(name)!.nominal;
    expect(
      ["exempt", "catch-all", "system", "node-high", "leader-election", "workload-high", "workload-low", "global-default"].map(nominal),
    ).toEqual([0, 13, 74, 98, 25, 98, 245, 49]);
    expect(limits.get("workload-low")).toEqual({ nominal: 245, min: 24, max: 845 });
  });

  it("go to those who need them, and never below what a level may keep nor above what it may borrow", () => {
    const limits = seatLimits(100, [
      { nominalConcurrencyShares: 50, lendablePercent: 50, borrowingLimitPercent: 20 },
      { nominalConcurrencyShares: 50, lendablePercent: 80, borrowingLimitPercent: undefined },
    ]);
    const need = (index: number, high: number, smoothed: number) => ({ limits: limits[index]!, exempt: false, high, smoothed });
    expect(allocate(100, [need(0, 100, 100), need(1, 0, 0)])).toEqual([60, 40]);
    expect(allocate(100, [need(0, 0, 0), need(1, 100, 100)])).toEqual([25, 75]);
    expect(allocate(100, [need(0, 100, 100), need(1, 100, 100)])).toEqual([50, 50]);
  });

  it("add up to all there are while everybody wants more, whatever the needs (200 draws)", () => {
    let state = 7;
    const draw = (bound: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % bound;
    };
    for (let round = 0; round < 200; round++) {
      const limits = seatLimits(
        600,
        Array.from({ length: 5 }, () => ({
          nominalConcurrencyShares: 1 + draw(100),
          lendablePercent: draw(101),
          borrowingLimitPercent: undefined,
        })),
      );
      const needs = limits.map((each) => ({ limits: each, exempt: false, high: draw(700), smoothed: 600 + draw(100) }));
      const seats = allocate(600, needs);
      seats.forEach((count, index) => {
        expect(count).toBeGreaterThanOrEqual(limits[index]!.min);
        expect(count).toBeLessThanOrEqual(limits[index]!.max);
      });
      // Nominal limits are rounded up, so the sum may be off by a seat for each level.
      expect(Math.abs(seats.reduce((sum, count) => sum + count, 0) - 600)).toBeLessThanOrEqual(10);
    }
  });

  it("follow demand that comes at once and goes slowly", () => {
    const demand = new SeatDemand(0);
    demand.set(0, 10);
    expect(demand.next(10_000_000)).toEqual({ high: 10, smoothed: 10 });
    demand.set(10_000_000, 0);
    const { high, smoothed } = demand.next(20_000_000);
    expect(high).toBe(10);
    expect(smoothed).toBeCloseTo(9.77, 5);
    expect(demand.next(30_000_000).high).toBe(0);
  });
});
