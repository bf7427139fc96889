import { actors } from "../../../actors";
import type { ImageBehaviour } from "../../../actors/container-runtime/image-behaviour";
import { prepare } from "../../../cli/load";
import { type ClusterShape, defaultShape } from "../../../scenarios/cluster";
import { readManifests } from "../../../scenarios/manifests";
import { runnable } from "../../../scenarios/rehearse/adapt";
import { findingsOf } from "../../../scenarios/rehearse/blames";
import type { Finding } from "../../../scenarios/rehearse/blames/blame";
import { type Change, subjectsWith } from "../../../scenarios/rehearse/change";
import { judge, type RunReport } from "../../../scenarios/rehearse/judgement";
import { defaultObjective } from "../../../scenarios/rehearse/objectives";
import type { Observation } from "../../../scenarios/rehearse/observation";
import { Observer } from "../../../scenarios/rehearse/observer";
import { type Stage, stormRun } from "../../../scenarios/rehearse/storm-scenario";
import { firstStepSeconds, type StormCase } from "../../../scenarios/rehearse/storms/storm";
import { subjectsOf } from "../../../scenarios/rehearse/subject";
import { Run } from "../../../scenarios/run";

/** A cluster that comes up fast, and notices lost nodes fast, so that storms can be short. */
export const smallShape: ClusterShape = {
  ...defaultShape,
  etcd: 1,
  apiServers: 1,
  controllers: 1,
  nodes: 3,
  zones: 3,
  knobs: {
    "kube-controller-manager.node-monitor-grace-period": 10_000,
    "kube-controller-manager.node-monitor-period": 1_000,
    "kube-apiserver.default-unreachable-toleration-seconds": 5,
    "kube-apiserver.default-not-ready-toleration-seconds": 5,
    "kubelet.node-status-update-frequency": 2,
  },
};

export interface Small {
  readonly manifests: string;
  readonly behaviours?: readonly ImageBehaviour[];
  readonly shape?: Partial<ClusterShape>;
  readonly storm: string;
  readonly case: Partial<StormCase>;
  readonly changes?: readonly Change[];
}

export interface SmallResult {
  readonly findings: readonly Finding[];
  readonly reports: readonly RunReport[];
  readonly observation: Observation;
}

/** Puts small manifests through one short storm, and says who is to blame. */
export function rehearsed({ manifests: text, behaviours = [], shape = {}, storm, case: given, changes = [] }: Small): SmallResult {
  const read = readManifests([{ file: "m.yaml", text }]);
  if (read.problems.length > 0) throw new Error(JSON.stringify(read.problems));
  const subjects = subjectsWith(
    subjectsOf(runnable(read.manifests, [], { isDeclared: () => false, answersAdmission: () => false }).manifests),
    changes,
  );
  const stage: Stage = {
    subjects,
    shape: { ...smallShape, ...shape },
    behaviours,
    objectiveOf: () => defaultObjective,
    requestOf: () => ({}),
  };
  const one: StormCase = { about: "", happened: "it happened", lost: [], steps: [], seconds: 10, requestsPerSecond: 10, ...given };
  const made = stormRun(storm, one, stage);
  const { scenario, manifests, objectsOfStep } = prepare({ source: made.source, files: made.files });
  const observer = new Observer(subjectsOf(manifests).services);
  const run = new Run({ scenario, manifests, objectsOfStep, seed: 1, actors, keepTraceLines: 0, onEvent: (event) => observer.see(event) });
  run.begin();
  while (run.advance(60_000));
  const observation = observer.observation(run.result(), firstStepSeconds);
  const evidences = subjects.services.map((subject) => ({
    ...{ subjects, subject, storm, case: one, observation, behaviours },
    service: observation.services.find(({ service }) => service === subject.service)!,
  }));
  const findings = evidences.flatMap(findingsOf);
  const reports = evidences.map(({ service, subject }) => {
    const blocked = findings.some((finding) => finding.blame === "blocking-budget" && finding.service === subject.service);
    return judge(storm, one, observation, service, defaultObjective, blocked, subject);
  });
  return { findings, reports, observation };
}

/** A Deployment with its Service. `spec` and `pod` are YAML flow text that is put in. */
export function deployment({
  name = "web",
  replicas = 2,
  spec = "",
  pod = "",
  container = "",
  probe = "readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }",
  service = "",
}: {
  readonly name?: string;
  readonly replicas?: number;
  readonly spec?: string;
  readonly pod?: string;
  readonly container?: string;
  readonly probe?: string;
  readonly service?: string;
} = {}): string {
  const lines = (indent: number, text: string) =>
    text === ""
      ? ""
      : text
          .split("\n")
          .map((line) => `${" ".repeat(indent)}${line}\n`)
          .join("");
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
${lines(2, spec)}  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
${lines(6, pod)}      containers:
        - name: main
          image: example.com/${name}:1
          ports: [{ name: http, containerPort: 8080 }]
${lines(10, probe)}${lines(10, container)}---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
${lines(2, service)}${service.includes("selector") ? "" : `  selector: { app: ${name} }\n`}${service.includes("ports:") ? "" : "  ports: [{ port: 80, targetPort: 8080 }]\n"}`;
}
