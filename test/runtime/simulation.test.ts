import { type Address, address } from "../../protocol/address";
import { encode } from "../../protocol/codec";
import { decodeTold } from "../../protocol/told";
import type { Actor, Answer, Context, Fact } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";
import { Trace } from "../../runtime/trace";

interface Count {
  count: number;
}
type Say =
  | { kind: "add"; by: number }
  | { kind: "get" }
  | { kind: "crash" }
  | { kind: "silence" }
  | { kind: "follow"; items: number }
  | { kind: "stumble"; afterAsks: number };

const counter: Actor<null, Count, Say> = {
  role: "counter",
  start(_config, _ctx, recovered) {
    const records = recovered.logs.get("adds")?.records ?? [];
    return { count: records.reduce((sum, record) => sum + record[0]!, 0) };
  },
  receive(state, input, ctx) {
    if (input.type === "request") {
      const { body, request } = input;
      if (body.kind === "crash") {
        ctx.reply(request, { kind: "never said" });
        throw new Error("asked to");
      }
      if (body.kind === "silence") return;
      if (body.kind === "stumble")
        return ctx.protect(
          () => stumble(body.afterAsks, ctx),
          (error, ctx) => ctx.reply(request, { kind: `recovered: ${(error as Error).message}` }) as undefined,
        );
      if (body.kind === "add")
        ctx.persist([{ type: "append", log: "adds", records: [Uint8Array.of(body.by)] }], {
          token: String(body.by),
          then: () => {
            ctx.reply(request, { kind: "added" });
          },
        });
      else ctx.reply(request, { kind: "count", count: state.count } as never);
    }
    // What is not on disk yet must not be readable.
    if (input.type === "persisted") state.count += Number(input.token);
    if (input.type === "opened" && input.body.kind === "follow")
      for (let i = 0; i < input.body.items; i++) ctx.push(input.stream, { kind: `item ${i}` });
  },
};

/** Says what must stay unsaid and throws, in this turn or after so many questions to another. */
function stumble(afterAsks: number, ctx: Context<Count>): undefined {
  ctx.send(c1, { kind: "add", by: 100 } as never);
  if (afterAsks === 0) throw new Error("planted");
  ctx.ask(c1, { kind: "get" }, { deadlineMs: 100 }, (_state, _answer, ctx) => stumble(afterAsks - 1, ctx));
}

function world(seed = 1) {
  const simulation = new Simulation({ seed, actors: [counter as never], trace: { keepLines: Number.POSITIVE_INFINITY } });
  simulation.addHost({ name: "a", zone: "z1" });
  simulation.addHost({ name: "b", zone: "z2" });
  simulation.place("a", address("counter", 0), null);
  simulation.start();
  simulation.portal();
  return simulation;
}

const c0 = address("counter", 0);
const c1 = address("counter", 1);
function ask(simulation: Simulation, to: Address, body: Say, deadlineMs = 1000): Answer[] {
  const answers: Answer[] = [];
  simulation.ask(to, body, deadlineMs, (answer) => answers.push(answer));
  return answers;
}

describe("the simulation", () => {
  it("answers an ask once, with what the actor replied", () => {
    const simulation = world();
    ask(simulation, c0, { kind: "add", by: 2 });
    simulation.runFor(100);
    const got = ask(simulation, c0, { kind: "get" });
    simulation.runFor(5000);
    expect(got).toEqual([{ ok: true, body: { kind: "count", count: 2 } }]);
  });

  it("answers for an actor that does not: by time-out, refusal or crash, each once", () => {
    const simulation = world();
    const silent = ask(simulation, c0, { kind: "silence" });
    const nobody = ask(simulation, address("counter", 9), { kind: "get" });
    const crash = ask(simulation, c0, { kind: "crash" });
    simulation.runFor(5000);
    expect([silent, nobody, crash].map((answers) => answers.map((a) => (a.ok ? "ok" : a.error)))).toEqual([
      ["crashed"],
      ["refused"],
      ["crashed"],
    ]);
    const slow = ask(simulation, c0, { kind: "silence" });
    simulation.runFor(5000);
    expect(slow.map((a) => !a.ok && a.error)).toEqual(["timeout"]);
  });

  it.each([0, 1, 3])("lets an actor live whose protected part throws after %i questions: what that turn said stays unsaid", (afterAsks) => {
    const simulation = world();
    simulation.place("b", c1, null);
    const sent: string[] = [];
    simulation.addObserver((_nowUs, _host, event) => {
      if (event.type === "deliver" && event.actor === c1) sent.push(event.envelope.operation);
    });
    const answers = ask(simulation, c0, { kind: "stumble", afterAsks });
    simulation.runFor(1000);
    expect(answers).toEqual([{ ok: true, body: { kind: "recovered: planted" } }]);
    expect(simulation.stateOf<Count>(c0)).toEqual({ count: 0 });
    expect(sent.filter((operation) => operation === "tell")).toHaveLength(afterAsks);
  });

  it("gives an actor back what its disk had synced, and nothing else, after its host crashed", () => {
    const simulation = world();
    simulation.host("a").disk.faults.tornProbability = 0;
    const kept = ask(simulation, c0, { kind: "add", by: 1 });
    simulation.runFor(100);
    const lost = ask(simulation, c0, { kind: "add", by: 5 });
    // Arrived, but not synced.
    simulation.runFor(0.9);
    simulation.crashHost("a");
    simulation.runFor(1000);
    expect(kept.map((a) => a.ok)).toEqual([true]);
    expect(lost.map((a) => !a.ok && a.error)).toEqual(["unreachable"]);
    simulation.startHost("a");
    simulation.runFor(100);
    const got = ask(simulation, c0, { kind: "get" });
    simulation.runFor(100);
    expect(got[0]).toMatchObject({ ok: true, body: { count: 1 } });
  });

  it("delivers a stream's items in order and without gaps, whatever the network loses", () => {
    const simulation = world();
    simulation.addRule({ id: "lossy", from: null, to: null, kinds: null, effect: { type: "loss", probability: 0.3 } });
    const seen: string[] = [];
    simulation.portal().open(c0, { kind: "follow", items: 1000 } as never, (input) => {
      seen.push(input.type === "item" ? input.body.kind : input.reason);
    });
    simulation.runFor(600_000);
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => `item ${i}`));
  });

  it("breaks a stream whose hosts are parted for longer than the keep-alive, and tells both ends", () => {
    const simulation = world();
    const seen: string[] = [];
    simulation.portal().open(c0, { kind: "follow", items: 1 } as never, (input) => {
      seen.push(input.type === "item" ? input.body.kind : input.reason);
    });
    simulation.runFor(100);
    simulation.addRule({ id: "cut", from: ["a"], to: null, kinds: null, effect: { type: "block" } });
    simulation.runFor(10_000);
    expect(seen).toEqual(["item 0"]);
    simulation.runFor(6_000);
    expect(seen).toEqual(["item 0", "unreachable"]);
  });

  it("gives the same trace for the same seed, and another for another", () => {
    const run = (seed: number) => {
      const simulation = world(seed);
      for (let i = 0; i < 20; i++) ask(simulation, c0, { kind: "add", by: i });
      simulation.runFor(1000);
      return simulation.traceHash();
    };
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });

  it("throws when a handler reads the real clock", () => {
    const cheat: Actor<null, null> = {
      role: "cheat",
      start: () => null,
      receive() {
        Date.now();
      },
    };
    const simulation = new Simulation({ seed: 1, actors: [cheat] });
    simulation.addHost({ name: "a", zone: "z" });
    simulation.place("a", address("cheat", 0), null);
    const crashes: string[] = [];
    simulation.addObserver((_now, _host, event) => void (event.type === "crashed" && crashes.push(String(event.error))));
    simulation.start();
    simulation.ask(address("cheat", 0), { kind: "hello" }, 100, () => undefined);
    simulation.runFor(50);
    expect(crashes).toEqual([expect.stringContaining("Date.now was used inside an actor's turn")]);
  });

  it("writes one frozen datagram to several once, and none of them can change what the others read", () => {
    const heard: { readonly who: Address; readonly body: unknown }[] = [];
    const speaker: Actor<null, null> = {
      role: "speaker",
      start(_config, ctx) {
        const body = Object.freeze({ kind: "news", entries: [{ index: 1 }] });
        for (const id of [0, 1, 2]) ctx.send(address("listener", id), body);
        return null;
      },
      receive() {},
    };
    const listener: Actor<null, null> = {
      role: "listener",
      start: () => null,
      receive(_state, input, ctx) {
        if (input.type !== "message") return;
        heard.push({ who: ctx.self, body: structuredClone(input.body) });
        (input.body as unknown as { entries: { index: number }[] }).entries[0]!.index = 2;
      },
    };
    const simulation = new Simulation({ seed: 1, actors: [speaker, listener] });
    const bodies = new Set<Uint8Array>();
    let crashes = 0;
    simulation.addObserver((_now, _host, event) => {
      if (event.type === "deliver") bodies.add(event.envelope.body);
      if (event.type === "crashed") crashes++;
    });
    for (const id of [0, 1, 2]) {
      simulation.addHost({ name: `l${id}`, zone: "z" });
      simulation.place(`l${id}`, address("listener", id), null);
    }
    simulation.start();
    simulation.runFor(50);
    simulation.addHost({ name: "s", zone: "z" });
    simulation.place("s", address("speaker", 0), null);
    simulation.start();
    simulation.runFor(50);
    expect(heard.map(({ who }) => who).sort()).toEqual([0, 1, 2].map((id) => address("listener", id)));
    for (const { body } of heard) expect(body).toEqual({ kind: "news", entries: [{ index: 1 }] });
    expect(bodies.size).toBe(1);
    expect(crashes).toBe(3);
  });

  test("a trace's hash tells facts apart by all that is in them, and is the same for the same", () => {
    const hashOf = (fact: Fact) => {
      const trace = new Trace({ keepLines: 0 });
      trace.add(1, "a", { type: "fact", actor: c1, fact });
      return trace.hash();
    };
    const facts: readonly Fact[] = [
      { kind: "seen" },
      { kind: "seen", by: "x" },
      { kind: "seen", at: "x" },
      { kind: "seen", by: 1 },
      { kind: "seen", by: 1.5 },
      { kind: "seen", by: 2 ** 40 + 1 },
      { kind: "seen", by: null },
      { kind: "seen", by: true },
      { kind: "seen", by: [[1, 2, 3]] },
      { kind: "seen", by: [[1, 2, 4]] },
      { kind: "seen", by: [[1], [2, 3]] },
      { kind: "seen", by: { deep: [{ er: "x" }] } },
      { kind: "seen", by: { deep: [{ er: "y" }] } },
    ];
    expect(new Set(facts.map(hashOf)).size).toBe(facts.length);
    for (const fact of facts) expect(hashOf(structuredClone(fact))).toBe(hashOf(fact));
  });

  test("what small datagrams say is decoded once, wherever the bytes lie, and cannot be changed", () => {
    const bytes = encode({ kind: "beat", round: [1] } as never);
    const one = decodeTold(bytes);
    const other = decodeTold(Uint8Array.from(bytes));
    expect(one).toEqual({ kind: "beat", round: [1] });
    expect(other).toBe(one);
    expect(() => (one as unknown as { round: number[] }).round.push(2)).toThrow(TypeError);
    expect(decodeTold(encode({ kind: "beat", round: [2] } as never))).toEqual({ kind: "beat", round: [2] });
  });
});
