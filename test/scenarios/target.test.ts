import fc from "fast-check";
import { type HostFacts, modes, resolve, type Selector } from "../../scenarios/target";

const hosts: readonly HostFacts[] = [
  { name: "etcd-0", zone: "a", role: "etcd", up: true, leads: false },
  { name: "etcd-1", zone: "b", role: "etcd", up: true, leads: true },
  { name: "etcd-2", zone: "c", role: "etcd", up: false, leads: false },
  { name: "node-0", zone: "a", role: "node", up: true, leads: false },
  { name: "node-1", zone: "b", role: "node", up: true, leads: false },
  { name: "node-2", zone: "a", role: "node", up: true, leads: false },
];
const half = () => 0.5;

describe("selectors and modes (Chaos Mesh's)", () => {
  it("finds the leader of that moment", () => {
    expect(resolve({ role: "etcd", is: "leader" }, hosts, half)).toEqual(["etcd-1"]);
  });

  it("takes one host unless told otherwise, and all that are named", () => {
    expect(resolve({ role: "node" }, hosts, half)).toHaveLength(1);
    expect(resolve({ hosts: ["node-2", "node-0"] }, hosts, half)).toEqual(["node-0", "node-2"]);
  });

  it("leaves out hosts that are down, unless they are named", () => {
    expect(resolve({ role: "etcd", mode: "all" }, hosts, half)).toEqual(["etcd-0", "etcd-1"]);
    expect(resolve({ hosts: ["etcd-2"] }, hosts, half)).toEqual(["etcd-2"]);
  });

  it("counts as its mode says", () => {
    const count = (selector: Selector, draw = half) => resolve({ zone: "a", role: "node", ...selector }, hosts, draw).length;
    expect(count({ mode: "all" })).toBe(2);
    expect(count({ mode: "fixed", value: 1 })).toBe(1);
    expect(count({ mode: "fixed-percent", value: 50 })).toBe(1);
    expect(count({ mode: "random-max-percent", value: 100 }, () => 0.9)).toBe(2);
    expect(count({ mode: "random-max-percent", value: 100 }, () => 0)).toBe(0);
  });

  it("never takes a host twice, nor one that does not match", () => {
    const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...modes), fc.integer({ min: 0, max: 100 }), draws, (mode, value, drawn) => {
        const found = resolve({ zone: "a", mode, value }, hosts, (i) => drawn[i % drawn.length]!);
        expect(new Set(found).size).toBe(found.length);
        for (const name of found) expect(hosts.find((host) => host.name === name)!.zone).toBe("a");
      }),
      { seed: 1 },
    );
  });
});
