import { address, type HostName } from "../../protocol/address";
import { decode, encode } from "../../protocol/codec";
import type { Envelope, Operation } from "../../protocol/envelope";
import { LiveClock } from "../../runtime/live/clock";
import { LiveRandom } from "../../runtime/live/random";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWire } from "../../runtime/live/wire/wire";
import { LiveWorld } from "../../runtime/live/world";
import type { WireRule } from "../../runtime/rules";
import { EventHeap } from "../../runtime/simulated/event-heap";
import { SimulatedRandom } from "../../runtime/simulated/random";
import { defaultLatencies, SimulatedWire } from "../../runtime/simulated/wire";
import type { SpokenVersions } from "../../runtime/versions";
import type { Wire } from "../../runtime/world";
import { joinedWorlds } from "../live/joined-worlds";
import { eventually } from "./worlds";

/** Hosts "a", "b" and "c", each with the wire that it speaks on. */
interface Twin {
  wire(host: HostName): Wire & { readonly versions: SpokenVersions };
  setRules(rules: readonly WireRule[]): void;
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Of the live twins; short, so that the tests need not wait long. */
const connectionTimeoutUs = 400_000;

const twins: readonly (readonly [string, () => Promise<Twin>])[] = [
  [
    "simulated wire",
    async () => {
      const heap = new EventHeap();
      const wire = new SimulatedWire(heap, new SimulatedRandom(5), defaultLatencies);
      const until = async (condition: () => boolean) => {
        while (!condition() && heap.step());
        expect(condition()).toBe(true);
      };
      return { wire: () => wire, setRules: (rules) => wire.setRules(rules), until, close: async () => {} };
    },
  ],
  [
    "live wire in one process",
    async () => {
      const wire = new LiveWire(new LiveClock(), new LiveRandom(), connectionTimeoutUs);
      return { wire: () => wire, setRules: (rules) => wire.setRules(rules), until: eventually, close: async () => {} };
    },
  ],
  [
    "live wire over WebSockets, star-shaped",
    async () => {
      const hub = new LiveWorld({ actors: [], secrets: new NoSecrets(), connectionTimeoutUs });
      const { joined, close } = await joinedWorlds(hub, ["b", "c"]);
      const worlds = new Map([
        ["a", hub],
        ["b", joined[0]!],
        ["c", joined[1]!],
      ]);
      const setRules = (rules: readonly WireRule[]) => {
        for (const world of worlds.values()) world.wire.setRules(rules);
      };
      return { wire: (host) => worlds.get(host)!.wire, setRules, until: eventually, close };
    },
  ],
];

const rule = (id: string, effect: WireRule["effect"], fields: Partial<WireRule> = {}): WireRule => ({
  id,
  from: null,
  to: null,
  kinds: null,
  effect,
  ...fields,
});

function envelope(operation: Operation, from: HostName, to: HostName, sequence: number, body: Uint8Array = new Uint8Array(0)): Envelope {
  return {
    operation,
    to: address("puppet", to),
    from: address("puppet", from),
    toIncarnation: 0,
    fromIncarnation: 1,
    id: 1,
    sequence,
    fromOpener: true,
    deadlineMs: 0,
    kind: "test",
    body,
  };
}

describe.each(twins)("%s", (_name, make) => {
  let twin: Twin;
  const heard = new Map<HostName, Envelope[]>();
  const broken = new Map<HostName, HostName[]>();
  beforeEach(async () => {
    twin = await make();
    for (const host of ["a", "b", "c"]) attach(host);
  });
  afterEach(() => twin.close());

  function attach(host: HostName): void {
    heard.set(host, []);
    broken.set(host, []);
    const receiver = {
      receive: (e: Envelope) => void heard.get(host)!.push(e),
      disconnected: (gone: HostName) => void broken.get(host)!.push(gone),
    };
    twin.wire(host).attach(host, receiver);
  }
  const send = (operation: Operation, from: HostName, to: HostName, sequence: number, body?: Uint8Array) =>
    twin.wire(from).send(from, to, envelope(operation, from, to, sequence, body));
  const numbers = (host: HostName) => heard.get(host)!.map(({ sequence }) => sequence);
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  test("an envelope arrives as it was sent, every field of it", async () => {
    const sent = {
      ...envelope("ask", "a", "b", 7, new Uint8Array([0, 255, 1])),
      toIncarnation: 3,
      fromIncarnation: 1_790_000_000_000,
      deadlineMs: 250,
    };
    twin.wire("a").send("a", "b", sent);
    await twin.until(() => heard.get("b")!.length === 1);
    const [received] = heard.get("b")!;
    expect({ ...received, body: [...received!.body] }).toEqual({ ...sent, body: [0, 255, 1] });
  });

  test.each([
    ["a", "b"],
    ["b", "a"],
    ["b", "c"],
  ])("what belongs to the connection from %s to %s arrives in order and once", async (from, to) => {
    for (const sequence of upTo(2_000)) send("item", from, to, sequence);
    await twin.until(() => heard.get(to)!.length >= 2_000);
    expect(numbers(to)).toEqual(upTo(2_000));
  });

  test("with a delay that varies, a connection keeps its order", async () => {
    twin.setRules([rule("jitter", { type: "delay", minUs: 0, maxUs: 20_000 })]);
    for (const sequence of upTo(100)) send("item", "a", "b", sequence);
    await twin.until(() => heard.get("b")!.length === 100);
    expect(numbers("b")).toEqual(upTo(100));
  });

  test("loss takes datagrams and only delays what belongs to a connection", async () => {
    twin.setRules([rule("lossy", { type: "loss", probability: 0.5 }, { from: ["b"] })]);
    for (const sequence of upTo(200)) send("tell", "b", "c", sequence);
    for (const sequence of upTo(3)) send("item", "b", "c", 1_000 + sequence);
    await twin.until(() => numbers("c").includes(1_003));
    const datagrams = numbers("c").filter((sequence) => sequence <= 200);
    expect(datagrams.length).toBeGreaterThan(50);
    expect(datagrams.length).toBeLessThan(150);
    expect(numbers("c").filter((sequence) => sequence > 1_000)).toEqual([1_001, 1_002, 1_003]);
  });

  test("what is blocked is held and goes on in order when the block ends", async () => {
    twin.setRules([rule("cut", { type: "block" }, { from: ["a"], to: ["b"] })]);
    for (const sequence of upTo(5)) send("item", "a", "b", sequence);
    send("tell", "a", "b", 99);
    send("item", "b", "a", 1);
    await twin.until(() => heard.get("a")!.length === 1);
    expect(numbers("b")).toEqual([]);
    twin.setRules([]);
    send("item", "a", "b", 6);
    await twin.until(() => heard.get("b")!.length === 6);
    expect(numbers("b")).toEqual(upTo(6));
  });

  test("a connection that stays blocked breaks, and both ends are told; what it held is lost", async () => {
    twin.setRules([rule("cut", { type: "block" }, { from: ["b"], to: ["c"] })]);
    send("item", "b", "c", 1);
    await twin.until(() => broken.get("b")!.length > 0 && broken.get("c")!.length > 0);
    expect([broken.get("b"), broken.get("c"), broken.get("a")]).toEqual([["c"], ["b"], []]);
    twin.setRules([]);
    send("item", "b", "c", 2);
    await twin.until(() => heard.get("c")!.length > 0);
    expect(numbers("c")).toEqual([2]);
  });

  test("when a host goes away, those who spoke with it are told", async () => {
    send("item", "a", "b", 1);
    send("item", "c", "b", 1);
    await twin.until(() => heard.get("b")!.length === 2);
    twin.wire("b").detach("b");
    await twin.until(() => broken.get("a")!.includes("b") && broken.get("c")!.includes("b"));
    expect(broken.get("b")).toEqual([]);
  });

  test("who speaks to a host that is not there is told that the connection broke; a datagram to it just vanishes", async () => {
    twin.wire("b").detach("b");
    for (const host of ["a", "c"]) broken.set(host, []);
    send("tell", "c", "b", 1);
    send("ask", "c", "b", 2);
    await twin.until(() => broken.get("c")!.includes("b"));
    attach("b");
    send("item", "c", "b", 3);
    await twin.until(() => heard.get("b")!.length > 0);
    expect(numbers("b")).toEqual([3]);
  });

  test("a large message passes", async () => {
    const body = new Uint8Array(3 * 2 ** 20).fill(7);
    send("answer", "b", "c", 1, body);
    await twin.until(() => heard.get("c")!.length === 1);
    expect(Buffer.compare(heard.get("c")![0]!.body, body)).toBe(0);
  });

  test("what is clogged is held, datagrams too, and all of it comes when the clog is gone", async () => {
    twin.setRules([rule("clog", { type: "clog" }, { from: ["b"], to: ["c"] })]);
    for (const sequence of upTo(5)) send("tell", "b", "c", sequence);
    for (const sequence of upTo(5)) send("item", "b", "c", 10 + sequence);
    send("tell", "b", "a", 1);
    await twin.until(() => heard.get("a")!.length === 1);
    expect(numbers("c")).toEqual([]);
    twin.setRules([]);
    await twin.until(() => heard.get("c")!.length === 10);
    expect(numbers("c").filter((sequence) => sequence <= 5)).toHaveLength(5);
    expect(numbers("c").filter((sequence) => sequence > 5)).toEqual([11, 12, 13, 14, 15]);
    expect(broken.get("b")).toEqual([]);
  });

  test("a frame with a wrong bit is refused: a datagram is lost, a connection breaks and both ends are told", async () => {
    twin.setRules([rule("noise", { type: "corrupt", probability: 1 }, { from: ["b"], to: ["c"] })]);
    for (const sequence of upTo(20)) send("tell", "b", "c", sequence);
    send("ask", "b", "c", 99, new Uint8Array(1_000).fill(3));
    await twin.until(() => broken.get("b")!.length > 0 && broken.get("c")!.length > 0);
    expect(heard.get("c")).toEqual([]);
    expect([broken.get("b"), broken.get("c"), broken.get("a")]).toEqual([["c"], ["b"], []]);
    twin.setRules([]);
    send("ask", "b", "c", 100);
    await twin.until(() => heard.get("c")!.length > 0);
    expect(numbers("c")).toEqual([100]);
  });

  test("a narrow connection carries everything, in order, as slowly as its bandwidth says", async () => {
    twin.setRules([rule("narrow", { type: "bandwidth", bytesPerSecond: 100_000, queueBytes: 1_000 })]);
    const body = new Uint8Array(400);
    for (const sequence of upTo(20)) send("item", "a", "b", sequence, body);
    send("tell", "a", "b", 99, body);
    send("tell", "a", "c", 1, body);
    // Twenty times 500 bytes take a tenth of a second.
    await twin.until(() => heard.get("c")!.length === 1);
    expect(heard.get("b")!.length).toBeLessThan(20);
    await twin.until(() => heard.get("b")!.length === 20);
    expect(numbers("b")).toEqual(upTo(20));
  });

  test("hosts of neighbouring versions understand each other, whatever else the later one says", async () => {
    const body = encode({ kind: "test", text: "hello" } as never);
    twin.wire("a").versions.set("a", 1);
    send("ask", "a", "b", 1, body);
    send("answer", "b", "a", 2, body);
    await twin.until(() => heard.get("b")!.length === 1 && heard.get("a")!.length === 1);
    expect(decode(heard.get("b")![0]!.body)).toMatchObject({ kind: "test", text: "hello" });
    expect(decode(heard.get("a")![0]!.body)).toEqual({ kind: "test", text: "hello" });
    twin.wire("a").versions.set("a", -1);
    send("ask", "a", "b", 3, body);
    send("tell", "b", "a", 4, body);
    await twin.until(() => heard.get("b")!.length === 2 && heard.get("a")!.length === 2);
    expect(decode(heard.get("b")![1]!.body)).toEqual({ kind: "test", text: "hello" });
  });
});
