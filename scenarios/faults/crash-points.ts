import type { Effect } from "../../runtime/actor";

/** A place in what an actor does at which it can be made to die, found by the effects that it asks for: no code knows of it. */
export interface CrashPoint {
  readonly name: string;
  /** Of the actors that come to it. */
  readonly role: string;
  readonly what: string;
  /** Whether the effect is performed before the end comes. */
  readonly side: "before" | "after";
  /** `synced`: it waited for the disk. */
  is(effect: Effect, synced: boolean): boolean;
}

const says = (kind: string) => (effect: Effect) =>
  (effect.type === "send" || effect.type === "ask" || effect.type === "reply") && effect.kind === kind;
const records =
  (kind: string, fits: (fact: Readonly<Record<string, unknown>>) => boolean = () => true) =>
  (effect: Effect) =>
    effect.type === "record" && effect.fact.kind === kind && fits(effect.fact);
const persists = (token: string) => (effect: Effect) => effect.type === "persist" && effect.token.startsWith(token);

/** In the order in which a write meets them. */
export const crashPoints: readonly CrashPoint[] = [
  {
    name: "apiserver-before-txn",
    role: "apiserver",
    what: "an API server is about to write to etcd",
    side: "before",
    is: says("etcd.txn"),
  },
  {
    name: "apiserver-after-write",
    role: "apiserver",
    what: "an object is written, and nobody told",
    side: "after",
    is: records("api.write"),
  },
  { name: "etcd-before-persist", role: "etcd", what: "a member is about to write its log", side: "before", is: persists("raft ") },
  {
    name: "etcd-while-persisting",
    role: "etcd",
    what: "a write of the log has begun and is not synced",
    side: "after",
    is: persists("raft "),
  },
  {
    name: "etcd-after-persist",
    role: "etcd",
    what: "the log is on disk, and what waited for it unsaid",
    side: "before",
    is: (effect, synced) => synced && effect.type === "send",
  },
  { name: "etcd-before-append", role: "etcd", what: "a leader is about to send entries", side: "before", is: says("raft.append") },
  { name: "etcd-after-append", role: "etcd", what: "a leader has sent entries to one follower", side: "after", is: says("raft.append") },
  {
    name: "etcd-before-vote",
    role: "etcd",
    what: "a vote is on disk, and its candidate not told",
    side: "before",
    is: (effect, synced) => synced && says("raft.vote.response")(effect),
  },
  {
    name: "etcd-after-commit",
    role: "etcd",
    what: "entries are known to be committed and not applied",
    side: "after",
    is: records("raft.committed"),
  },
  {
    name: "etcd-after-apply",
    role: "etcd",
    what: "an entry is applied, and who proposed it not told",
    side: "after",
    is: records("etcd.applied"),
  },
  {
    name: "etcd-after-compact",
    role: "etcd",
    what: "a compaction is applied and nothing removed",
    side: "after",
    is: records("etcd.compacted"),
  },
  {
    name: "etcd-while-snapshotting",
    role: "etcd",
    what: "a chunk of a snapshot is under way to the disk",
    side: "after",
    is: persists("snapshot "),
  },
  {
    name: "etcd-after-snapshot-sent",
    role: "etcd",
    what: "a leader has sent a part of a snapshot",
    side: "after",
    is: says("raft.snapshot"),
  },
  {
    name: "etcd-after-install",
    role: "etcd",
    what: "a member has put a snapshot in the place of its store",
    side: "after",
    is: records("raft.snapshot", ({ how }) => how === "installed"),
  },
  {
    name: "etcd-after-configuration",
    role: "etcd",
    what: "a change of the members is applied",
    side: "after",
    is: records("raft.configuration"),
  },
  {
    name: "scheduler-after-bind",
    role: "scheduler",
    what: "a pod is bound, as the scheduler has just been told",
    side: "after",
    is: records("scheduler.bound"),
  },
  {
    name: "kubelet-before-sandbox",
    role: "kubelet",
    what: "a pod is about to get its sandbox",
    side: "before",
    is: says("cri.runPodSandbox"),
  },
  {
    name: "kubelet-before-start",
    role: "kubelet",
    what: "a container is made and not started",
    side: "before",
    is: says("cri.startContainer"),
  },
  {
    name: "kubelet-after-start",
    role: "kubelet",
    what: "a container is told to start, and no status tells of it",
    side: "after",
    is: says("cri.startContainer"),
  },
];
