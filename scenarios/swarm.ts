import { actionNamed } from "./actions";
import type { Target } from "./aim";
import { faultNamed, faults } from "./faults";
import type { Drawing } from "./faults/fault";
import { type StormNode, type StormStep, stepAt } from "./language/steps";

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
}

/** Draws in [0, 1) by purpose and index, all from the run's seed. */
type Draw = (purpose: string, index: number) => number;

/** The names of the faults that a swarm may draw. */
export const drawnFaults: readonly string[] = faults.filter(({ swarm }) => swarm !== undefined).map(({ name }) => name);

/** The steps that a seed draws, numbered from `firstIndex` on and in the order of time. Whatever it draws is left out by itself where it would exceed the budget. */
export function drawStorm(swarm: Swarm, deployments: readonly string[], firstIndex: number, draw: Draw): readonly StormNode[] {
  const enabled = swarm.faults.filter((_, i) => draw("fault is on", i) < 0.5);
  const kinds = enabled.length > 0 ? enabled : [swarm.faults[Math.floor(draw("the one fault", 0) * swarm.faults.length)]!];
  const count = 1 + Math.floor(draw("steps", 0) * swarm.steps);
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
    // From half a second to half a minute, each order of magnitude as likely as the other.
    const forUs = Math.floor(500_000 * 60 ** draw("for", i));
    return {
      ...common,
      type: "fault",
      fault,
      target: targetOf(drawing, draw("role", i), draw("target", i)),
      forUs,
      until: undefined,
      params: drawing.params?.(draw("parameters", i)) ?? {},
      mayMiss: true,
    };
  };
  return times.map((atUs, i) => stepAt(atUs, stepOf(i)));
}

/** Leaders are hit more often than chance would have it: most of what goes wrong goes wrong around them. */
function targetOf({ roles = [], mode, target }: Drawing, roleDraw: number, d: number): Target {
  if (target) return target(d);
  const role = roles[Math.floor(roleDraw * roles.length)]!;
  if (mode !== undefined) return { role, mode };
  if (role !== "etcd" && role !== "control") return { role };
  return d < 0.5 ? { role, is: "leader" } : { role };
}
