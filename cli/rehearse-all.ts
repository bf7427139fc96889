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
  const { stage } = input;
  const [quiet] = runsOf(calm, stage);
  const made: MadeRun[] = [];
  let total = 1 + casesOf(options.storms, stage).length;
  const make = async (runs: readonly StormRun[], on: Stage) => {
    const tasks = runs.map((run) => taskOf(run, options));
    await rehearseAll(tasks, options, (i, rehearsed) => {
      const one = madeRun(runs[i]!, rehearsed, on);
      made.push(one);
      options.onProgress({ type: "run", title: runs[i]!.title, done: made.length, total, reports: one.reports });
    });
  };
  // First in calm weather: what does not come up then, or does not answer, would only come to the same in every storm.
  await make([quiet!], stage);
  const calmStage = { ...stage, subjects: { ...stage.subjects, services: answering(stage, made[0]!) } };
  const others = calmStage.subjects.services.length === 0 ? [] : casesOf(options.storms, calmStage);
  total = 1 + others.length;
  await make(others, calmStage);
  const order = [quiet!, ...others];
  made.sort((a, b) => order.indexOf(a.run) - order.indexOf(b.run));
  const runs = made.flatMap(({ reports }) => reports);
  const groups = grouped(
    made.flatMap(({ run, rehearsed }) => findingsIn(run, rehearsed.observation, run === quiet ? stage : calmStage)),
    runs,
  );
  const trials = options.tries ? await tryChanges(groups, made, stage, options) : new Map<readonly Finding[], Trial>();
  return { rehearsal: summedUp(input, options, runs, groups, trials, performance.now() - startedMs), made };
}

function casesOf(storms: readonly StandardStorm[], stage: Stage): readonly StormRun[] {
  return storms.filter((storm) => storm !== calm).flatMap((storm) => runsOf(storm, stage));
}

/** The Services that answered in calm weather. */
function answering({ subjects }: Stage, { rehearsed, reports }: MadeRun): Stage["subjects"]["services"] {
  if (!rehearsed.observation.settled) return [];
  return subjects.services.filter(({ service }) => reports.some((report) => report.service === service && report.failed < report.requests));
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
    return judge(run.storm, run.case, observation, service, stage.objectiveOf(subject.service, run.storm), blocked);
  });
  return { run, rehearsed, reports };
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
  stage: Stage,
  options: RehearseOptions,
): Promise<ReadonlyMap<readonly Finding[], Trial>> {
  const trials = new Map<readonly Finding[], Trial>();
  const tried = groups.filter(([worst]) => worst!.changes.length > 0);
  const changed = tried.map(([worst]) => ({ ...stage, subjects: subjectsWith(stage.subjects, worst!.changes) }));
  const runs = tried.map(([worst], i): StormRun => {
    const before = made.find(({ run }) => run.title === titleOf(worst!))!.run;
    return stormRun(before.storm, before.case, changed[i]!);
  });
  const tasks = runs.map((run) => taskOf(run, { seed: options.seed, out: undefined }));
  await rehearseAll(tasks, options, (i, rehearsed) => {
    const group = tried[i]!;
    const [worst] = group;
    const before = made.find(({ run }) => run.title === titleOf(worst!))!.reports.find(({ service }) => service === worst!.service)!;
    const after = madeRun(runs[i]!, rehearsed, changed[i]!).reports.find(({ service }) => service === worst!.service)!;
    const left = findingsIn(runs[i]!, rehearsed.observation, changed[i]!);
    const gone = !left.some(({ blame, service }) => blame === worst!.blame && service === worst!.service);
    const helped = worst!.failed === 0 ? gone : isBetter(before, after);
    trials.set(group, { helped, gone, before: measuresOf(before), after: measuresOf(after) });
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
