import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLive } from "../../cli/live/live-run";
import { loadScenario } from "../../cli/load";
import { writeFiles } from "../../cli/outcome";

jest.setTimeout(120_000);

const cluster = "cluster: { etcd: 3, apiServers: 1, controllers: 1, nodes: 1 }\n";
const live = `name: live
title: A short storm on a live cluster
${cluster}manifests: [app.yaml, account.yaml]
operator: { file: ./marks.ts, serviceAccount: default/marks }
audit: { omitStages: [RequestReceived], rules: [{ level: Metadata, users: ["system:serviceaccount:default:marks"], verbs: [create] }, { level: None }] }
load:
  - { service: default/web, requestsPerSecond: 10 }
  - { workload: registers, requestsPerSecond: 20, keys: 2, processes: 3 }
settle: 60s
storm:
  - { at: 500ms, fault: crash, target: { role: etcd, is: leader }, for: 2s }
  - { at: 1s, fault: clock-jump, target: { role: control }, by: 10s, for: 1s }
  - { cron: "@every 1s", times: 1, fault: pause, target: { role: operator }, for: 200ms }
  - { at: 3s, fault: crash, target: { hosts: [node-0] }, for: 1s }
stormFor: 4s
calm: { within: 60s, stay: 1s, coreOnly: true }
expect:
  - raft-election-safety
  - raft-committed
  - store-agreement
  - acknowledged-writes
  - linearizability
  - pod-bound-once
  - convergence
  - { check: service-availability, service: default/web, atLeast: 20% }
`;
const app = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;
/** The operator may make ConfigMaps; that it needs Secrets as well has been forgotten. */
const account = `apiVersion: v1
kind: ServiceAccount
metadata: { name: marks, namespace: default }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: marks }
rules:
  - { apiGroups: [""], resources: [configmaps], verbs: [create] }
  - { apiGroups: [apps], resources: [deployments], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: marks }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: marks }
subjects: [{ kind: ServiceAccount, name: marks, namespace: default }]
`;
const marks = `import { configMaps, create, deployments, keyOf, secrets, watch } from "wavetank";
export default {
  name: "marks",
  watches: [watch(deployments, (one) => [keyOf(one)])],
  reconcile: () => {
    const metadata = { name: "mark", namespace: "default" };
    return { steps: [create(configMaps, { metadata }, { ignore: ["AlreadyExists"] }), create(secrets, { metadata }, { ignore: ["Forbidden"] })] };
  },
};
`;

describe("a scenario on a live cluster", () => {
  const folder = mkdtempSync(join(tmpdir(), "wavetank-run-live-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const quietly = {
    seed: 1,
    untilMs: undefined,
    processes: true,
    looksClosely: true,
    onTimeline: () => {},
    onProgress: () => {},
    interrupted: () => false,
  };

  it("goes through the same course: manifests, storm, clients, calm, and the same checks judge the same facts", async () => {
    file("app.yaml", app);
    file("account.yaml", account);
    file("marks.ts", marks);
    const loaded = loadScenario(file("live.yaml", live));
    let told = 0;
    // Once, for so long, nothing in this process can go on.
    const stall = () => {
      for (const untilMs = performance.now() + 300; performance.now() < untilMs; );
    };
    const stalls = () => void (told++ === 0 && setTimeout(stall, 5));
    const { result, closeUp, lateMs } = await runLive(loaded, { ...quietly, onProgress: stalls });
    expect(lateMs).toBeGreaterThan(200);
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.verdict).toBe("held");
    const [crash, jump, pause, kill] = result.steps;
    expect(pause).toMatchObject({ name: "pause", effect: expect.stringContaining("operator-marks"), wrong: "" });
    // The operator came as its ServiceAccount, and could do what that may.
    const answer = (resource: string, code: number) =>
      expect.objectContaining({
        objectRef: expect.objectContaining({ resource }),
        responseStatus: expect.objectContaining({ code }),
      });
    expect(result.series.audit!.events).toEqual(expect.arrayContaining([answer("configmaps", 201), answer("secrets", 403)]));
    expect(result.series.audit!.events).not.toContainEqual(answer("secrets", 201));
    // The node was a process, which has been killed; another one has taken its place.
    expect(kill).toMatchObject({ name: "crash", effect: "node-0 killed and started again", wrong: "" });
    expect(crash).toMatchObject({ name: "crash", effect: expect.stringMatching(/^etcd-\d killed and started again/), wrong: "" });
    expect(jump).toMatchObject({ effect: "the clocks of control-0 were 10 s off", wrong: "" });
    expect(result.probes).toMatchObject({ faults: 4, podsBound: 1 });
    expect(result.probes.etcdElections).toBeGreaterThan(1);
    expect(result.probes.containersStarted).toBeGreaterThan(0);
    expect(result.probes.requests).toBeGreaterThan(20);
    expect(result.checks.find(({ name }) => name === "linearizability")!.reached).toBeGreaterThan(10);
    // The report shows what was reacted to.
    expect(result.focus.why).toMatch(/leads etcd/);
    expect(closeUp!.messages.some(({ kind, arrivedUs }) => kind === "raft.vote" && arrivedUs.length > 0)).toBe(true);
    expect(closeUp!.messages.some(({ to, arrivedUs }) => to === crash!.effect.slice(0, 6) && arrivedUs.length === 0)).toBe(true);
    const out = mkdtempSync(join(folder, "out-"));
    writeFiles(out, loaded, result, { replayLine: "again", closeUp });
    for (const name of ["report.html", "run.json", "junit.xml", "trace.json"]) expect(existsSync(join(out, name))).toBe(true);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain('id="space-time"');
  });

  it.each([
    [
      "damage to disks",
      `storm: [{ at: 1s, fault: corrupt-disk, target: { role: etcd }, rate: 1%, for: 1s }]\n`,
      /storm\[0\]: it damages disks/,
    ],
  ])("refuses %s, with the place", async (_name, storm, expected) => {
    const path = file("no.yaml", `name: no\n${cluster}${storm}expect: [raft-committed]\n`);
    const text = await Promise.resolve()
      .then(() => runLive(loadScenario(path), quietly))
      .then(
        () => "",
        (error: Error) => error.message,
      );
    expect(text).toMatch(expected);
  });
});
