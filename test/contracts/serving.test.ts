import { address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { CloseReason } from "../../runtime/actor";
import { type ServedRequest, type ServedStream, type Service, servingActor } from "../../runtime/serving";
import { type TestWorld, worlds } from "./worlds";

interface Order extends Message {
  readonly n?: number;
}

/** A service that keeps all it is asked; tests answer in its place, outside of all turns. */
class Puppet implements Service<Order> {
  readonly asks: ServedRequest<Order>[] = [];
  readonly streams: { readonly body: Order; readonly stream: ServedStream; readonly heard: string[] }[] = [];

  asked(request: ServedRequest<Order>): void {
    if (request.body.kind === "boom") throw new Error("on purpose");
    this.asks.push(request);
  }

  opened(body: Order, stream: ServedStream) {
    const heard: string[] = [];
    this.streams.push({ body, stream, heard });
    return {
      item: ({ n }: Order) => void heard.push(`item ${n}`),
      drained: () => void heard.push("drained"),
      closed: (reason: CloseReason) => void heard.push(`closed ${reason}`),
    };
  }
}

const there = address("service", "one");
const order = (kind: string, n?: number): Order => ({ kind, ...(n === undefined ? {} : { n }) });

describe.each(worlds)("%s service", (_name, makeWorld) => {
  let world: TestWorld;
  let puppet: Puppet;
  beforeEach(() => {
    puppet = new Puppet();
    const services = [{ address: there, service: puppet as unknown as Service }];
    world = makeWorld([servingActor("service")], [{ name: "service-one", zone: "a", actors: [], services }]);
  });
  afterEach(() => world.close());

  const opened = async (body = order("watch")) => {
    const here = world.open(there, body);
    const before = puppet.streams.length;
    await world.until(() => puppet.streams.length > before);
    return { here, there: puppet.streams.at(-1)! };
  };

  test("is asked, and answers at any time later; only its first answer counts", async () => {
    const asked = world.ask(there, order("question", 1));
    await world.until(() => puppet.asks.length === 1);
    const [request] = puppet.asks;
    expect(request).toMatchObject({ from: address("gateway", "outside"), body: { kind: "question", n: 1 }, deadlineMs: 5_000 });
    expect(asked.answers).toEqual([]);
    request!.reply(order("first"));
    request!.refuse("second thoughts");
    request!.reply(order("second"));
    await world.until(() => asked.answers.length > 0);
    const other = world.ask(there, order("question", 2));
    await world.until(() => puppet.asks.length === 2);
    puppet.asks[1]!.refuse("not today");
    await world.until(() => other.answers.length > 0);
    expect(asked.answers).toEqual([{ ok: true, body: { kind: "first" } }]);
    expect(other.answers).toEqual([{ ok: false, error: "refused", detail: "not today" }]);
  });

  test("that never answers leaves the ask to its deadline", async () => {
    expect(await world.answer(there, order("question"), 50)).toMatchObject({ ok: false, error: "timeout" });
  });

  test("hears the items of whoever opened a stream, in order, and its end", async () => {
    const stream = await opened(order("watch", 7));
    expect(stream.there.body).toEqual({ kind: "watch", n: 7 });
    for (let n = 1; n <= 3; n++) stream.here.push(order("item", n));
    stream.here.close();
    await world.until(() => stream.there.heard.length === 4);
    expect(stream.there.heard).toEqual(["item 1", "item 2", "item 3", "closed done"]);
  });

  test("pushes as much as the window takes, holds on, and goes on when the receiver has made room: nothing is cut, nothing lost", async () => {
    const { here, there } = await opened();
    const total = 3_000;
    let n = 0;
    let waves = 0;
    while (n < total) {
      waves++;
      const before = there.heard.length;
      let room = true;
      while (room && n < total) room = there.stream.push(order("item", ++n));
      if (n < total) await world.until(() => there.heard.length > before);
    }
    there.stream.close("done", "that was all");
    await world.until(() => here.inputs.at(-1)?.type === "closed");
    expect(waves).toBeGreaterThan(total / 256 - 1);
    expect(new Set(there.heard)).toEqual(new Set(["drained"]));
    expect(here.inputs.slice(0, -1).map((input) => input.type === "item" && (input.body as Order).n)).toEqual(
      Array.from({ length: total }, (_, i) => i + 1),
    );
    expect(here.inputs.at(-1)).toEqual({ type: "closed", reason: "done", detail: "that was all" });
  });

  test("that pushes on regardless is cut as slow, and told so", async () => {
    const { here, there } = await opened();
    // Credits come back late.
    world.addRule({ id: "far", from: null, to: null, kinds: null, effect: { type: "delay", minUs: 500_000, maxUs: 500_000 } });
    for (let n = 1; n <= 6_000; n++) there.stream.push(order("item", n));
    await world.until(() => here.inputs.at(-1)?.type === "closed" && there.heard.at(-1) === "closed slow");
    expect(here.inputs.at(-1)).toMatchObject({ type: "closed", reason: "slow" });
    expect(there.stream.push(order("item", 6_001))).toBe(false);
  });

  test("may refuse a stream", async () => {
    const { here, there } = await opened();
    there.stream.close("refused", "not today");
    await world.until(() => here.inputs.length > 0);
    expect(here.inputs).toEqual([{ type: "closed", reason: "refused", detail: "not today" }]);
    expect(there.heard).toEqual([]);
  });

  test("that throws has crashed its actor: whoever asked is told, its streams end on both sides, and it serves on", async () => {
    const asked = world.ask(there, order("question"), 60_000);
    const stream = await opened();
    expect(await world.answer(there, order("boom"))).toMatchObject({ ok: false, error: "crashed" });
    await world.until(() => stream.here.inputs.length > 0 && asked.answers.length > 0);
    expect(asked.answers).toMatchObject([{ ok: false, error: "crashed" }]);
    expect(stream.here.inputs).toMatchObject([{ type: "closed", reason: "crashed" }]);
    expect(stream.there.heard).toEqual(["closed crashed"]);
    // What it still says for its former life reaches nobody.
    puppet.asks[0]!.reply(order("late"));
    stream.there.stream.push(order("late"));
    await world.until(() => world.eventsOf("started").filter(({ actor }) => actor === there).length === 2);
    const again = world.ask(there, order("question"));
    await world.until(() => puppet.asks.length === 2);
    puppet.asks[1]!.reply(order("answer"));
    await world.until(() => again.answers.length > 0);
    expect(again.answers).toEqual([{ ok: true, body: { kind: "answer" } }]);
    expect([asked.answers.length, stream.here.inputs.length]).toEqual([1, 1]);
  });

  test("learns that its host has died, and serves again when the host is back", async () => {
    const stream = await opened();
    await world.crashHost("service-one");
    await world.until(() => stream.there.heard.length > 0 && stream.here.inputs.length > 0);
    expect(stream.there.heard).toEqual(["closed crashed"]);
    expect(stream.here.inputs).toMatchObject([{ type: "closed", reason: "unreachable" }]);
    world.startHost("service-one");
    const again = world.ask(there, order("question"));
    await world.until(() => puppet.asks.length === 1);
    puppet.asks[0]!.reply(order("answer"));
    await world.until(() => again.answers.length > 0);
    expect(again.answers).toEqual([{ ok: true, body: { kind: "answer" } }]);
  });
});
