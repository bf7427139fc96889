import { type Distribution, drawn, naturalLogarithm } from "../../runtime/distributions";
import { blocks, judge, type Passing, type WireEffect, type WireRule } from "../../runtime/rules";

const rule = (effect: WireEffect, more: Partial<WireRule> = {}): WireRule => ({
  id: "r",
  from: null,
  to: null,
  kinds: null,
  effect,
  ...more,
});
const datagram = { operation: "tell", kind: "raft.append", body: new Uint8Array(0) } as const;
const frame = { operation: "ask", kind: "api.request", body: new Uint8Array(0) } as const;
const drawing = (draw: number): Passing => ({ nowUs: 0, draw: () => draw, sentByUs: new Map() });
const never = drawing(0.999);
const always = drawing(0);

describe("a wire rule", () => {
  it("says nothing about packets of other hosts, other directions or other kinds", () => {
    const block = { type: "block" } as const;
    expect(judge([rule(block, { from: ["b"] })], datagram, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0] });
    expect(judge([rule(block, { kinds: ["etcd."] })], datagram, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0] });
    expect(judge([rule(block, { from: ["a"], to: ["b"], kinds: ["raft."] })], datagram, "a", "b", always)).toEqual({ type: "blocked" });
  });

  it("never touches what stays within a host", () => {
    expect(judge([rule({ type: "block" })], datagram, "a", "a", always)).toEqual({ type: "deliver", afterUs: [0] });
  });

  it("loses datagrams, but only delays what travels on a connection", () => {
    const loss = rule({ type: "loss", probability: 0.5 });
    expect(judge([loss], datagram, "a", "b", always)).toEqual({ type: "deliver", afterUs: [] });
    expect(judge([loss], datagram, "a", "b", never)).toEqual({ type: "deliver", afterUs: [0] });
    expect(judge([loss], frame, "a", "b", always)).toEqual({ type: "deliver", afterUs: [600_000] });
  });

  it("doubles datagrams and never frames of a connection", () => {
    const double = rule({ type: "duplicate", probability: 1 });
    expect(judge([double], datagram, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0, 0] });
    expect(judge([double], frame, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0] });
  });

  it("adds up the delays of several rules", () => {
    const delay = (id: string, us: number) => rule({ type: "delay", minUs: us, maxUs: us }, { id });
    expect(judge([delay("x", 100), delay("y", 20)], frame, "a", "b", always)).toEqual({ type: "deliver", afterUs: [120] });
  });

  it("blocks a connection only where it blocks every kind", () => {
    expect(blocks([rule({ type: "block" })], "a", "b")).toBe(true);
    expect(blocks([rule({ type: "block" }, { kinds: ["raft."] })], "a", "b")).toBe(false);
  });

  it("clogs datagrams and connections alike, and a connection that is clogged carries nothing", () => {
    const clog = rule({ type: "clog" });
    expect(judge([clog], datagram, "a", "b", always)).toEqual({ type: "clogged" });
    expect(judge([clog], frame, "a", "b", always)).toEqual({ type: "clogged" });
    expect(blocks([clog], "a", "b")).toBe(true);
  });

  it("replays datagrams long after, and never what travels on a connection", () => {
    const replay = rule({ type: "replay", probability: 1, minUs: 5e6, maxUs: 9e6 });
    expect(judge([replay], datagram, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0, 5e6] });
    expect(judge([replay], frame, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0] });
  });

  it("marks what is to arrive with a wrong bit", () => {
    const corrupt = rule({ type: "corrupt", probability: 0.5 });
    expect(judge([corrupt], frame, "a", "b", always)).toEqual({ type: "deliver", afterUs: [0], damaged: true });
    expect(judge([corrupt], frame, "a", "b", never)).toEqual({ type: "deliver", afterUs: [0] });
  });

  it("lets so many bytes pass in a second: packets wait for those before them, and datagrams are lost where the queue is full", () => {
    const narrow = rule({ type: "bandwidth", bytesPerSecond: 1_000, queueBytes: 250 });
    const passing = drawing(0);
    const hit: string[] = [];
    // An empty body weighs 100 bytes: a tenth of a second.
    const sent = (packet: typeof datagram | typeof frame) => judge([narrow], packet, "a", "b", passing, (id) => hit.push(id));
    expect(sent(datagram)).toEqual({ type: "deliver", afterUs: [100_000] });
    expect(hit).toEqual([]);
    expect(sent(datagram)).toEqual({ type: "deliver", afterUs: [200_000] });
    expect(sent(datagram)).toEqual({ type: "deliver", afterUs: [300_000] });
    expect(sent(datagram)).toEqual({ type: "deliver", afterUs: [] });
    expect(sent(frame)).toEqual({ type: "deliver", afterUs: [400_000] });
    expect(hit).toHaveLength(4);
    expect(judge([narrow], datagram, "a", "b", { ...passing, nowUs: 400_000 })).toEqual({ type: "deliver", afterUs: [100_000] });
  });
});

describe("distributions of delays", () => {
  const quantile = (distribution: Distribution, d: number) => drawn(distribution, 1_000, 1_000_000, d);

  it("are what they are named after, within their bounds", () => {
    expect([0, 0.5].map((d) => quantile("uniform", d))).toEqual([1_000, 500_500]);
    expect([0, 0.5, 0.99, 0.999999].map((d) => quantile("slow-tail", d))).toEqual([1_000, 2_000, 99_999, 1_000_000]);
    expect(quantile("exponential", 0)).toBe(1_000);
    expect(quantile("exponential", 0.5)).toBeCloseTo(1_000 + (999_000 / 4) * Math.LN2, -1);
    expect(quantile("exponential", 0.9999)).toBe(1_000_000);
  });

  it("rest on a logarithm of additions and divisions that is as good as the library's", () => {
    for (let i = 1; i <= 1_000; i++) expect(naturalLogarithm(i / 1_000)).toBeCloseTo(Math.log(i / 1_000), 12);
  });
});
