import type { Pod } from "../../protocol/kinds/generated";
import { controllerOf, type Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import { factOf } from "./raft/history";

export interface RunningContainer {
  /** "namespace/name". */
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  readonly node: string;
}

/** Which containers run on which node, by what the nodes did and not by what they reported; and of pods whose objects may be gone, whose they were. */
export class RunningContainers {
  private readonly byKey = new Map<string, RunningContainer>();
  private readonly controllerKinds = new Map<string, string>();
  private readonly forced = new Set<string>();
  private readonly removedNodes = new Set<string>();

  /** Takes an event; answers with a container that it started. */
  see(event: HistoryEvent): RunningContainer | undefined {
    if (event.type === "host" && !event.up) this.leave(event.host);
    if (event.type === "life" && !event.alive && event.actor.startsWith("container-runtime/"))
      this.leave(event.actor.slice("container-runtime/".length));
    if (event.type === "object") this.note(event);
    const exited = factOf(event, "container.exited");
    if (exited) this.byKey.delete(keyOf(exited as never));
    const started = factOf(event, "container.started") as unknown as RunningContainer | undefined;
    if (!started) return undefined;
    const { pod, podUid, container, node } = started;
    const running = { pod, podUid, container, node };
    this.byKey.set(keyOf(running), running);
    return running;
  }

  all(): Iterable<RunningContainer> {
    return this.byKey.values();
  }

  under(pod: string): readonly RunningContainer[] {
    return [...this.byKey.values()].filter((container) => container.pod === pod);
  }

  /** Whether a controller of that kind made the pod. */
  isOf(podUid: string, kind: string): boolean {
    return this.controllerKinds.get(podUid) === kind;
  }

  /** Whether somebody declared the pod gone without its node having said so. */
  isExcused({ podUid, node }: RunningContainer): boolean {
    return this.forced.has(podUid) || this.removedNodes.has(node);
  }

  private leave(node: string): void {
    for (const [key, container] of this.byKey) if (container.node === node) this.byKey.delete(key);
  }

  private note({ before, after }: Extract<HistoryEvent, { readonly type: "object" }>): void {
    const object = (after ?? before)!;
    if (object.kind === "Node") {
      if (after) this.removedNodes.delete(object.metadata.name);
      else this.removedNodes.add(object.metadata.name);
    }
    if (object.kind !== "Pod") return;
    const { uid } = object.metadata;
    const controller = controllerOf(object)?.kind;
    if (controller) this.controllerKinds.set(uid, controller);
    // A pod that was bound goes from the API when its kubelet has stopped it, with a grace period that was begun; by force it goes at once.
    const last = before as Stored<Pod> | undefined;
    if (!after && last?.spec?.nodeName && last.metadata.deletionTimestamp === undefined) this.forced.add(uid);
  }
}

function keyOf({ node, podUid, container }: Pick<RunningContainer, "node" | "podUid" | "container">): string {
  return `${node} ${podUid} ${container}`;
}
