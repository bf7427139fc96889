import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../protocol/address";
import type { EtcdResponse } from "../../protocol/etcd";
import { SimulatedRandom } from "../../runtime/simulated/random";
import { Load } from "./load";
import { ProcessSet } from "./process-set";
import { hashOf } from "./requests";

export interface CrashStormOptions {
  readonly seed: number;
  /** The storm ends after so many kills, */
  readonly kills: number;
  /** or when this much time is over. */
  readonly withinMs: number;
  readonly clients?: number;
}

export interface CrashStormFigures {
  readonly kills: number;
  /** Of all members at one moment. */
  readonly powerCuts: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly refused: number;
  readonly unknown: number;
  /** The highest term: each election makes a new one. */
  readonly terms: number;
  readonly violations: readonly string[];
}

/** Snapshots are due every few hundred entries, so that kills hit the making of them and the removal of old segments too. */
const settings = { "heartbeat-interval": 100, "election-timeout": 500, "snapshot-count": 300, "snapshot-catchup-entries": 50 };

/**
 * Three members as processes under load; members are killed with SIGKILL at random moments, sometimes all at once, and come back on their files. Then
 * all that was recorded is judged: linearizable, no acknowledged write missing, all members equal. The seed decides whom and when, not what comes of it.
 */
export async function crashStorm({ seed, kills, withinMs, clients = 12 }: CrashStormOptions): Promise<CrashStormFigures> {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-crash-"));
  const random = new SimulatedRandom(seed);
  const set = await ProcessSet.start({ directory, members: 3, settings });
  let draws = 0;
  const draw = (purpose: string) => random.draw("storm", purpose, draws++);
  const load = new Load({
    members: set.members,
    ask: (member, request, deadlineMs, then) => set.ask(member, request, deadlineMs, then),
    after: (delayMs, callback) => void setTimeout(callback, delayMs),
    draw: (purpose, index) => random.draw("load", purpose, index),
  });
  try {
    await until(async () => (await statusOf(set)).every((status) => status !== undefined && status.leader !== ""), "no leader was elected");
    load.start(clients);
    const endMs = performance.now() + withinMs;
    let killed = 0;
    let powerCuts = 0;
    while (killed < kills && performance.now() < endMs) {
      await pause(100 + draw("pause") * 900);
      const all = draw("all") < 0.12;
      const victims = all ? [0, 1, 2] : [await victimOf(set, draw)];
      if (all) powerCuts++;
      killed += victims.length;
      await Promise.all(victims.map((n) => set.killMember(n)));
      for (const n of victims) {
        await pause(draw("down") * 500);
        set.startMember(n);
      }
      // Mostly a quorum is given the time to go on; sometimes the next kill hits the election or the start.
      if (draw("settle") < 0.7)
        await until(async () => (await statusOf(set)).filter((one) => one?.leader).length >= 2, "no quorum came back");
    }
    load.stop();
    await until(async () => load.idle, "requests are without an answer");
    const violations: string[] = await new Promise((resolve) => load.verdict((found) => resolve([...found])));
    const statuses = await equalMembers(set, violations);
    const terms = Math.max(0, ...statuses.map(({ header }) => header.term));
    return { kills: killed, powerCuts, ...load.counts, terms, violations: [...violations, ...set.complaints] };
  } catch (error) {
    throw new Error(`${(error as Error).message}; members said: ${set.complaints.slice(0, 10).join("\n") || "nothing"}`);
  } finally {
    load.stop();
    await set.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A member that runs; half of the time the leader. */
async function victimOf(set: ProcessSet, draw: (purpose: string) => number): Promise<number> {
  const any = Math.floor(draw("victim") * set.members.length);
  const wantsLeader = draw("leader") < 0.5;
  if (!wantsLeader) return any;
  const leader = (await statusOf(set)).find((status) => status?.leader)?.leader;
  const found = set.members.indexOf(leader as Address);
  return found === -1 ? any : found;
}

type Status = Extract<EtcdResponse, { readonly kind: "etcd.status.response" }>;

function statusOf(set: ProcessSet): Promise<readonly (Status | undefined)[]> {
  return Promise.all(
    set.members.map(async (member) => {
      const answer = await set.askSoon(member, { kind: "etcd.status" }, 500);
      return answer.ok && answer.body.kind === "etcd.status.response" ? answer.body : undefined;
    }),
  );
}

/** Waits until all members have applied the same and compares the hashes of what they hold. */
async function equalMembers(set: ProcessSet, violations: string[]): Promise<readonly Status[]> {
  let statuses: readonly Status[] = [];
  await until(async () => {
    statuses = (await statusOf(set)).filter((status) => status !== undefined);
    return statuses.length === set.members.length && new Set(statuses.map(({ appliedIndex }) => appliedIndex)).size === 1;
  }, "the members did not come to the same entry");
  const hashes = await Promise.all(set.members.map((member) => set.askSoon(member, hashOf(0))));
  const told = hashes.map((answer) => (answer.ok && answer.body.kind === "etcd.hashKv.response" ? answer.body.hash : "no answer"));
  if (new Set(told).size !== 1) violations.push(`in the end the members hold different things: hashes ${told.join(", ")}`);
  return statuses;
}

/** The machine may be busy with others: this says that something will never come, not that it is slow. */
async function until(holds: () => Promise<boolean>, otherwise: string, withinMs = 120_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`after ${withinMs} ms: ${otherwise}`);
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
