import type { ClusterShape } from "./cluster";
import { knobNamed, readKnob } from "./knobs";
import { durationSchema, type JsonSchema, recordSchema } from "./schema";
import { drawnFaults } from "./swarm";
import { roles } from "./target";

/** From what each seed draws the cluster itself; what is not listed stays as the scenario says. */
export interface DrawnCluster {
  readonly counts: Readonly<Partial<Record<CountName, readonly number[]>>>;
  /** Names of the groups of knobs that are drawn. */
  readonly knobs: readonly string[];
}

const countNames = ["etcd", "apiServers", "controllers", "nodes", "zones"] as const;
type CountName = (typeof countNames)[number];

/**
 * Settings that belong together, with values that clusters are really run with. The first of each is the default. Small logs and caches make rare paths
 * common: snapshots, relists, compacted watches.
 */
export const knobGroups: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]> = new Map([
  [
    "etcd-timing",
    [
      {},
      { "etcd.heartbeat-interval": "50ms", "etcd.election-timeout": "500ms" },
      { "etcd.heartbeat-interval": "200ms", "etcd.election-timeout": "2s" },
      { "etcd.heartbeat-interval": "100ms", "etcd.election-timeout": "3s" },
    ],
  ],
  [
    "etcd-snapshots",
    [
      {},
      { "etcd.snapshot-count": 100, "etcd.snapshot-catchup-entries": 20 },
      { "etcd.snapshot-count": 1000, "etcd.snapshot-catchup-entries": 500 },
    ],
  ],
  ["etcd-pre-vote", [{}, { "etcd.pre-vote": false }]],
  ["compaction", [{}, { "kube-apiserver.etcd-compaction-interval": "20s" }, { "kube-apiserver.etcd-compaction-interval": "60s" }]],
  ["watch-cache", [{}, { "kube-apiserver.default-watch-cache-size": 20 }, { "kube-apiserver.default-watch-cache-size": 100 }]],
  ["bookmarks", [{}, { "kube-apiserver.bookmark-interval": "5s" }]],
  ["etcd-patience", [{}, { "kube-apiserver.etcd-read-timeout": "1s", "kube-apiserver.etcd-write-timeout": "2s" }]],
  [
    "leases",
    [
      {},
      ...[
        ["30s", "20s", "5s"],
        ["6s", "4s", "1s"],
      ].map(([duration, deadline, period]) =>
        Object.fromEntries(
          ["kube-controller-manager", "kube-scheduler"].flatMap((component) => [
            [`${component}.leader-elect-lease-duration`, duration],
            [`${component}.leader-elect-renew-deadline`, deadline],
            [`${component}.leader-elect-retry-period`, period],
          ]),
        ),
      ),
    ],
  ],
  ["node-grace", [{}, { "kube-controller-manager.node-monitor-grace-period": "20s" }]],
  ["endpoint-slices", [{}, { "kube-controller-manager.max-endpoints-per-slice": 2 }]],
]);

const listOf = (item: JsonSchema): JsonSchema => ({
  type: "array",
  items: item,
  minItems: 1,
  description: "a list of which each seed draws one",
});
const count = (minimum: number) => listOf({ type: "integer", minimum });

/** The `swarm` part of a scenario file. */
export const swarmSchema: JsonSchema = {
  ...recordSchema({
    steps: { type: "integer", minimum: 1, maximum: 1000, description: "at most so many" },
    within: durationSchema,
    faults: { type: "array", items: { enum: [...drawnFaults] }, minItems: 1, description: "the faults that may be drawn" },
    rollouts: { type: "boolean", description: "restart and scale Deployments in between" },
    priorities: {
      type: "integer",
      minimum: 0,
      maximum: 1000,
      description:
        "search by priorities: who says something is late by its drawn priority all through the storm, and so many times the order changes",
    },
    restores: {
      type: "number",
      minimum: 0,
      maximum: 1,
      description:
        "how likely it is that etcd loses a quorum for good and is made anew of a backup, at a moment at which nothing else is lost; 0 where not given",
    },
    lasting: {
      type: "array",
      items: durationSchema,
      minItems: 2,
      maxItems: 2,
      description: "how long faults last, from the shortest to the longest; 500ms and 30s where not given",
    },
    roles: {
      type: "array",
      items: { enum: [...roles] },
      minItems: 1,
      description: "the roles whose hosts may be hit; all where not given",
    },
    cluster: {
      ...recordSchema({
        etcd: listOf({ enum: [1, 3, 5, 7] }),
        apiServers: count(1),
        controllers: count(1),
        nodes: count(0),
        zones: listOf({ type: "integer", minimum: 1, maximum: 26 }),
      }),
      description: "lists of numbers, of which each seed draws one",
    },
    knobs: {
      anyOf: [{ type: "boolean" }, { type: "array", items: { enum: [...knobGroups.keys()] }, minItems: 1 }],
      description: "true, or a list of groups of knobs whose values each seed draws",
    },
  }),
  description: "steps that each seed draws anew, beside those of the storm",
};

/** Reads what the schema has approved. */
export function drawnClusterOf({ cluster, knobs }: Readonly<Record<string, unknown>>): DrawnCluster {
  const counts = (cluster ?? {}) as DrawnCluster["counts"];
  return { counts, knobs: knobs === true ? [...knobGroups.keys()] : Array.isArray(knobs) ? (knobs as readonly string[]) : [] };
}

/** The shape that a seed draws. */
export function drawShape(shape: ClusterShape, { counts, knobs }: DrawnCluster, draw: (purpose: string) => number): ClusterShape {
  const drawnCounts = countNames.flatMap((name) => {
    const values = counts[name];
    return values ? [[name, values[Math.floor(draw(`number of ${name}`) * values.length)]!] as const] : [];
  });
  const drawnKnobs = knobs.flatMap((group) => {
    const values = knobGroups.get(group)!;
    // Each group stays at its default in every other run.
    const d = draw(`knobs ${group}`);
    return d < 0.5 ? [] : Object.entries(values[1 + Math.floor((d - 0.5) * 2 * (values.length - 1))]!);
  });
  const set = Object.fromEntries(drawnKnobs.map(([name, value]) => [name, knobValue(name, value)]));
  return { ...shape, ...Object.fromEntries(drawnCounts), knobs: { ...set, ...shape.knobs } };
}

/** The fewest hosts of each kind that can be drawn: what every drawn cluster has. */
export function smallestShape(shape: ClusterShape, { counts }: DrawnCluster): ClusterShape {
  const least = countNames.flatMap((name) => (counts[name] ? [[name, Math.min(...counts[name])] as const] : []));
  return { ...shape, ...Object.fromEntries(least) };
}

/** Every shape that can be drawn, from the smallest on; those with other numbers of members and API servers come first. */
export function* everyShape(shape: ClusterShape, { counts }: DrawnCluster): Generator<ClusterShape> {
  yield smallestShape(shape, { counts, knobs: [] });
  const numbers = countNames.map((name) => ({ name, values: counts[name] ?? [shape[name]] }));
  const total = numbers.reduce((product, { values }) => product * values.length, 1);
  for (let i = 0; i < total; i++) {
    let rest = i;
    const drawn = numbers.map(({ name, values }) => {
      const value = values[rest % values.length]!;
      rest = Math.floor(rest / values.length);
      return [name, value] as const;
    });
    yield { ...shape, ...Object.fromEntries(drawn) };
  }
}

function knobValue(name: string, value: unknown): number | boolean {
  const knob = knobNamed(name);
  const read = knob && readKnob(knob, value);
  if (!read || "expected" in read) throw new Error(`${name}: ${String(value)} is no value of a knob`);
  return read.value;
}
