import { type Counter, exponentialBuckets, type Histogram, Registry } from "../metrics/registry";
import { StoreCounters } from "./store-counters";

/**
 * How long a member waits for its disk and its peers, under etcd's names and with its bounds. Names and bounds of disks compared with etcd's
 * server/storage/wal/metrics.go and server/storage/backend/metrics.go, those of peers not compared. Times are monotonic milliseconds.
 */
export class Durations {
  readonly registry = new Registry();
  private readonly syncs: Histogram;
  private readonly commits: Histogram;
  private readonly roundTrips: Histogram;
  readonly leaderChanges: Counter;
  private readonly sent: Counter;
  private readonly received: Counter;
  readonly done: StoreCounters;
  /** How often it was asked whether it is well, by what it said. */
  readonly healths: { readonly well: Counter; readonly unwell: Counter };
  /** When writes that are under way began, by their token. */
  private readonly writes = new Map<string, number>();
  /** When the heartbeat that a peer has not answered was sent. */
  private readonly heartbeats = new Map<string, number>();

  constructor() {
    const { registry } = this;
    const bounds = exponentialBuckets(0.001, 2, 14);
    this.syncs = registry.histogram("etcd_disk_wal_fsync_duration_seconds", "How long it took until entries were on the disk.", [], bounds);
    const commits = "How long it took until a part of the store, in a snapshot, was on the disk.";
    this.commits = registry.histogram("etcd_disk_backend_commit_duration_seconds", commits, [], bounds);
    const trips = "From a heartbeat to its answer, by peer.";
    const network = exponentialBuckets(0.0001, 2, 16);
    this.roundTrips = registry.histogram("etcd_network_peer_round_trip_time_seconds", trips, ["To"], network);
    this.leaderChanges = registry.counter("etcd_server_leader_changes_seen_total", "How often another member came to lead.");
    this.sent = registry.counter("etcd_network_peer_sent_bytes_total", "Bytes of messages to peers.", ["To"]);
    this.received = registry.counter("etcd_network_peer_received_bytes_total", "Bytes of messages from peers.", ["From"]);
    this.done = new StoreCounters(registry);
    this.healths = {
      well: registry.counter("etcd_server_health_success", "How often /health said that all is well."),
      unwell: registry.counter("etcd_server_health_failures", "How often /health said that it is not."),
    };
  }

  /** So many bytes went to a peer. */
  said(peer: string, bytes: number): void {
    this.sent.add([peer], bytes);
  }

  heard(peer: string, bytes: number): void {
    this.received.add([peer], bytes);
  }

  writing(token: string, nowMs: number): void {
    this.writes.set(token, nowMs);
  }

  written(token: string, nowMs: number): void {
    const begunMs = this.writes.get(token);
    if (begunMs === undefined) return;
    this.writes.delete(token);
    (token.startsWith("snapshot") ? this.commits : this.syncs).observe([], (nowMs - begunMs) / 1000);
  }

  beat(peer: string, nowMs: number): void {
    // One that was lost is not waited for: the next is taken in its place.
    this.heartbeats.set(peer, nowMs);
  }

  answered(peer: string, nowMs: number): void {
    const sentMs = this.heartbeats.get(peer);
    if (sentMs === undefined) return;
    this.heartbeats.delete(peer);
    this.roundTrips.observe([peer], (nowMs - sentMs) / 1000);
  }
}
