import type { ComponentGetResponse } from "../../protocol/cluster";
import { answer, componentGet } from "../metrics/component";
import { Registry } from "../metrics/registry";
import { isLearner } from "./membership";
import type { MemberState } from "./state";
import { clusterVersion, etcdVersion } from "./version";

/** What a member answers at --listen-metrics-urls: /health, and /metrics under etcd's own names. Source: etcd's documentation, "Metrics" and "Monitoring etcd". */
export function memberGet(state: MemberState, path: string): ComponentGetResponse {
  if (path.split("?")[0] === "/health") return health(state);
  if (path.split("?")[0] === "/version")
    return answer(200, "application/json", JSON.stringify({ etcdserver: etcdVersion, etcdcluster: clusterVersion }));
  return componentGet(path, () => figuresOf(state).text() + state.durations.registry.text());
}

/** As etcd says it: without a leader a member is not healthy, and neither is one with an alarm. */
function health({ node, store, durations: { healths } }: MemberState): ComponentGetResponse {
  const [alarm] = store.alarms.list();
  const reason = node.leader === null ? "RAFT NO LEADER" : alarm ? `ALARM ${alarm.alarm}` : "";
  (reason === "" ? healths.well : healths.unwell).add();
  return answer(reason === "" ? 200 : 503, "application/json", JSON.stringify({ health: reason === "" ? "true" : "false", reason }));
}

function figuresOf(state: MemberState): Registry {
  const registry = new Registry();
  const add = (kind: "gauge" | "counter", name: string, help: string, value: number) =>
    registry.computed(kind, name, help, [], () => [{ labels: [], value }]);
  const { node, store, streams, watchers } = state;
  add("gauge", "etcd_server_has_leader", "Whether this member knows a leader.", node.leader === null ? 0 : 1);
  add("gauge", "etcd_server_is_leader", "Whether this member leads.", node.role.name === "leader" ? 1 : 0);
  add("gauge", "etcd_server_is_learner", "Whether this member only learns.", isLearner(state.membership, state.id) ? 1 : 0);
  add("gauge", "etcd_server_proposals_committed_total", "The index up to which proposals are committed.", node.log.commit);
  add("gauge", "etcd_server_proposals_applied_total", "The index up to which they are applied.", state.appliedIndex);
  add("gauge", "etcd_server_proposals_pending", "Proposals that wait to be committed.", state.queue.length + state.proposed.size);
  add("gauge", "etcd_mvcc_db_total_size_in_bytes", "Bytes on the disk.", state.journal.diskBytes);
  add("gauge", "etcd_mvcc_db_total_size_in_use_in_bytes", "Bytes that the store holds.", store.sizeBytes);
  add("gauge", "etcd_server_quota_backend_bytes", "Bytes that the store may hold.", state.settings.quotaBackendBytes);
  add("gauge", "etcd_debugging_mvcc_current_revision", "The store's revision.", store.revision);
  add("gauge", "etcd_debugging_mvcc_compact_revision", "The revision of the last compaction.", store.compacted);
  add("gauge", "etcd_debugging_mvcc_watch_stream_total", "Streams of watches.", streams.size);
  add("gauge", "etcd_debugging_mvcc_watcher_total", "Watches.", watchers.size);
  add("gauge", "etcd_debugging_auth_revision", "The revision of users and roles.", store.auth.revision);
  const named = (name: string, label: string, value: string) =>
    registry.computed("gauge", name, "1 for the version that there is.", [label], () => [{ labels: [value], value: 1 }]);
  named("etcd_server_version", "server_version", etcdVersion);
  named("etcd_cluster_version", "cluster_version", clusterVersion.replace(/\.\d+$/, ""));
  return registry;
}
