import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { liveLog } from "../../runtime/live/log";
import { SimulatedRandom } from "../../runtime/simulated/random";
import { Course } from "../../scenarios/course";
import type { HistoryEvent } from "../../scenarios/history";
import { stepsOf } from "../../scenarios/language/steps";
import { operatorAccounts } from "../../scenarios/operators";
import type { CloseUp } from "../../scenarios/report/close-up";
import { type RunResult, shaped } from "../../scenarios/run";
import { serverConfigOf } from "../../scenarios/server-configuration";
import { formatProblem } from "../../scenarios/source";
import type { TimelineLine } from "../../scenarios/timeline";
import { clientActor } from "../../scenarios/workloads/client";
import { clientHosts } from "../../scenarios/workloads/placement";
import { InputError } from "../exit";
import { LiveCluster } from "../live-cluster";
import type { Loaded } from "../load";
import { liveTrace } from "../outcome";
import { actorsOf } from "../simulate";
import { LiveCloseUp } from "./live-close-up";
import { LiveRunWorld } from "./live-run-world";
import { LiveTank } from "./live-tank";
import { NodeProcesses } from "./node-processes";

export interface LiveRunOptions {
  readonly seed: number;
  readonly untilMs: number | undefined;
  /** Whether each node has a process of its own, which a crash kills. */
  readonly processes: boolean;
  /** Whether messages are kept, for a report. */
  readonly looksClosely: boolean;
  readonly onTimeline: (line: TimelineLine) => void;
  readonly onProgress: (nowUs: number) => void;
  /** Answers true when the run is to end with what has been seen. */
  readonly interrupted: () => boolean;
}

export interface LiveRun {
  readonly result: RunResult;
  readonly wallMs: number;
  /** By how much a timer of this process was late at most: how long the machine did not let it work. */
  readonly lateMs: number;
  /** The moment that matters most, where it was asked for. */
  readonly closeUp: CloseUp | undefined;
}

const lookEveryMs = 50;

/**
 * Runs a scenario on a live cluster in this process, with real disks in a directory that goes away with it: the same course, storm, clients and checks as in
 * simulation, in real time. Throws an InputError for what cannot be live.
 */
export async function runLive(loaded: Loaded, options: LiveRunOptions): Promise<LiveRun> {
  const { seed, untilMs, processes, onTimeline, onProgress, interrupted } = options;
  const random = new SimulatedRandom(seed);
  const scenario = shaped(loaded.scenario, undefined, (purpose) => random.draw("swarm", purpose, 0));
  refuseWhatIsNotLive({ ...loaded, scenario });
  const data = mkdtempSync(join(tmpdir(), "wavetank-live-"));
  const beganMs = performance.now();
  // Beside the cluster, and none of its own hosts: who uses it, and the user's own operators.
  const clients = [...clientHosts(scenario), ...scenario.plan.hosts.filter(({ role }) => role === "operator")];
  const { manifests, objectsOfStep } = loaded;
  const looks: { close?: LiveCloseUp } = {};
  const onEvent = (event: HistoryEvent) => looks.close?.see(event, made.course?.isViolated === true);
  const input = { scenario, manifests, objectsOfStep, seed, actors: [...actorsOf(loaded), clientActor], onTimeline, onEvent };
  let failure: string | undefined;
  const nodes = scenario.plan.hosts.filter(({ role }) => role === "node").map(({ name }) => name);
  const made: { world?: LiveRunWorld; course?: Course; nodes?: NodeProcesses } = {};
  const prepared = (cluster: LiveCluster) => {
    const world = new LiveRunWorld(cluster.world, seed);
    made.world = world;
    if (options.looksClosely) looks.close = new LiveCloseUp(cluster.world, world);
    made.course = new Course({
      ...{ input, world, hosts: [...scenario.plan.hosts.filter(({ role }) => role !== "operator"), ...clients] },
      tankOf: (knowledge) =>
        new LiveTank({
          ...{ world: cluster.world, hub: cluster.hub, doors: cluster.doors, knowledge },
          hosts: () => [...cluster.hostsHere(), ...clients],
          joinedPlan: (host) => cluster.joinedPlan(host),
          ...(processes
            ? { processes: { hosts: nodes, kill: (host) => made.nodes?.kill(host), start: (host) => made.nodes?.start(host) } }
            : {}),
        }),
      traceHash: () => liveTrace,
      traceEvents: () => world.events,
      events: () => world.events,
    });
  };
  const cluster = await LiveCluster.start({
    shape: processes ? { ...scenario.shape, nodes: 0 } : scenario.shape,
    hearsJoined: processes,
    ...{ behaviours: scenario.images, actors: input.actors, data, prepared, storage: undefined },
    // The operators are not of the cluster, but its API servers have to know as whom they come.
    apiServer: { ...serverConfigOf(scenario.servers), actorAccounts: operatorAccounts(scenario.operators) },
    ...{ listen: { host: "127.0.0.1", port: 0 }, joinListen: undefined, advertise: "127.0.0.1", names: ["127.0.0.1"] },
    log: liveLog("silent"),
    etcdStarted: () => undefined,
    failed: (why) => {
      failure ??= why;
    },
  });
  const course = made.course!;
  try {
    await cluster.ready(() => undefined);
    if (processes) {
      const directory = join(data, "processes");
      made.nodes = new NodeProcesses({
        directory,
        cluster: cluster.addresses,
        isConnected: (host) => cluster.hub.connectedHosts().includes(host),
      });
      await made.nodes.startAll(nodes);
    }
    for (const client of clients) cluster.world.addHost(client);
    course.begin(() => {
      for (const { name } of clients) cluster.world.startHost(name);
    });
    let lateMs = 0;
    while (course.result === undefined) {
      const lookedMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      lateMs = Math.max(lateMs, performance.now() - lookedMs - lookEveryMs);
      const nowUs = made.world!.now();
      onProgress(nowUs);
      if (failure !== undefined) throw new Error(`the cluster cannot go on: ${failure}`);
      if (interrupted() || (untilMs !== undefined && nowUs >= untilMs * 1000)) course.stop();
    }
    const { result } = course;
    return {
      result,
      wallMs: Math.round(performance.now() - beganMs),
      lateMs: Math.round(lateMs),
      closeUp: looks.close?.closeUp(result.verdict === "violated"),
    };
  } finally {
    made.nodes?.close();
    cluster.tank.heal();
    await cluster.close();
    rmSync(data, { recursive: true, force: true });
  }
}

/** Files hold data: what damages them is for simulations; and what has no API server cannot be brought up. */
function refuseWhatIsNotLive({ scenario }: Loaded): void {
  const damaging = stepsOf(scenario.storm).filter((step) => step.type === "fault" && step.fault.damages === true);
  const wrong = damaging.map((step) =>
    scenario.problem(step.path, "it damages disks for good, which only a simulation suffers: not with --live"),
  );
  if (scenario.shape.apiServers === 0)
    wrong.push(scenario.problem(["cluster"], "a live cluster has API servers: expected apiServers to be 1 or more with --live"));
  if (scenario.webhooks.length > 0)
    wrong.push(
      scenario.problem(["webhooks"], "they are played in simulations only: with --live name one of your own by its URL, or run it in pods"),
    );
  if (scenario.keyServices.length > 0)
    wrong.push(
      scenario.problem(
        ["keyServices"],
        "they are played in simulations only: not with --live; `up --encryption-provider-config` asks your own",
      ),
    );
  if (wrong.length > 0) throw new InputError(wrong.map(formatProblem).join("\n"));
}
