/** What an etcd member can be told, under the names of etcd's flags (units appended) and with etcd's defaults. */
export interface EtcdSettings {
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  /** Entries applied since the last snapshot that make the next one due. */
  readonly snapshotCount: number;
  /** Entries that stay in the log behind a snapshot, so that a slow follower needs none. */
  readonly snapshotCatchupEntries: number;
  readonly preVote: boolean;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
  /** Writes are refused while the store holds more than this. */
  readonly quotaBackendBytes: number;
  readonly watchProgressNotifyIntervalMs: number;
  readonly leaseCheckpointIntervalMs: number;
  /** A constant of etcd (raft.go: maxSizePerMsg): bytes of entries in one append, which holds at least one entry. */
  readonly maxSizePerMsg: number;
  /** A constant of etcd (watcher_group.go: watchBatchMaxRevs): how many changes a watcher that is behind is told of at a time. */
  readonly watchBatchMaxRevs: number;
  /** How often the leader compares the members' hashes; 0 for never. */
  readonly corruptCheckTimeMs: number;
}

interface Flag {
  readonly field: keyof EtcdSettings;
  readonly standard: number | boolean;
  readonly min?: number;
}

const flags: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ["heartbeat-interval", { field: "heartbeatIntervalMs", standard: 100, min: 1 }],
  ["election-timeout", { field: "electionTimeoutMs", standard: 1000, min: 5 }],
  ["snapshot-count", { field: "snapshotCount", standard: 10_000, min: 1 }],
  ["snapshot-catchup-entries", { field: "snapshotCatchupEntries", standard: 5_000, min: 0 }],
  ["pre-vote", { field: "preVote", standard: true }],
  ["max-request-bytes", { field: "maxRequestBytes", standard: 1_572_864, min: 1 }],
  ["max-txn-ops", { field: "maxTxnOps", standard: 128, min: 1 }],
  ["quota-backend-bytes", { field: "quotaBackendBytes", standard: 2 * 1024 ** 3, min: 1 }],
  ["watch-progress-notify-interval", { field: "watchProgressNotifyIntervalMs", standard: 600_000, min: 1 }],
  ["lease-checkpoint-interval", { field: "leaseCheckpointIntervalMs", standard: 300_000, min: 1 }],
  ["max-size-per-msg", { field: "maxSizePerMsg", standard: 1024 * 1024, min: 1 }],
  ["watch-batch-max-revs", { field: "watchBatchMaxRevs", standard: 1_000, min: 1 }],
  ["corrupt-check-time", { field: "corruptCheckTimeMs", standard: 0, min: 0 }],
]);

/** The names that `etcdSettings` knows. */
export const etcdFlags: readonly string[] = [...flags.keys()];

/**
 * Settings from flags by their etcd names, `{ "election-timeout": 500 }`; the others get etcd's defaults. Times are milliseconds.
 * Throws an Error that names the flag and what was expected.
 */
export function etcdSettings(given: Readonly<Record<string, unknown>> = {}): EtcdSettings {
  const settings = new Map<keyof EtcdSettings, unknown>([...flags.values()].map(({ field, standard }) => [field, standard]));
  for (const [name, value] of Object.entries(given)) {
    const flag = flags.get(name);
    if (!flag) throw new Error(`etcd has no setting "${name}": expected one of ${etcdFlags.join(", ")}`);
    if (typeof value !== typeof flag.standard || (typeof value === "number" && !(Number.isFinite(value) && value >= flag.min!)))
      throw new Error(
        `${name}: ${JSON.stringify(value)}: expected ${typeof flag.standard === "boolean" ? "true or false" : `a number, ${flag.min} or more`}`,
      );
    settings.set(flag.field, value);
  }
  const all = Object.fromEntries(settings) as unknown as EtcdSettings;
  // etcd's own rule: five heartbeats must fit, or elections break out while the leader is well.
  if (all.electionTimeoutMs < 5 * all.heartbeatIntervalMs)
    throw new Error(
      `election-timeout: ${all.electionTimeoutMs}: expected at least 5 times heartbeat-interval (${all.heartbeatIntervalMs})`,
    );
  return all;
}
