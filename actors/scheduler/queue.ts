import type { ClusterEvent, PodInfo } from "./framework";

/** A pod that waits for its node. */
export interface QueuedPod {
  readonly info: PodInfo;
  readonly attempts: number;
  /** When it came into the queue for this attempt; with equal priority the older goes first. */
  readonly sinceMs: number;
  /** When it first came into the queue to be tried. */
  readonly firstMs: number;
  /** The plug-ins that turned it down last time. */
  readonly rejectors: ReadonlySet<string>;
}

export interface QueueKnobs {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How long a pod may lie among the unschedulable without an event. */
  readonly maxUnschedulableMs: number;
}

export const defaultQueueKnobs: QueueKnobs = { initialBackoffMs: 1_000, maxBackoffMs: 10_000, maxUnschedulableMs: 300_000 };

type Place =
  | { readonly is: "active" }
  | { readonly is: "backoff"; readonly untilMs: number }
  | { readonly is: "unschedulable"; readonly untilMs: number }
  | { readonly is: "gated" }
  /** Taken out to be scheduled; `events` happened since, and may have come too late for the attempt. */
  | { readonly is: "inFlight"; readonly events: ReadonlySet<ClusterEvent> };

interface Entry {
  readonly pod: QueuedPod;
  readonly place: Place;
}

const podUpdate = "UnschedulablePodUpdate";
const attemptFailed = "ScheduleAttemptFailure";

/** An event as kube-scheduler's figures name it: the resource and what was done to it. */
function labelOf(event: ClusterEvent): string {
  switch (event) {
    case "NodeAllocatable":
    case "NodeLabel":
    case "NodeTaint":
      return `NodeUpdate${event}`;
    case "AssignedPodLabel":
      return "AssignedPodUpdatePodLabel";
    case "AssignedPodScaleDown":
      return "AssignedPodUpdatePodScaleDown";
    case "PodUpdate":
      return podUpdate;
    case "ClaimChange":
      return "PersistentVolumeClaimUpdate";
    default:
      return event;
  }
}

/** The wait before the next attempt: 1 s, 2 s, 4 s, … up to 10 s by default. */
export function backoffMs(attempts: number, knobs: QueueKnobs = defaultQueueKnobs): number {
  return Math.min(knobs.initialBackoffMs * 2 ** Math.max(0, attempts - 1), knobs.maxBackoffMs);
}

/** PrioritySort: the higher priority first, then the older, then by key, so that the order is always the same. */
export function comesBefore(a: QueuedPod, b: QueuedPod): number {
  if (a.info.priority !== b.info.priority) return b.info.priority - a.info.priority;
  if (a.sinceMs !== b.sinceMs) return a.sinceMs - b.sinceMs;
  return a.info.key < b.info.key ? -1 : a.info.key > b.info.key ? 1 : 0;
}

/**
 * The pods without a node, each in one place: active (sorted), waiting out its back-off, unschedulable until an event or five minutes have passed,
 * gated, or in flight. Invariant: a pod is in one place only, and one in flight comes back by `requeue` or leaves by `done`.
 */
export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #active: QueuedPod[] = [];
  /** Those that an event or the time may move: all but the active and the gated. */
  readonly #waiting = new Set<string>();
  readonly #eventsOf: (rejectors: ReadonlySet<string>) => ReadonlySet<ClusterEvent>;
  readonly #gate: (info: PodInfo) => boolean;
  readonly #knobs: QueueKnobs;
  readonly #incoming: (queue: string, event: string) => void;

  /** `eventsOf` says which events could help a pod that these plug-ins rejected; `gate` says whether a pod must stay out; `incoming` is told which pods come where, and why. */
  constructor(
    eventsOf: (rejectors: ReadonlySet<string>) => ReadonlySet<ClusterEvent>,
    gate: (info: PodInfo) => boolean,
    knobs: QueueKnobs = defaultQueueKnobs,
    incoming: (queue: string, event: string) => void = () => undefined,
  ) {
    this.#incoming = incoming;
    this.#eventsOf = eventsOf;
    this.#gate = gate;
    this.#knobs = knobs;
  }

  get activeCount(): number {
    return this.#active.length;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many pods are where. */
  counts(): Readonly<Record<Place["is"], number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 };
    for (const { place } of this.#entries.values()) counts[place.is]++;
    return counts;
  }

  /** How many pods wait because of which plug-in. */
  rejections(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { pod, place } of this.#entries.values())
      for (const plugin of place.is === "inFlight" ? [] : pod.rejectors) counts.set(plugin, (counts.get(plugin) ?? 0) + 1);
    return counts;
  }

  placeOf(uid: string): Place["is"] | undefined {
    return this.#entries.get(uid)?.place.is;
  }

  /** A pod appeared, or changed while it waits. A change of a waiting pod makes it worth another try. */
  set(info: PodInfo, nowMs: number): void {
    const known = this.#entries.get(info.uid);
    if (known === undefined) {
      this.#put(
        { info, attempts: 0, sinceMs: nowMs, firstMs: nowMs, rejectors: new Set() },
        this.#gate(info) ? { is: "gated" } : { is: "active" },
        "UnschedulablePodAdd",
      );
      return;
    }
    const pod = { ...known.pod, info };
    switch (known.place.is) {
      case "inFlight":
        this.#put(pod, { is: "inFlight", events: new Set([...known.place.events, "PodUpdate"]) });
        break;
      case "gated":
        this.#put(
          this.#gate(info) ? pod : { ...pod, sinceMs: nowMs, firstMs: nowMs },
          this.#gate(info) ? known.place : { is: "active" },
          podUpdate,
        );
        break;
      case "unschedulable":
        this.#put(pod, this.#afterBackoff(pod, nowMs), podUpdate);
        break;
      case "active":
      case "backoff":
        this.#put(pod, known.place, podUpdate);
    }
  }

  /** The pod left: deleted, or bound. */
  done(uid: string): void {
    const known = this.#entries.get(uid);
    if (known === undefined) return;
    this.#entries.delete(uid);
    this.#waiting.delete(uid);
    if (known.place.is === "active") this.#removeActive(known.pod);
  }

  /** Takes the next pod out to be scheduled. */
  pop(): QueuedPod | undefined {
    const next = this.#active[0];
    if (next === undefined) return undefined;
    const pod = { ...next, attempts: next.attempts + 1 };
    this.#put(pod, { is: "inFlight", events: new Set() });
    return pod;
  }

  /**
   * A pod in flight found no node, because of these plug-ins; none means that something went wrong and the same may work next time.
   * If an event that could help came meanwhile it is tried again after its back-off, and is not left lying.
   */
  requeue(uid: string, rejectors: ReadonlySet<string>, nowMs: number): void {
    const known = this.#entries.get(uid);
    if (known?.place.is !== "inFlight") return;
    const pod = { ...known.pod, rejectors, sinceMs: nowMs };
    const missed = [...known.place.events].some((event) => this.#helps(event, rejectors));
    if (missed || rejectors.size === 0) this.#put(pod, this.#afterBackoff(pod, nowMs), attemptFailed);
    else this.#put(pod, { is: "unschedulable", untilMs: nowMs + this.#knobs.maxUnschedulableMs }, attemptFailed);
  }

  /** Something changed in the cluster: pods that it may help move on. */
  moveBy(event: ClusterEvent, nowMs: number): void {
    for (const { pod, place } of this.#waitingEntries()) {
      if (place.is === "inFlight") this.#put(pod, { is: "inFlight", events: new Set([...place.events, event]) });
      else if (place.is === "unschedulable" && this.#helps(event, pod.rejectors))
        this.#put(pod, this.#afterBackoff(pod, nowMs), labelOf(event));
    }
  }

  /** Moves what has waited long enough; answers when to look again, or undefined when nothing waits for a time. */
  advance(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { pod, place } of this.#waitingEntries()) {
      if (place.is !== "backoff" && place.is !== "unschedulable") continue;
      if (place.untilMs <= nowMs) this.#put(pod, { is: "active" }, place.is === "backoff" ? "BackoffComplete" : "UnschedulableTimeout");
      else if (next === undefined || place.untilMs < next) next = place.untilMs;
    }
    return next;
  }

  #waitingEntries(): readonly Entry[] {
    return [...this.#waiting].map((uid) => this.#entries.get(uid)!);
  }

  #helps(event: ClusterEvent, rejectors: ReadonlySet<string>): boolean {
    return event === "Any" || this.#eventsOf(rejectors).has(event);
  }

  #afterBackoff(pod: QueuedPod, nowMs: number): Place {
    const untilMs = pod.sinceMs + backoffMs(pod.attempts, this.#knobs);
    return pod.attempts === 0 || untilMs <= nowMs ? { is: "active" } : { is: "backoff", untilMs };
  }

  /** `event`: why, where it comes to be somewhere else. */
  #put(pod: QueuedPod, place: Place, event = ""): void {
    const known = this.#entries.get(pod.info.uid);
    if (place.is !== "inFlight" && place.is !== known?.place.is) this.#incoming(place.is, event);
    if (known?.place.is === "active") this.#removeActive(known.pod);
    this.#entries.set(pod.info.uid, { pod, place });
    if (place.is === "active" || place.is === "gated") this.#waiting.delete(pod.info.uid);
    else this.#waiting.add(pod.info.uid);
    if (place.is === "active") this.#insertActive(pod);
  }

  #insertActive(pod: QueuedPod): void {
    let low = 0;
    let high = this.#active.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comesBefore(this.#active[middle]!, pod) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#active.splice(low, 0, pod);
  }

  #removeActive(pod: QueuedPod): void {
    const at = this.#active.indexOf(pod);
    if (at >= 0) this.#active.splice(at, 1);
  }
}
