import { defaultKnobs } from "../../actors/api-server/config";
import { leaderElectionTimes } from "../../actors/client/leader-elector";
import { etcdFlags, etcdSettings } from "../../actors/etcd/settings";
import { kubeletTimes } from "../../actors/kubelet/config";
import { parseDurationMs } from "../../protocol/kinds/duration";
import { type Knob, knobs, readKnob } from "../../scenarios/knobs";

const namesOf = (component: string) =>
  knobs.filter(({ name }) => name.startsWith(`${component}.`)).map(({ name }) => name.slice(component.length + 1));

/** The default as an actor takes it. */
function standard(knob: Knob): unknown {
  if (knob.unit === "flag") return knob.default === "true";
  if (knob.unit === "number") return Number(knob.default);
  return parseDurationMs(knob.default)! / (knob.unit === "seconds" ? 1000 : 1);
}

describe("the index of knobs is what the actors take", () => {
  it("has every knob of the API server, with its default", () => {
    const listed = knobs.filter(({ name }) => name.startsWith("kube-apiserver."));
    expect(Object.fromEntries(listed.map((knob) => [knob.name.slice("kube-apiserver.".length), standard(knob)]))).toEqual(defaultKnobs);
  });

  it("has every setting of etcd, with its default", () => {
    expect(namesOf("etcd").sort()).toEqual([...etcdFlags].sort());
    const given = knobs.filter(({ name }) => name.startsWith("etcd.")).map((knob) => [knob.name.slice("etcd.".length), standard(knob)]);
    expect(etcdSettings(Object.fromEntries(given))).toEqual(etcdSettings());
  });

  it("gives the other components their own defaults, in the units they take", () => {
    const given = (component: string) =>
      Object.fromEntries(
        knobs.filter(({ name }) => name.startsWith(`${component}.`)).map((knob) => [knob.name.slice(component.length + 1), standard(knob)]),
      ) as Record<string, number>;
    expect(kubeletTimes(given("kubelet"))).toEqual(kubeletTimes());
    for (const component of ["kube-controller-manager", "kube-scheduler"])
      expect(leaderElectionTimes(given(component))).toEqual(leaderElectionTimes());
  });

  it("names no knob twice", () => {
    expect(new Set(knobs.map(({ name }) => name)).size).toBe(knobs.length);
  });

  it("reads each default as it is written", () => {
    for (const knob of knobs) {
      const written = knob.unit === "flag" ? knob.default === "true" : knob.unit === "number" ? Number(knob.default) : knob.default;
      expect(readKnob(knob, written)).toEqual({ value: standard(knob) });
    }
  });
});
