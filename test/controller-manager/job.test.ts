import { formatIndexes, parseIndexes } from "../../actors/controller-manager/job-indexes";
import type { Job, Pod } from "../../protocol/kinds/generated";
import { type Stored, timestamp } from "../../protocol/kinds/object";
import type { FakeStore, Kept } from "../client/fake-api-server";
import { cluster, eventLines, figuresOf, objectsOf } from "./cluster";

const controllers = ["job"];
const labels = { "batch.kubernetes.io/controller-uid": "uid-work" };
const job = (spec: object = {}): Kept => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { namespace: "shop", name: "work", uid: "uid-work", generation: 1 },
  spec: {
    parallelism: 2,
    completions: 4,
    backoffLimit: 2,
    completionMode: "NonIndexed",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { restartPolicy: "Never", containers: [{ name: "main", image: "work:1" }] } },
    ...spec,
  },
  status: {},
});

const jobOf = (store: FakeStore) => store.of("jobs").get("shop/work") as unknown as Stored<Job>;
const podsOf = (store: FakeStore) => objectsOf<Stored<Pod>>(store, "pods");
const conditions = (store: FakeStore) =>
  (jobOf(store).status?.conditions ?? []).filter(({ status }) => status === "True").map(({ type, reason }) => `${type} ${reason}`);

/** Ends all running pods in some way. */
function end(store: FakeStore, phase: "Succeeded" | "Failed", atMs: number, which: (pod: Stored<Pod>) => boolean = () => true): void {
  for (const pod of podsOf(store)) {
    if (pod.status?.phase !== "Running" || !which(pod)) continue;
    const state = { terminated: { exitCode: phase === "Failed" ? 1 : 0, finishedAt: timestamp(atMs) } };
    store.put("pods", "MODIFIED", {
      ...(pod as unknown as Kept),
      status: { ...pod.status, phase, conditions: [], containerStatuses: [{ name: "main", state }] },
    });
  }
}

const startMs = Date.parse("2026-01-01T00:00:00Z");

test("a Job runs `parallelism` pods at a time until `completions` have succeeded, and counts each once", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("jobs", "ADDED", job());
  simulation.runFor(10_000);
  expect(podsOf(store)).toHaveLength(2);
  expect(podsOf(store)[0]!.metadata.finalizers).toEqual(["batch.kubernetes.io/job-tracking"]);
  expect(jobOf(store).status).toMatchObject({ active: 2, ready: 2 });
  end(store, "Succeeded", startMs + 10_000);
  simulation.runFor(10_000);
  expect(jobOf(store).status).toMatchObject({ active: 2, succeeded: 2 });
  end(store, "Succeeded", startMs + 20_000);
  simulation.runFor(10_000);
  expect(jobOf(store).status).toMatchObject({ succeeded: 4, ready: 0, uncountedTerminatedPods: {} });
  expect(conditions(store)).toEqual(["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
  expect(podsOf(store)).toHaveLength(4);
  expect(podsOf(store).every((pod) => (pod.metadata.finalizers ?? []).length === 0)).toBe(true);
  expect(jobOf(store).status?.completionTime).toBeDefined();
  expect(eventLines(store)).toContain("Normal Completed: Job completed");
  // Source: kubernetes' list of stable metrics.
  const figures = figuresOf(simulation);
  const of = (name: string, labels: string) => figures.get(`job_controller_${name}{completion_mode="NonIndexed",${labels}}`);
  expect(of("jobs_finished_total", 'result="succeeded",reason="CompletionsReached"')).toBe(1);
  expect(of("job_pods_finished_total", 'result="succeeded"')).toBe(4);
  expect(of("job_syncs_total", 'result="success",action="pods_created"')).toBeGreaterThanOrEqual(2);
  expect(of("job_sync_duration_seconds_count", 'result="success",action="pods_created"')).toBe(
    of("job_syncs_total", 'result="success",action="pods_created"'),
  );
  // Making pods takes the time of its requests.
  expect(of("job_sync_duration_seconds_sum", 'result="success",action="pods_created"')).toBeGreaterThan(0.001);
});

test("failed pods are replaced after 10 s, 20 s, … until backoffLimit is passed (Jobs: pod backoff failure policy)", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("jobs", "ADDED", job({ parallelism: 1, completions: 1 }));
  const created: number[] = [];
  const fail = () => {
    created.push(podsOf(store).length);
    end(store, "Failed", startMs + simulation.now() / 1000);
  };
  simulation.runFor(8_000);
  fail();
  simulation.runFor(8_000);
  expect(podsOf(store)).toHaveLength(1);
  simulation.runFor(4_000);
  expect(podsOf(store)).toHaveLength(2);
  fail();
  simulation.runFor(18_000);
  expect(podsOf(store)).toHaveLength(2);
  simulation.runFor(5_000);
  expect(podsOf(store)).toHaveLength(3);
  fail();
  simulation.runFor(60_000);
  expect(podsOf(store)).toHaveLength(3);
  expect(jobOf(store).status).toMatchObject({ failed: 3 });
  expect(conditions(store)).toEqual(["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
  expect(eventLines(store)).toContain("Warning BackoffLimitExceeded: Job has reached the specified backoff limit");
});

test("an Indexed Job has one pod per index, and succeeds when each index has", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("jobs", "ADDED", job({ completionMode: "Indexed", parallelism: 3, completions: 3 }));
  simulation.runFor(10_000);
  const indexes = podsOf(store).map((pod) => pod.metadata.annotations!["batch.kubernetes.io/job-completion-index"]);
  expect(indexes.sort()).toEqual(["0", "1", "2"]);
  expect(podsOf(store)[0]!.spec!.hostname).toBe("work-0");
  expect(podsOf(store)[0]!.metadata.name).toMatch(/^work-0-/);
  const at = (index: string) => (pod: Stored<Pod>) => pod.metadata.annotations!["batch.kubernetes.io/job-completion-index"] === index;
  end(store, "Succeeded", startMs + 10_000, at("1"));
  end(store, "Failed", startMs + 10_000, at("2"));
  simulation.runFor(40_000);
  expect(jobOf(store).status).toMatchObject({ succeeded: 1, failed: 1, completedIndexes: "1", active: 2 });
  end(store, "Succeeded", startMs + 50_000);
  simulation.runFor(10_000);
  expect(jobOf(store).status).toMatchObject({ succeeded: 3, completedIndexes: "0-2" });
  expect(conditions(store)).toContain("Complete CompletionsReached");
});

test("after activeDeadlineSeconds the pods are deleted and the Job has failed", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("jobs", "ADDED", job({ activeDeadlineSeconds: 30 }));
  simulation.runFor(25_000);
  expect(podsOf(store)).toHaveLength(2);
  simulation.runFor(20_000);
  expect(conditions(store)).toEqual(["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
  expect(podsOf(store).filter((pod) => pod.metadata.deletionTimestamp === undefined)).toEqual([]);
});

test("a suspended Job loses its pods and its start time, and gets new ones when it is resumed", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("jobs", "ADDED", job());
  simulation.runFor(10_000);
  const change = (suspend: boolean) => {
    const current = store.of("jobs").get("shop/work")!;
    store.put("jobs", "MODIFIED", { ...current, spec: { ...(current.spec as object), suspend } });
  };
  change(true);
  simulation.runFor(10_000);
  expect(conditions(store)).toEqual(["Suspended JobSuspended"]);
  expect(jobOf(store).status?.startTime).toBeUndefined();
  expect(podsOf(store)).toEqual([]);
  change(false);
  simulation.runFor(40_000);
  expect(podsOf(store)).toHaveLength(2);
  expect(conditions(store)).toEqual([]);
  expect(jobOf(store).status?.startTime).toBeDefined();
});

test("with a watch on pods that lags, no finished pod is counted twice and none is made too many (kubernetes/kubernetes#105200)", () => {
  let held = false;
  const { simulation, store } = cluster({ controllers, holds: (resource) => held && resource === "pods" });
  store.put("jobs", "ADDED", job({ parallelism: 1, completions: 2 }));
  simulation.runFor(10_000);
  end(store, "Succeeded", startMs + 10_000);
  simulation.runFor(15);
  for (let round = 0; round < 5; round++) {
    held = true;
    simulation.runFor(20_000);
    const current = store.of("jobs").get("shop/work")!;
    store.put("jobs", "MODIFIED", { ...current, metadata: { ...current.metadata, annotations: { round: String(round) } } });
    simulation.runFor(1_000);
    held = false;
    simulation.runFor(12);
  }
  simulation.runFor(10_000);
  expect(jobOf(store).status).toMatchObject({ succeeded: 1 });
  expect(podsOf(store)).toHaveLength(2);
});

// Source: "Jobs" in the documentation, pod failure policy.
test("a pod failure policy ends the Job, ignores a disruption, or lets the failure count, by the first rule that matches", () => {
  const { simulation, store } = cluster({ controllers });
  const podFailurePolicy = {
    rules: [
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      { action: "Count", onExitCodes: { operator: "In", values: [1] } },
      { action: "FailJob", onExitCodes: { containerName: "main", operator: "NotIn", values: [7] } },
    ],
  };
  store.put("jobs", "ADDED", job({ parallelism: 1, completions: 1, backoffLimit: 1, podFailurePolicy, podReplacementPolicy: "Failed" }));
  const fail = (exitCode: number, conditions: object[] = []) => {
    const pod = podsOf(store).find(({ status }) => status?.phase === "Running")!;
    const state = { terminated: { exitCode, finishedAt: timestamp(startMs + simulation.now() / 1000) } };
    const status = { ...pod.status, phase: "Failed", conditions, containerStatuses: [{ name: "main", state }] };
    store.put("pods", "MODIFIED", { ...(pod as unknown as Kept), status } as unknown as Kept);
    return pod.metadata.name;
  };
  simulation.runFor(8_000);
  fail(9, [{ type: "DisruptionTarget", status: "True" }]);
  simulation.runFor(30_000);
  expect(jobOf(store).status).toMatchObject({ active: 1, uncountedTerminatedPods: {} });
  expect(jobOf(store).status?.failed).toBeUndefined();
  fail(1);
  simulation.runFor(60_000);
  expect(jobOf(store).status).toMatchObject({ active: 1, failed: 1 });
  const last = fail(2);
  simulation.runFor(30_000);
  expect(conditions(store)).toEqual(["FailureTarget PodFailurePolicy", "Failed PodFailurePolicy"]);
  expect(jobOf(store).status?.conditions?.[0]?.message).toBe(
    `Container main for pod shop/${last} failed with exit code 2 matching FailJob rule at index 2`,
  );
  expect(podsOf(store)).toHaveLength(3);
  expect(podsOf(store).every((pod) => (pod.metadata.finalizers ?? []).length === 0)).toBe(true);
});

// Source: "Jobs" in the documentation, backoff limit per index.
test("with backoffLimitPerIndex each index fails for itself, waits for itself, and is known by the annotation of its pods", () => {
  const { simulation, store } = cluster({ controllers });
  const limits = { completionMode: "Indexed", backoffLimit: 2 ** 31 - 1, backoffLimitPerIndex: 1 };
  store.put("jobs", "ADDED", job({ ...limits, parallelism: 3, completions: 3 }));
  const isAt = (index: number) => (pod: Stored<Pod>) =>
    pod.metadata.annotations?.["batch.kubernetes.io/job-completion-index"] === `${index}`;
  const endAt = (index: number, phase: "Succeeded" | "Failed") => end(store, phase, startMs + simulation.now() / 1000, isAt(index));
  const counts = (index: number) =>
    podsOf(store)
      .filter(isAt(index))
      .map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"])
      .sort();
  simulation.runFor(8_000);
  endAt(1, "Failed");
  simulation.runFor(6_000);
  // The failed pod alone knows of the failure: it is held, and not counted, until its successor carries that on.
  expect(counts(1)).toEqual(["0"]);
  expect(podsOf(store).find(isAt(1))!.metadata.finalizers).toHaveLength(1);
  simulation.runFor(8_000);
  expect(counts(1)).toEqual(["0", "1"]);
  expect(jobOf(store).status).toMatchObject({ active: 3, failed: 1, failedIndexes: "" });
  endAt(1, "Failed");
  simulation.runFor(60_000);
  expect(counts(1)).toEqual(["0", "1"]);
  expect(jobOf(store).status).toMatchObject({ active: 2, failed: 2, failedIndexes: "1" });
  endAt(0, "Succeeded");
  endAt(2, "Succeeded");
  simulation.runFor(10_000);
  expect(conditions(store)).toEqual(["FailureTarget FailedIndexes", "Failed FailedIndexes"]);
  expect(jobOf(store).status).toMatchObject({ succeeded: 2, completedIndexes: "0,2", failedIndexes: "1" });
});

test("FailIndex gives an index up at once, and more than maxFailedIndexes end the Job", () => {
  const { simulation, store } = cluster({ controllers });
  const podFailurePolicy = { rules: [{ action: "FailIndex", onExitCodes: { operator: "In", values: [1] } }] };
  const limits = {
    completionMode: "Indexed",
    backoffLimitPerIndex: 5,
    maxFailedIndexes: 1,
    podFailurePolicy,
    podReplacementPolicy: "Failed",
  };
  store.put("jobs", "ADDED", job({ ...limits, parallelism: 3, completions: 9 }));
  const endOne = () => {
    const [first] = podsOf(store).filter(({ status }) => status?.phase === "Running");
    end(store, "Failed", startMs + simulation.now() / 1000, ({ metadata }) => metadata.uid === first!.metadata.uid);
    simulation.runFor(10_000);
  };
  simulation.runFor(8_000);
  endOne();
  expect(jobOf(store).status).toMatchObject({ active: 3, failed: 1 });
  expect(jobOf(store).status!.failedIndexes).toMatch(/^[0-2]$/);
  endOne();
  expect(conditions(store)[0]).toBe("FailureTarget MaxFailedIndexesExceeded");
});

// Source: "Jobs" in the documentation, success policy.
test("a success policy completes the Job when the indexes that matter have succeeded, and the other pods go", () => {
  const { simulation, store } = cluster({ controllers });
  const successPolicy = { rules: [{ succeededIndexes: "7" }, { succeededIndexes: "0-2", succeededCount: 2 }] };
  store.put("jobs", "ADDED", job({ completionMode: "Indexed", parallelism: 4, completions: 8, successPolicy }));
  const succeed = (index: string) =>
    end(
      store,
      "Succeeded",
      startMs + simulation.now() / 1000,
      ({ metadata }) => metadata.annotations?.["batch.kubernetes.io/job-completion-index"] === index,
    );
  simulation.runFor(8_000);
  succeed("2");
  simulation.runFor(8_000);
  expect(conditions(store)).toEqual([]);
  succeed("0");
  simulation.runFor(20_000);
  expect(conditions(store)).toEqual(["SuccessCriteriaMet SuccessPolicy", "Complete SuccessPolicy"]);
  expect(jobOf(store).status).toMatchObject({ succeeded: 2, completedIndexes: "0,2", ready: 0, terminating: 0 });
  expect(jobOf(store).status?.conditions?.[0]?.message).toBe("Matched rules at index 1");
});

test("a Job that ended is deleted after ttlSecondsAfterFinished", () => {
  const { simulation, store } = cluster({ controllers: ["job", "ttl-after-finished"] });
  store.put("jobs", "ADDED", job({ parallelism: 1, completions: 1, ttlSecondsAfterFinished: 30 }));
  simulation.runFor(10_000);
  end(store, "Succeeded", startMs + 10_000);
  simulation.runFor(25_000);
  expect(jobOf(store).metadata.deletionTimestamp).toBeUndefined();
  simulation.runFor(10_000);
  expect(jobOf(store).metadata).toMatchObject({ deletionTimestamp: expect.anything(), finalizers: ["foregroundDeletion"] });
});

test.each([
  ["1,3-5", [1, 3, 4, 5]],
  ["0,1", [0, 1]],
  ["", []],
  ["7", [7]],
])("indexes %j", (text, indexes) => {
  expect([...parseIndexes(text, 10)]).toEqual(indexes);
  expect(formatIndexes(new Set(indexes))).toBe(text);
});
