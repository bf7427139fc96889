import { readManifests } from "../../../scenarios/manifests";
import { readBaseline, regressions } from "../../../scenarios/rehearse/baseline";
import { changesText, withChanges } from "../../../scenarios/rehearse/change";
import { explain, type Standing } from "../../../scenarios/rehearse/failure-cause";
import { percent, type RunReport } from "../../../scenarios/rehearse/judgement";
import { summed } from "../../../scenarios/rehearse/rehearsal";
import { deployment } from "./small";

const run = (rest: Partial<RunReport> = {}): RunReport => ({
  ...{ service: "shop/web", storm: "node-lost", about: "node-0", requests: 100, failed: 20, availability: 80 },
  ...{ longestOutageMs: 1000, recoveryMs: 1000, recovered: true, detectionMs: null, restoredMs: 0, verdict: "violated", violations: ["a"] },
  ...rest,
});

describe("against a baseline", () => {
  it.each<[string, Partial<RunReport>, Partial<RunReport> | undefined, boolean]>([
    ["what held then and is violated now is worse", {}, { verdict: "held" }, true],
    ["what was not there then is worse", {}, undefined, true],
    ["what was as bad is known", {}, {}, false],
    ["a little worse is chance", { availability: 79.5 }, {}, false],
    ["a point of availability is not", { availability: 78 }, {}, true],
    ["nor seconds of outage", { longestOutageMs: 4000 }, {}, true],
    ["nor another objective", { violations: ["a", "b"] }, {}, true],
    ["what holds is never worse", { verdict: "held" }, { verdict: "held" }, false],
  ])("%s", (_what, now, then, worse) => {
    expect(regressions([run(now)], { runs: then === undefined ? [] : [run(then)] }).length > 0).toBe(worse);
  });

  it("is refused when it is none, or of another version", () => {
    expect(readBaseline("{")).toMatchObject({ ok: false, message: expect.stringMatching(/^not JSON/) });
    expect(readBaseline('{"rehearsalVersion":9}')).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^\$\.rehearsalVersion: 9 is of another version/),
    });
  });
});

describe("a Service over all runs", () => {
  it("is summed up: all requests, the worst run, the longest times, and whether replicas ever came back", () => {
    const runs = [run(), run({ about: "node-1", requests: 300, failed: 0, availability: 100, restoredMs: null, verdict: "held" })];
    expect(summed("shop/web", { file: "f", line: 1 }, runs)).toMatchObject({
      availability: 95,
      worst: { about: "node-0", availability: 80 },
      restoredMs: null,
      verdict: "violated",
    });
  });

  it("never reads as whole when it was not", () => {
    expect([percent(99.999), percent(100)]).toEqual(["99.99 %", "100 %"]);
  });
});

describe("why a request failed", () => {
  const endpoint = (pod: string, node: string) => ({ pod, ip: "10.0.0.1", node, ready: true, serving: true });
  const standing: Standing = {
    endpoints: [endpoint("shop/a", "node-0"), endpoint("shop/b", "node-1")],
    isLost: (node) => node === "node-1",
    podAt: (ip) =>
      ip === "10.0.0.9"
        ? undefined
        : { pod: "shop/a", node: "node-0", isLeaving: ip === "10.0.0.3", startedUs: 5, exitedUs: ip === "10.0.0.4" ? 6 : -1 },
    pod: (name) => ({ pod: name, node: "node-0", isLeaving: false, startedUs: 5, exitedUs: 6 }),
    keepsLocal: false,
  };
  const failed = { outcome: "refused", detail: "", code: 0, servedBy: "", via: "node-0", beganUs: 10 };
  const nobody = (ip: string) => `connect: connection refused: nobody listens on ${ip}:80`;
  it.each<[string, Partial<typeof failed>, Partial<Standing>, string]>([
    ["the Service has nobody", { detail: "shop/web has no endpoints" }, {}, "no-endpoint "],
    ["the pod does not listen yet", { detail: nobody("10.0.0.1") }, {}, "not-listening-yet shop/a"],
    ["the pod is on its way out", { detail: nobody("10.0.0.3") }, {}, "terminating shop/a"],
    ["its container has crashed", { detail: nobody("10.0.0.4") }, {}, "crashed shop/a"],
    ["it is gone", { outcome: "unreachable", detail: "no pod has 10.0.0.9 here" }, {}, "terminating 10.0.0.9"],
    ["its container exits meanwhile", { detail: "the connection to shop/a was reset: the container exited" }, {}, "crashed shop/a"],
    [
      "its node is lost, and the proxy knows",
      { outcome: "unreachable", detail: "container-runtime/node-1: unreachable: broke" },
      {},
      "lost-node node-1",
    ],
    ["nobody says anything, and one pod's node is lost", { outcome: "timeout" }, {}, "lost-node node-1"],
    ["nobody says anything, and all are well", { outcome: "timeout" }, { isLost: () => false }, "no-answer node-0"],
    ["it came in at a lost node", { outcome: "timeout", via: "node-1" }, {}, "entry node-1"],
    ["traffic stays on a node without a pod", { outcome: "timeout", via: "node-2" }, { keepsLocal: true }, "no-local-endpoint node-2"],
    [
      "what it depends on failed",
      { outcome: "answered", code: 503, detail: "depends on shop/db: timeout", servedBy: "shop/a" },
      {},
      "dependency shop/db",
    ],
    ["it answers with an error", { outcome: "answered", code: 500, servedBy: "shop/a" }, {}, "error-answer shop/a 500"],
  ])("%s", (_what, request, other, expected) => {
    const { cause, subject } = explain({ ...failed, ...request }, { ...standing, ...other });
    expect(`${cause} ${subject}`).toBe(expected);
  });
});

describe("a change", () => {
  const { manifests } = readManifests([{ file: "m.yaml", text: deployment() }]);
  const changes = [
    { type: "set", id: "Deployment default/web", path: ["spec", "replicas"], value: 3 },
    { type: "set", id: "Deployment default/web", path: ["spec", "template", "spec", "containers", 0, "readinessProbe"] },
    { type: "add", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "default" } } },
  ] as const;

  it("is made to the objects, and leaves the originals as they are", () => {
    const [web, , added] = withChanges(manifests, changes);
    expect(web!.object).toMatchObject({ spec: { replicas: 3 } });
    expect(JSON.stringify(web!.object)).not.toContain("readinessProbe");
    expect(added!.object).toMatchObject({ kind: "ConfigMap" });
    expect(manifests[0]!.object).toMatchObject({ spec: { replicas: 2 } });
  });

  it("reads as YAML that could be pasted", () => {
    expect(changesText(changes)).toBe(
      "# Deployment default/web\nspec:\n  replicas: 3\n---\n# Deployment default/web: without spec.template.spec.containers.0.readinessProbe\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: default",
    );
  });
});
