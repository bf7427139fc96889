import { actionNamed } from "./actions";
import { faultNamed, faults } from "./faults";
import { type StormNode, type StormStep, stepAt } from "./language/steps";
import type { Role, Selector } from "./target";

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

/** How each fault is drawn: whom it may hit, and with what parameters (`d` is a draw). */
const drawn: ReadonlyMap<string, { readonly roles: readonly Role[]; readonly params: (d: number) => Readonly<Record<string, unknown>> }> =
  new Map([
    ["crash", { roles: ["etcd", "apiserver", "control", "node"], params: (d: number) => (d < 0.5 ? { silent: true } : {}) }],
    ["crash-actor", { roles: ["etcd", "apiserver", "control", "node"], params: () => ({}) }],
    ["pause", { roles: ["etcd", "apiserver", "control", "node"], params: () => ({}) }],
    ["slow-cpu", { roles: ["etcd", "apiserver", "control"], params: (d: number) => ({ factor: Math.round(2 + d * 48) }) }],
    [
      "isolate",
      { roles: ["etcd", "apiserver", "control", "node"], params: (d: number) => (d < 0.6 ? {} : { direction: d < 0.8 ? "in" : "out" }) },
    ],
    ["loss", { roles: ["etcd", "apiserver", "node"], params: (d: number) => ({ rate: `${Math.round(1 + d * 30)}%` }) }],
    [
      "delay",
      { roles: ["etcd", "apiserver", "control", "node"], params: (d: number) => ({ min: "1ms", max: `${Math.round(10 + d * 490)}ms` }) },
    ],
    ["duplicate", { roles: ["etcd"], params: (d: number) => ({ rate: `${Math.round(5 + d * 60)}%` }) }],
    ["reorder", { roles: ["etcd"], params: (d: number) => ({ rate: `${Math.round(5 + d * 60)}%`, max: `${Math.round(20 + d * 480)}ms` }) }],
    [
      "clock-jump",
      {
        roles: ["etcd", "apiserver", "control", "node"],
        params: (d: number) => ({ by: `${Math.round(1 + d * 600)}s`, ...(d > 0.5 ? { back: true } : {}) }),
      },
    ],
    ["clock-drift", { roles: ["etcd", "apiserver", "control", "node"], params: (d: number) => ({ ppm: Math.round((d - 0.5) * 200_000) }) }],
    ["slow-disk", { roles: ["etcd"], params: (d: number) => ({ factor: Math.round(2 + d * 98) }) }],
    ["stalled-disk", { roles: ["etcd"], params: () => ({}) }],
    ["full-disk", { roles: ["etcd"], params: () => ({}) }],
    ["failing-disk", { roles: ["etcd"], params: (d: number) => ({ rate: `${Math.round(1 + d * 30)}%` }) }],
  ]);

/** The names of the faults that a swarm may draw. */
export const drawnFaults: readonly string[] = faults.map(({ name }) => name).filter((name) => drawn.has(name));

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
    const { roles, params } = drawn.get(name)!;
    const role = roles[Math.floor(draw("role", i) * roles.length)]!;
    // From half a second to half a minute, each order of magnitude as likely as the other.
    const forUs = Math.floor(500_000 * 60 ** draw("for", i));
    return {
      ...common,
      type: "fault",
      fault: faultNamed(name)!,
      target: targetOf(role, draw("target", i)),
      forUs,
      until: undefined,
      params: params(draw("parameters", i)),
      mayMiss: true,
    };
  };
  return times.map((atUs, i) => stepAt(atUs, stepOf(i)));
}

/** Leaders are hit more often than chance would have it: most of what goes wrong goes wrong around them. */
function targetOf(role: Role, d: number): Selector {
  if (role !== "etcd" && role !== "control") return { role };
  return d < 0.5 ? { role, is: "leader" } : { role };
}
