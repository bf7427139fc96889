import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Actor, Answer } from "../../runtime/actor";
import { type HostCondition, healthyHost } from "../../runtime/live/condition";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";
import { eventually } from "../contracts/worlds";
import { joinedWorlds } from "./joined-worlds";

interface Told extends Message {
  readonly number: number;
}

/** Answers "wall" with its wall time in milliseconds, "write" once its disk has the record; "burn" takes some milliseconds of real time. */
const puppet: Actor<null, { count: number }, Message> = {
  role: "puppet",
  start: (_config, _ctx, recovered) => ({ count: recovered.logs.get("log")?.records.length ?? 0 }),
  receive(state, input, ctx) {
    if (input.type !== "request") return undefined;
    const { request, body } = input;
    const tell = (number: number) => ctx.reply(request, { kind: "told", number } as Told);
    if (body.kind === "wall") tell(ctx.wallUs() / 1000);
    else if (body.kind === "count") tell(state.count);
    else if (body.kind === "burn") {
      for (const untilMs = performance.now() + 10; performance.now() < untilMs; );
      tell(0);
    } else if (body.kind === "write") {
      state.count++;
      ctx.persist([{ type: "append", log: "log", records: [new Uint8Array([state.count])] }], {
        then: () => {
          tell(state.count);
          return undefined;
        },
      });
    }
    return undefined;
  },
};

const target = address("puppet", "a");
const told = (answer: Answer<Told>) => (answer.ok ? answer.body.number : answer.error);

jest.setTimeout(120_000);

describe("the condition of a live host", () => {
  let directory: string;
  let world: LiveWorld;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-conditions-"));
    world = new LiveWorld({ actors: [puppet], secrets: new NoSecrets(), dataDirectory: directory, connectionTimeoutUs: 300_000 });
    world.addHost({ name: "a", zone: "z", actors: [{ address: target, config: null }] });
    world.start();
  });
  afterAll(async () => {
    await world.close();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => world.setCondition("a", healthyHost));

  const ask = async (kind: string, deadlineMs = 2_000) => told(await world.ask<Told>(target, { kind }, deadlineMs));
  const suffer = (part: Partial<HostCondition>) => world.setCondition("a", { ...world.conditionOf("a"), ...part });
  const timeOf = async (what: Promise<unknown>) => {
    const beganMs = performance.now();
    await what;
    return performance.now() - beganMs;
  };

  it("paused, answers nothing; resumed, it answers what was asked meanwhile", async () => {
    suffer({ paused: true });
    const asked = ask("count", 60_000);
    expect(await ask("count", 150)).toBe("timeout");
    suffer({ paused: false });
    expect(await asked).toBe(0);
  });

  it("slow, takes many times as long for what it does", async () => {
    suffer({ slowdown: 10 });
    // The second waits until the first one's time is over.
    expect(await timeOf(Promise.all([ask("burn"), ask("burn")]))).toBeGreaterThan(100);
    suffer({ slowdown: 1 });
    expect(await ask("burn")).toBe(0);
  });

  it("with its clock off, shows another wall time, which jumps and drifts, until it is set right", async () => {
    /** How far off the host's wall time is, at least and at most. */
    const off = async () => {
      const beforeMs = Date.now();
      const wall = (await ask("wall", 60_000)) as number;
      return [wall - Date.now(), wall - beforeMs] as const;
    };
    const hour = 3_600_000;
    suffer({ clockOffsetUs: -hour * 1000 });
    const [least, most] = await off();
    expect(least <= -hour && most >= -hour).toBe(true);
    suffer({ clockOffsetUs: 0, clockDriftPpm: 10_000_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Ten seconds for each second.
    expect((await off())[1]).toBeGreaterThan(900);
    suffer({ clockDriftPpm: 0 });
    const [early, late] = await off();
    expect(early <= 0 && late >= 0).toBe(true);
  });

  it("with a disk that is slow, stalled, full or failing, persists late, later, or not", async () => {
    const before = (await ask("count")) as number;
    suffer({ disk: { ...healthyHost.disk, slowdown: 20 } });
    // A write takes half a millisecond at least where it is slowed at all.
    expect(await timeOf(ask("write", 60_000))).toBeGreaterThan(9);
    suffer({ disk: { ...healthyHost.disk, slowdown: Number.POSITIVE_INFINITY } });
    const stalled = ask("write", 60_000);
    expect(await ask("write", 100)).toBe("timeout");
    suffer({ disk: healthyHost.disk });
    expect(await stalled).toBe(before + 2);
    suffer({ disk: { ...healthyHost.disk, full: true } });
    expect(await ask("write", 200)).toBe("timeout");
    suffer({ disk: { ...healthyHost.disk, errorProbability: 1 } });
    expect(await ask("write", 200)).toBe("timeout");
    expect(world.diskCountsOf("a").failedWrites).toBe(2);
    suffer({ disk: healthyHost.disk });
    expect(await ask("write")).toEqual(expect.any(Number));
  });

  it("down, is gone at once and tells its peers; up again, it has what was on its disk", async () => {
    const before = await ask("count");
    suffer({ down: true });
    expect(await ask("count")).toBe("unreachable");
    suffer({ down: false });
    await eventually(() => world.hosts.get("a")?.up === true);
    expect(await ask("count")).toEqual(expect.any(Number));
    expect((await ask("count")) as number).toBeLessThanOrEqual(before as number);
  });

  it("silently down, is missed by its peers only after their keep-alive, or when it is back", async () => {
    suffer({ down: true, silent: true });
    const beganMs = performance.now();
    expect(await ask("count", 2_000)).toBe("unreachable");
    expect(performance.now() - beganMs).toBeGreaterThan(250);
    suffer({ down: false, silent: false });
    await eventually(() => world.hosts.get("a")?.up === true);
    expect(await ask("count")).toEqual(expect.any(Number));
  });

  it("healthy, does not bring back by itself a host that died of something else; it comes back when that is wanted", async () => {
    await world.crashHost("a");
    world.setCondition("a", { ...healthyHost, clockOffsetUs: 1 });
    expect(world.hosts.get("a")?.up).toBe(false);
    await world.comeBack("a");
    expect(await ask("count")).toEqual(expect.any(Number));
  });

  it("with an actor that is kept down, is the same host without it", async () => {
    suffer({ kept: [target] });
    expect(await ask("count")).not.toEqual(expect.any(Number));
    suffer({ kept: [] });
    await eventually(() => world.hosts.get("a")?.cell(target)?.phase === "running");
    expect(await ask("count")).toEqual(expect.any(Number));
  });
});

describe("the condition of a host of a joined process", () => {
  it("is what the hub says, again after the link was broken, and healthy while nobody says anything", async () => {
    const world = new LiveWorld({ actors: [puppet], secrets: new NoSecrets() });
    const { hub, joined, close } = await joinedWorlds(world, ["far"], [puppet]);
    const [far] = joined;
    try {
      world.addRule({ id: "some", from: ["far"], to: ["near"], kinds: null, effect: { type: "block" } });
      hub.setCondition("far", { ...healthyHost, paused: true, clockOffsetUs: 5_000_000 });
      await eventually(() => far!.conditionOf("far").paused && far!.wire.rules.length === 1);
      expect(told(await world.ask<Told>(address("puppet", "far"), { kind: "count" }, 200))).toBe("timeout");
      hub.breakLink("far", "for the test");
      await eventually(() => !far!.conditionOf("far").paused && far!.wire.rules.length === 0);
      expect(far!.clockOffUs("far")).toBe(0);
      // The process comes back by itself, and is told again.
      await eventually(() => far!.conditionOf("far").paused && far!.wire.rules.length === 1);
      hub.setCondition("far", healthyHost);
      await eventually(() => !far!.conditionOf("far").paused);
      expect(told(await world.ask<Told>(address("puppet", "far"), { kind: "count" }, 2_000))).toBe(0);
      hub.setCondition("far", { ...healthyHost, down: true });
      await eventually(() => far!.hosts.get("far")?.up === false);
      hub.setCondition("far", healthyHost);
      await eventually(() => far!.hosts.get("far")?.up === true);
    } finally {
      await close();
    }
  }, 120_000);
});
