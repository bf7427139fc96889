import { type Address, address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Actor, Context, Input, RequestRef, StreamRef } from "../../runtime/actor";
import { hostEach, type TestWorld, worlds } from "./worlds";

/** What the test actors do when they are told to; `n` and `to` are read where they mean something. */
interface Order extends Message {
  readonly n?: number;
  readonly to?: Address;
  readonly text?: string;
}

interface State {
  readonly heard: string[];
  readonly recovered: number;
  handled: number;
  pending: RequestRef[];
  streams: StreamRef[];
}

const puppet: Actor<null, State, Order> = {
  role: "puppet",
  start: (_config, _ctx, recovered) => ({
    heard: [],
    recovered: recovered.logs.get("journal")?.records.length ?? 0,
    handled: 0,
    pending: [],
    streams: [],
  }),
  receive(state, input, ctx) {
    state.handled++;
    if (input.type === "timer") state.heard.push(`timer ${input.name}`);
    if (input.type === "message") hear(state, input.body);
    if (input.type === "request") request(state, input, ctx);
    if (input.type === "opened") opened(state, input, ctx);
    if (input.type === "item") state.heard.push(`item ${input.body.n}`);
    if (input.type === "closed") state.heard.push(`closed ${input.reason}`);
    return undefined;
  },
};

function hear(state: State, body: Order): void {
  state.heard.push(body.text ?? body.kind);
  if (body.kind === "boom") throw new Error("boom");
}

function request(state: State, { body, request }: Extract<Input<Order>, { type: "request" }>, ctx: Context<State>): void {
  const say = (text: string) => ctx.reply(request, { kind: "said", text } as Order);
  switch (body.kind) {
    case "heard":
      return say(state.heard.join(","));
    case "who":
      return say(`${ctx.self}#${ctx.incarnation - firstIncarnation(ctx)} recovered ${state.recovered}`);
    case "twice":
      say("first");
      return say("second");
    case "keep":
      state.pending.push(request);
      return;
    case "count to":
      for (let i = 1; i <= body.n!; i++) ctx.send(body.to!, { kind: "count", text: String(i) } as Order);
      return say("counted");
    case "send and throw":
      ctx.send(body.to!, { kind: "never" });
      say("never");
      throw new Error("on purpose");
    case "write":
      ctx.send(body.to!, { kind: "heartbeat" });
      ctx.persist([{ type: "append", log: "journal", records: [new Uint8Array([1])] }], {
        then: () => {
          ctx.send(body.to!, { kind: "voted" });
          say("on disk");
          return undefined;
        },
      });
      return;
    case "tell all": {
      // The same object each time, changed in between: what was said is what it was then.
      const body = { kind: "item", n: 1 };
      for (const stream of state.streams) {
        ctx.push(stream, body);
        body.n++;
      }
      const same = Object.freeze({ kind: "item", n: 100 });
      for (const stream of state.streams) ctx.push(stream, same);
      return say("told");
    }
    case "busy":
      // Work for itself first, then a question: the answer must not stand at the end of that queue.
      for (let i = 0; i < body.n!; i++) ctx.send(ctx.self, { kind: "work" });
      return ctx.ask(body.to!, { kind: "heard" }, { deadlineMs: 60_000 }, (later) => say(String(later.handled)) as undefined);
    case "timers":
      ctx.setTimer("a", 5);
      ctx.setTimer("b", 5);
      ctx.setTimer("b", 20);
      ctx.setTimer("c", 5);
      ctx.cancelTimer("c");
      return say("set");
    case "spawn":
      ctx.spawn(body.to!, null);
      return say("spawned");
    case "ask for me":
      return ctx.ask<Order>(body.to!, { kind: "keep" }, { deadlineMs: 60_000 }, (_later, answer) => {
        say(answer.ok ? "answered" : answer.error);
        return undefined;
      });
    default:
      ctx.refuse(request, `unknown order ${body.kind}`);
  }
}

function opened(state: State, { body, stream }: Extract<Input<Order>, { type: "opened" }>, ctx: Context<State>): void {
  state.streams.push(stream);
  if (body.kind === "refuse me") return ctx.close(stream, "refused", "not today");
  for (let i = 1; i <= (body.n ?? 0); i++) ctx.push(stream, { kind: "item", n: i } as Order);
  if (body.kind === "items") ctx.close(stream);
}

/** Live incarnations begin at a time; the first that is seen counts as 1. */
const firsts = new Map<string, number>();
function firstIncarnation(ctx: Context<State>): number {
  const key = `${ctx.host} ${ctx.self}`;
  if (!firsts.has(key)) firsts.set(key, ctx.incarnation - 1);
  return firsts.get(key)!;
}

const one = address("puppet", "one");
const two = address("puppet", "two");
const order = (kind: string, fields: Omit<Order, "kind"> = {}): Order => ({ kind, ...fields });

describe.each(worlds)("%s dispatcher", (_name, makeWorld) => {
  let world: TestWorld;
  beforeEach(() => {
    firsts.clear();
    world = makeWorld([puppet], hostEach(["puppet", "one"], ["puppet", "two"]));
  });
  afterEach(() => world.close());

  const text = async (to: Address, body: Order): Promise<string> => {
    const answer = await world.answer(to, body);
    return answer.ok ? (answer.body as Order).text! : `${answer.error}: ${answer.detail}`;
  };

  test("messages from one actor to another are handled in the order in which they were sent, where the wire does not reorder", async () => {
    // Asks travel on the ordered connection.
    const asked = [1, 2, 3, 4, 5].map(() => world.ask(one, order("who")));
    await world.until(() => asked.every(({ answers }) => answers.length === 1));
    const opened = world.open(one, order("items", { n: 1_000 }));
    await world.until(() => opened.inputs.at(-1)?.type === "closed");
    expect(opened.inputs.slice(0, -1).map((input) => input.type === "item" && (input.body as Order).n)).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i + 1),
    );
  });

  test("an ask is answered exactly once, though the actor replies twice", async () => {
    const asked = world.ask(one, order("twice"));
    await text(one, order("who"));
    await text(one, order("who"));
    expect(asked.answers).toEqual([{ ok: true, body: { kind: "said", text: "first" } }]);
  });

  test("an ask that nobody answers times out, not before its deadline, and is visible as expired", async () => {
    const beforeUs = world.nowUs();
    const answer = await world.answer(one, order("keep"), 50);
    expect(answer).toMatchObject({ ok: false, error: "timeout" });
    expect(world.nowUs() - beforeUs).toBeGreaterThanOrEqual(50_000);
    expect(world.eventsOf("expired")).toMatchObject([{ kind: "keep", to: one }]);
  });

  test("a refusal reaches the asker with its reason", async () => {
    expect(await text(one, order("dance"))).toBe("refused: unknown order dance");
  });

  test("a handler that throws has done nothing: what it said before is never heard", async () => {
    const answer = await world.answer(one, order("send and throw", { to: two }));
    expect(answer).toMatchObject({ ok: false, error: "crashed" });
    await text(one, order("who"));
    expect(await text(two, order("heard"))).toBe("");
  });

  test("a crashed actor starts again as the next incarnation: its memory is gone, its disk is not", async () => {
    expect(await text(one, order("write", { to: two }))).toBe("on disk");
    expect(await text(one, order("who"))).toBe("puppet/one#1 recovered 0");
    world.crashActor(one);
    expect(world.eventsOf("crashed")).toHaveLength(1);
    await world.until(() => world.eventsOf("started").filter(({ actor }) => actor === one).length === 2);
    expect(await text(one, order("who"))).toBe("puppet/one#2 recovered 1");
  });

  test("who had asked an actor that crashes is told, and its streams break as crashed", async () => {
    const asked = world.ask(one, order("keep"), 60_000);
    const opened = world.open(one, order("watch", { n: 3 }));
    await world.until(() => opened.inputs.length === 3);
    world.crashActor(one);
    await world.until(() => asked.answers.length > 0 && opened.inputs.length === 4);
    expect(asked.answers).toMatchObject([{ ok: false, error: "crashed" }]);
    expect(opened.inputs[3]).toMatchObject({ type: "closed", reason: "crashed" });
  });

  test("what is meant for an actor that is not there is a dead letter, and an ask for it is refused", async () => {
    const answer = await world.answer(address("puppet", "nobody"), order("who"));
    expect(answer).toMatchObject({ ok: false, error: "refused" });
    expect(await text(one, order("spawn", { to: address("puppet", "child") }))).toBe("spawned");
    await text(address("puppet", "child"), order("who"));
    world.crashActor(address("puppet", "child"));
    expect(await world.answer(address("puppet", "child"), order("who"))).toMatchObject({ ok: false, error: "refused" });
    expect(world.eventsOf("deadLetter")).toMatchObject([{ why: "no such actor" }]);
  });

  test("a child goes down with its parent", async () => {
    const child = address("puppet", "child");
    await text(one, order("spawn", { to: child }));
    expect(await text(child, order("who"))).toContain("puppet/child");
    world.crashActor(one);
    expect(world.eventsOf("stopped")).toMatchObject([{ actor: child }]);
    expect(await world.answer(child, order("who"))).toMatchObject({ ok: false });
  });

  test("a mailbox is bounded: beyond it messages are dead letters, and the actor lives on", async () => {
    expect(await text(one, order("count to", { n: 12_000, to: two }))).toBe("counted");
    await world.until(() => world.eventsOf("deadLetter").length > 0);
    expect(world.eventsOf("deadLetter")[0]).toMatchObject({ why: "mailbox full" });
    expect((await text(two, order("heard"))).split(",").length).toBeGreaterThanOrEqual(10_000);
  });

  test("an actor that drowns in messages still finishes what it began: answers go before new work", async () => {
    const handledBefore = Number(await text(one, order("busy", { n: 5_000, to: two })));
    expect(handledBefore).toBeLessThan(5_000);
  });

  test("persist before you speak: what stands in `then` waits for the disk, what stands beside it does not", async () => {
    expect(await text(one, order("write", { to: two }))).toBe("on disk");
    await world.until(() => world.events.some((event) => event.type === "deliver" && event.envelope.kind === "voted"));
    expect(await text(two, order("heard"))).toBe("heartbeat,voted");
  });

  test("a timer that is set again fires once, at the later time; one that is cancelled never does", async () => {
    await text(one, order("timers"));
    await world.until(() => world.eventsOf("timer").some(({ name }) => name === "b"));
    expect(world.eventsOf("timer").map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("a stream carries more items than its window, in order and without gaps, then ends as done", async () => {
    const opened = world.open(one, order("items", { n: 4_000 }));
    await world.until(() => opened.inputs.at(-1)?.type === "closed");
    expect(opened.inputs).toHaveLength(4_001);
    expect(opened.inputs.slice(0, 4_000).every((input, i) => input.type === "item" && (input.body as Order).n === i + 1)).toBe(true);
    expect(opened.inputs[4_000]).toMatchObject({ type: "closed", reason: "done" });
  });

  test("a message to many streams reaches each as it was when it was said", async () => {
    const opened = [world.open(one, order("watch")), world.open(one, order("watch")), world.open(one, order("watch"))];
    expect(await text(one, order("tell all"))).toBe("told");
    await world.until(() => opened.every(({ inputs }) => inputs.length === 2));
    const numbers = opened.map(({ inputs }) => inputs.map((input) => input.type === "item" && (input.body as Order).n));
    expect(numbers).toEqual([
      [1, 100],
      [2, 100],
      [3, 100],
    ]);
  });

  test("a receiver that falls too far behind is cut off as slow; nothing waits without bound", async () => {
    const opened = world.open(one, order("watch", { n: 6_000 }));
    await world.until(() => opened.inputs.at(-1)?.type === "closed");
    expect(opened.inputs.at(-1)).toMatchObject({ type: "closed", reason: "slow" });
    expect(await text(one, order("heard"))).toBe("closed slow");
  });

  test("items that the opener sends arrive in order, and closing tells the other side", async () => {
    const opened = world.open(one, order("watch"));
    opened.push(order("item", { n: 1 }));
    opened.push(order("item", { n: 2 }));
    opened.close();
    await world.until(() => world.eventsOf("deliver").some(({ envelope }) => envelope.operation === "close"));
    expect(await text(one, order("heard"))).toBe("item 1,item 2,closed done");
  });

  test("a stream may be refused", async () => {
    const opened = world.open(one, order("refuse me"));
    await world.until(() => opened.inputs.length > 0);
    expect(opened.inputs).toEqual([{ type: "closed", reason: "refused", detail: "not today" }]);
  });

  test("when a host dies, asks to it become unreachable and streams with it break, at once", async () => {
    const asked = world.ask(one, order("ask for me", { to: two }), 60_000);
    const opened = world.open(two, order("watch", { n: 1 }));
    await world.until(() => opened.inputs.length === 1 && world.eventsOf("deliver").some(({ envelope }) => envelope.kind === "keep"));
    await world.crashHost("puppet-two");
    await world.until(() => asked.answers.length > 0 && opened.inputs.length === 2);
    expect(asked.answers).toMatchObject([{ ok: true, body: { text: "unreachable" } }]);
    expect(opened.inputs[1]).toMatchObject({ type: "closed", reason: "unreachable" });
    world.startHost("puppet-two");
    await world.until(() => world.eventsOf("started").filter(({ actor }) => actor === two).length === 2);
    expect(await text(two, order("heard"))).toBe("");
  });
});
