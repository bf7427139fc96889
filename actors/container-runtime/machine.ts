import { type Address, roleOf } from "../../protocol/address";
import type { CriStatsListed, CriUsageListed } from "../../protocol/cri";
import type { ProcessKill, ProcessKilled, ProcessLoad } from "../../protocol/process";
import type { Context, RequestRef } from "../../runtime/actor";
import { exit } from "./lifecycle";
import type { Container, State } from "./state";
import { volumeStats } from "./volumes";

type Ctx = Context<State>;

/** What a container of an image takes that says nothing of it. */
const memoryUnlessDeclared = 16 * 2 ** 20;
const milliCpuUnlessDeclared = 1;

/** The kernel ends processes; the runtime only sees that they are gone. */
export function onKill(
  state: State,
  { pod, container, exitCode, reason }: ProcessKill,
  from: Address,
  request: RequestRef,
  ctx: Ctx,
): void {
  if (roleOf(from) !== "gateway") return ctx.refuse(request, `${from} is nobody who kills processes of this node`);
  const hit = [...state.containers.values()].filter(
    (one) => one.pod === pod && (container === "" || one.name === container) && one.life.is === "running",
  );
  for (const one of hit) exit(state, one, { atUs: ctx.monotonicUs(), exitCode, reason }, ctx);
  const killed: ProcessKilled = { kind: "process.killed", containers: hit.map(({ name }) => name) };
  ctx.reply(request, killed);
}

/** Something else on the machine takes memory and disk. */
export function onLoad(state: State, { memoryBytes, diskBytes }: ProcessLoad, from: Address, request: RequestRef, ctx: Ctx): void {
  if (roleOf(from) !== "gateway") return ctx.refuse(request, `${from} is nobody who runs processes on this node`);
  state.load = { memoryBytes, diskBytes };
  ctx.reply(request, { kind: "process.loaded" });
}

/** What takes memory and disk now. */
export function statsOf(state: State): CriStatsListed {
  return {
    kind: "cri.statsListed",
    containers: [...state.containers.values()].map(({ podUid, name, life, behaviour, files }) => ({
      podUid,
      name,
      memoryBytes: life.is === "running" ? (behaviour.memoryBytes ?? memoryUnlessDeclared) : 0,
      diskBytes: life.is === "created" ? 0 : (behaviour.diskBytes ?? 0) + files.bytes,
    })),
    ...volumeStats(state),
    imageBytes: [...state.images.values()].reduce((sum, bytes) => sum + bytes, 0),
    otherMemoryBytes: state.load.memoryBytes,
    otherDiskBytes: state.load.diskBytes,
  };
}

/** What the containers that run take, and what processor time they have taken since they started. */
export function usageOf(state: State, ctx: Ctx): CriUsageListed {
  // To the millisecond, in which the time of a figure is told: so that what is divided by the time between two is exact.
  const atUs = Math.floor(ctx.wallUs() / 1000) * 1000;
  const { containers: taken, volumes = [], imageBytes, otherMemoryBytes, otherDiskBytes } = statsOf(state);
  const containers = [...state.containers.values()].flatMap(({ life, pod, podUid, name, id, image, behaviour }) => {
    if (life.is !== "running") return [];
    const { milliCpu = milliCpuUnlessDeclared, memoryBytes = memoryUnlessDeclared, diskBytes = 0 } = behaviour;
    // The wall clock may have gone back since.
    const cpuUs = (Math.max(0, atUs - life.startedWallUs) * milliCpu) / 1000;
    return { pod, podUid, name, id, image, startedUs: life.startedWallUs, cpuUs, memoryBytes, diskBytes };
  });
  const written = volumes.reduce((sum, { bytes, inMemory }) => (inMemory ? sum : sum + bytes), 0);
  const diskBytes = taken.reduce((sum, one) => sum + one.diskBytes, imageBytes + otherDiskBytes + written);
  return { kind: "cri.usageListed", atUs, containers, otherMemoryBytes, diskBytes };
}

/** A process gets another limit of memory; what is wrong with it where it takes more than that already. */
export function changeMemoryLimit(container: Container, limit: number): string | undefined {
  const { life, behaviour } = container;
  // What is about to be killed for its memory has not taken it yet.
  const grown = life.is === "running" && life.end?.reason !== "OOMKilled";
  const taken = grown ? (behaviour.memoryBytes ?? memoryUnlessDeclared) : 0;
  if (limit > 0 && taken > limit) return `attempting to set container memory limit (${limit}) below current usage (${taken})`;
  container.memoryLimit = limit;
  return undefined;
}
