import { actionNamed } from "./actions";
import type { Target } from "./aim";
import { faultNamed, faults } from "./faults";
import type { Drawing } from "./faults/fault";
import { type StormNode, type StormStep, stepAt } from "./language/steps";
import type { Role } from "./target";

/**
 * What a scenario says of the part of its storm that each seed draws anew. Swarm testing (Groce and others, "Swarm Testing", 2012): which faults are on at
 * all is drawn too, because a run with few kinds of faults finds what a run with all of them hides.
 */
export interface Swarm {
  /** At most so many steps. */
  readonly steps: number;
  readonly withinUs: number;
  /** The faults that may be drawn; all that can be where not given. */
  readonly faults: readonly string[];
  /** Whether Deployments are restarted and scaled in between. */
  readonly rollouts: boolean;
  /** With so many changes of priorities all through it: see the fault of that name. undefined where nobody has any. */
  readonly priorities: number | undefined;
  /** How likely it is that etcd loses a quorum for good in the midst of it and is made anew of a backup. */
  readonly restores: number;
  /** Between the shortest and the longest that a fault may last, each order of magnitude is as likely as the other. */
  readonly shortestUs: number;
  readonly longestUs: number;
  /** The roles whose hosts may be hit. */
  readonly roles: readonly Role[];
}

/** Draws in [0, 1) by purpose and index, all from the run's seed. */
type Draw = (purpose: string, index: number) => number;

/** The names of the faults that a swarm may draw. */
export const drawnFaults: readonly string[] = faults.filter(({ swarm }) => swarm !== undefined).map(({ name }) => name);

/** How long a drawn fault lasts where a scenario says nothing of it. */
export const drawnDuration = { shortestUs: 500_000, longestUs: 30_000_000 };

/** The steps that a seed draws, numbered from `firstIndex` on and in the order of time. Whatever it draws is left out by itself where it would exceed the budget. */
export function drawStorm(swarm: Swarm, deployments: readonly string[], firstIndex: number, draw: Draw): readonly StormNode[] {
  const possible = swarm.faults.filter((name) => canHit(faultNamed(name)!.swarm!, swarm.roles));
  const enabled = possible.filter((_, i) => draw("fault is on", i) < 0.5);
  const kinds = enabled.length > 0 ? enabled : possible.slice(Math.floor(draw("the one fault", 0) * possible.length)).slice(0, 1);
  const count = kinds.length === 0 ? 0 : 1 + Math.floor(draw("steps", 0) * swarm.steps);
  const times = Array.from({ length: count }, (_, i) => Math.floor(draw("at", i) * swarm.withinUs)).sort((a, b) => a - b);
  const stepOf = (i: number): StormStep => {
    const common = { index: firstIndex + i, path: ["swarm"] };
    if (swarm.rollouts && deployments.length > 0 && draw("is action", i) < 0.25) {
      const deployment = deployments[Math.floor(draw("deployment", i) * deployments.length)]!;
      const scales = draw("action", i) < 0.5;
      const params = scales ? { deployment, replicas: 1 + Math.floor(draw("replicas", i) * 6) } : { deployment };
      return { ...common, type: "action", action: actionNamed(scales ? "scale" : "restart")!, params };
    }
    const name = kinds[Math.floor(draw("fault", i) * kinds.length)]!;
    const fault = faultNamed(name)!;
    const drawing = fault.swarm!;
    const forUs = Math.floor(swarm.shortestUs * (swarm.longestUs / swarm.shortestUs) ** draw("for", i));
    return {
      ...common,
      type: "fault",
      fault,
      target: targetOf(drawing, swarm.roles, draw("role", i), draw("target", i)),
      forUs,
      until: undefined,
      params: drawing.params?.(draw("parameters", i)) ?? {},
      mayMiss: true,
    };
  };
  const drawn = times.map((atUs, i) => stepAt(atUs, stepOf(i)));
  // Behind all others, so that who asks for these draws nothing else than who does not.
  const restores = draw("is restored", 0) < swarm.restores ? [restoreStep(swarm, firstIndex + count, draw)] : [];
  const priorities = swarm.priorities === undefined ? [] : [prioritiesStep(swarm, swarm.priorities, firstIndex + count + restores.length)];
  return [...drawn, ...restores, ...priorities];
}

/** Where a step stands that may take a quorum, provided that nothing else has taken anything: there is a backup. */
export const restoresPath = ["swarm", "restores"] as const;

/** The disks are lost a while after the backup; then somebody has to notice. */
function restoreStep({ withinUs }: Swarm, index: number, draw: Draw): StormNode {
  const lostAfterMs = 1_000 + Math.floor(draw("lost after", 0) * 10_000);
  return stepAt(Math.floor(draw("restored at", 0) * withinUs), {
    ...{ index, path: restoresPath, type: "fault", fault: faultNamed("restore-backup")!, until: undefined, mayMiss: true },
    target: draw("restored of", 0) < 0.5 ? { role: "etcd", mode: "fixed-percent", value: 51 } : { role: "etcd", mode: "all" },
    forUs: lostAfterMs * 1000 + 2_000_000 + Math.floor(draw("restored after", 0) * 10_000_000),
    params: { lostAfter: `${lostAfterMs}ms` },
  });
}

/** All through the storm. */
function prioritiesStep({ withinUs }: Swarm, changes: number, index: number): StormNode {
  return stepAt(0, {
    ...{ index, path: ["swarm", "priorities"], type: "fault", fault: faultNamed("priorities")!, target: { mode: "all" } },
    ...{ forUs: withinUs, until: undefined, params: { changes, over: `${withinUs / 1000}ms` }, mayMiss: true },
  });
}

function canHit({ roles = [], target }: Drawing, allowed: readonly Role[]): boolean {
  return target !== undefined || roles.some((role) => allowed.includes(role));
}

/** Leaders are hit more often than chance would have it: most of what goes wrong goes wrong around them. */
function targetOf({ roles: able = [], mode, target }: Drawing, allowed: readonly Role[], roleDraw: number, d: number): Target {
  if (target) return target(d);
  const roles = able.filter((role) => allowed.includes(role));
  const role = roles[Math.floor(roleDraw * roles.length)]!;
  if (mode !== undefined) return { role, mode };
  if (role !== "etcd" && role !== "control") return { role };
  return d < 0.5 ? { role, is: "leader" } : { role };
}
