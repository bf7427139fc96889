import { join } from "node:path";
import { regressions } from "../scenarios/rehearse/baseline";
import { findingsOf } from "../scenarios/rehearse/blames";
import type { Finding } from "../scenarios/rehearse/blames/blame";
import { subjectsWith } from "../scenarios/rehearse/change";
import { judge, type RunReport } from "../scenarios/rehearse/judgement";
import type { Observation } from "../scenarios/rehearse/observation";
import {
  grouped,
  isBetter,
  type Rehearsal,
  rehearsalVersion,
  reported,
  summed,
  type Trial,
  titleOf,
} from "../scenarios/rehearse/rehearsal";
import { runsOf, type Stage, type StormRun, stormRun } from "../scenarios/rehearse/storm-scenario";
import { calm } from "../scenarios/rehearse/storms/calm";
import type { StandardStorm } from "../scenarios/rehearse/storms/storm";
import { stuckWorkloads, subjectsOf } from "../scenarios/rehearse/subject";
import type { RehearseInput } from "./rehearse-input";
import type { Rehearsed, RehearseTask } from "./rehearse-one";
import { rehearseAll } from "./rehearse-pool";
import { wavetankVersion } from "./version";

export interface RehearseOptions {
  readonly storms: readonly StandardStorm[];
  readonly seed: number;
  readonly workers: number;
  /** Whether the changes that would mend what was found are tried. */
  readonly tries: boolean;
  readonly out: string | undefined;
  readonly interrupted: () => boolean;
  readonly onProgress: (progress: Progress) => void;
}

/** What is told as it goes on. */
export type Progress =
  | { readonly type: "run"; readonly title: string; readonly done: number; readonly total: number; readonly reports: readonly RunReport[] }
  | { readonly type: "trial"; readonly title: string; readonly done: number; readonly total: number };

/** One run with what came of it, for the report. */
export interface MadeRun {
  readonly run: StormRun;
  readonly stage: Stage;
  readonly rehearsed: Rehearsed;
  readonly reports: readonly RunReport[];
}

export interface Outcome {
  readonly rehearsal: Rehearsal;
  readonly made: readonly MadeRun[];
}

/** Puts manifests through the storms, finds what is to blame, and tries what would mend it. Throws Interrupted and InputErrors. */
export async function rehearse(input: RehearseInput, options: RehearseOptions): Promise<Outcome> {
  const startedMs = performance.now();
  const made: MadeRun[] = [];
  let total = 1 + casesOf(options.storms, input.stage).length;
  const make = async (runs: readonly StormRun[], stage: Stage) => {
    const tasks = runs.map((run) => taskOf(run, options));
    const ended = new Map<StormRun, MadeRun>();
    await rehearseAll(tasks, options, (i, rehearsed) => {
      const one = madeRun(runs[i]!, rehearsed, stage);
      ended.set(runs[i]!, one);
      options.onProgress({ type: "run", title: runs[i]!.title, done: made.length + ended.size, total, reports: one.reports });
    });
    made.push(...runs.map((run) => ended.get(run)!));
  };
  // First in calm weather: what does not come up then, or does not answer, would only come to the same in every storm.
  await make(runsOf(calm, input.stage), input.stage);
  const others = withoutStuck(input.stage, made[0]!);
  if (others) {
    made[0] = {
      ...made[0]!,
      reports: made[0]!.reports.filter(({ service }) => !others.subjects.services.some((one) => one.service === service)),
    };
    total++;
    await make(
      runsOf(calm, others).map((run) => renamed(run, "without what never came up")),
      others,
    );
  }
  const stage = answering(others ?? input.stage, made.at(-1)!);
  const storms = stage.subjects.services.length === 0 ? [] : casesOf(options.storms, stage);
  total = made.length + storms.length;
  await make(storms, stage);
  const runs = made.flatMap(({ reports }) => reports);
  const groups = grouped(
    made.flatMap(({ run, rehearsed, stage: on, reports }) =>
      findingsIn(run, rehearsed.observation, on).filter(({ service }) => reports.some((report) => report.service === service)),
    ),
    runs,
  );
  const trials = options.tries ? await tryChanges(groups, made, options) : new Map<readonly Finding[], Trial>();
  return { rehearsal: summedUp(input, options, runs, groups, trials, performance.now() - startedMs), made };
}

function casesOf(storms: readonly StandardStorm[], stage: Stage): readonly StormRun[] {
  return storms.filter((storm) => storm !== calm).flatMap((storm) => runsOf(storm, stage));
}

/** Only the Services that answered in calm weather. */
function answering(stage: Stage, { rehearsed, reports }: MadeRun): Stage {
  const answered = (service: string) => reports.some((report) => report.service === service && report.failed < report.requests);
  const services = rehearsed.observation.settled ? stage.subjects.services.filter(({ service }) => answered(service)) : [];
  return { ...stage, subjects: { ...stage.subjects, services } };
}

/** What is left when the workloads that never came up are taken away; undefined where all came up, or nothing is left that could be rehearsed. */
function withoutStuck(stage: Stage, { rehearsed }: MadeRun): Stage | undefined {
  const { subjects } = stage;
  const stuck = stuckWorkloads(subjects, rehearsed.observation);
  if (rehearsed.observation.settled || stuck.length === 0) return undefined;
  const left = subjectsOf(subjects.manifests.filter((manifest) => !stuck.some((one) => one.manifest === manifest)));
  const services = left.services.filter(
    ({ service, workloads }) => workloads.length === subjects.services.find((one) => one.service === service)!.workloads.length,
  );
  return services.length === 0 ? undefined : { ...stage, subjects: { ...left, services } };
}

function renamed(run: StormRun, about: string): StormRun {
  return { ...run, about, title: `${run.storm} ${about}`, name: `${run.name}-${about.replaceAll(" ", "-")}`, case: { ...run.case, about } };
}

function taskOf(run: StormRun, { seed, out }: Pick<RehearseOptions, "seed" | "out">): RehearseTask {
  return {
    name: run.name,
    source: run.source,
    files: run.files,
    seed,
    folder: out === undefined ? undefined : join(out, "storms", run.name),
  };
}

function madeRun(run: StormRun, rehearsed: Rehearsed, stage: Stage): MadeRun {
  const { observation } = rehearsed;
  const reports = stage.subjects.services.map((subject) => {
    const service = observation.services.find((one) => one.service === subject.service)!;
    const blocked = findingsIn(run, observation, stage).some(
      (finding) => finding.service === subject.service && finding.blame === "blocking-budget",
    );
    return judge(run.storm, run.case, observation, service, stage.objectiveOf(subject.service, run.storm), blocked, subject);
  });
  return { run, stage, rehearsed, reports };
}

function findingsIn(run: StormRun, observation: Observation, { subjects, behaviours }: Stage): readonly Finding[] {
  return subjects.services.flatMap((subject) =>
    findingsOf({
      subjects,
      subject,
      storm: run.storm,
      case: run.case,
      observation,
      service: observation.services.find(({ service }) => service === subject.service)!,
      behaviours,
    }),
  );
}

/** Lets the worst storm of each finding blow again with what would mend it. */
async function tryChanges(
  groups: readonly (readonly Finding[])[],
  made: readonly MadeRun[],
  options: RehearseOptions,
): Promise<ReadonlyMap<readonly Finding[], Trial>> {
  const trials = new Map<readonly Finding[], Trial>();
  const tried = groups.filter(([worst]) => worst!.changes.length > 0);
  const before = tried.map(([worst]) => made.find(({ run }) => run.title === titleOf(worst!))!);
  const changed = tried.map(([worst], i): Stage => {
    const { stage } = before[i]!;
    return { ...stage, subjects: subjectsWith(stage.subjects, worst!.changes) };
  });
  const runs = tried.map((_group, i): StormRun => stormRun(before[i]!.run.storm, before[i]!.run.case, changed[i]!));
  const tasks = runs.map((run) => taskOf(run, { seed: options.seed, out: undefined }));
  await rehearseAll(tasks, options, (i, rehearsed) => {
    const group = tried[i]!;
    const [worst] = group;
    const was = before[i]!.reports.find(({ service }) => service === worst!.service)!;
    const after = madeRun(runs[i]!, rehearsed, changed[i]!).reports.find(({ service }) => service === worst!.service)!;
    const left = findingsIn(runs[i]!, rehearsed.observation, changed[i]!);
    const gone = !left.some(({ blame, service }) => blame === worst!.blame && service === worst!.service);
    const helped = worst!.failed === 0 ? gone : isBetter(was, after);
    trials.set(group, { helped, gone, before: measuresOf(was), after: measuresOf(after) });
    options.onProgress({ type: "trial", title: `${worst!.service}: ${worst!.fix}`, done: trials.size, total: tried.length });
  });
  return trials;
}

function measuresOf({ storm, about, availability, longestOutageMs, recoveryMs, verdict }: RunReport): Trial["before"] {
  return { storm, about, availability, longestOutageMs, recoveryMs, verdict };
}

function summedUp(
  { stage, notes, undeclaredImages, baseline }: RehearseInput,
  { seed }: RehearseOptions,
  runs: readonly RunReport[],
  groups: readonly (readonly Finding[])[],
  trials: ReadonlyMap<readonly Finding[], Trial>,
  wallMs: number,
): Rehearsal {
  const { etcd, apiServers, controllers, nodes, zones, capacity } = stage.shape;
  const worse = baseline && regressions(runs, baseline).map((run) => `${run.service} ${titleOf(run)}`);
  const violated = runs.some(({ verdict }) => verdict === "violated");
  return {
    rehearsalVersion,
    wavetankVersion: wavetankVersion(),
    seed,
    verdict: (worse ? worse.length > 0 : violated) ? "violated" : "held",
    cluster: { etcd, apiServers, controllers, nodes, zones, capacity },
    services: stage.subjects.services.map(({ service, manifest }) => summed(service, { file: manifest.file, line: manifest.line }, runs)),
    runs,
    findings: groups.map((group) => reported(group, trials.get(group) ?? null)),
    notModelled: notes,
    undeclaredImages,
    regressions: worse ?? null,
    wallMs: Math.round(wallMs),
  };
}
