import { blocks, judge, type WireEffect, type WireRule } from "../../runtime/rules";

const rule = (effect: WireEffect, more: Partial<WireRule> = {}): WireRule => ({
  id: "r",
  from: null,
  to: null,
  kinds: null,
  effect,
  ...more,
});
const datagram = { operation: "tell", kind: "raft.append" } as const;
const frame = { operation: "ask", kind: "api.request" } as const;
const never = () => 0.999;
const always = () => 0;

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
});
