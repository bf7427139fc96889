import type { HistoryEvent } from "../history";

/** In good weather a controller knows of a change after so long at the latest. */
const lagUs = 5_000_000;
/** After a fault its caches need a while: time-outs, a relist, another leader. */
const recoveryUs = 30_000_000;

const ofNodes = /^(node|client)-\d|^(kubelet|kube-proxy|container-runtime)\//;

/**
 * Which losses nobody who decides could know of. A controller acts on what its cache shows, and its promises hold for that: a pod that a moment ago was
 * taken by something else still counts for it. How long "a moment" is depends on whether a fault keeps the news away.
 */
export class Staleness {
  private readonly lostAtUs = new Map<string, number>();
  private readonly healthy = new Set<string>();
  private active = 0;
  /** Since when changes may not have been noticed; Infinity in good weather. */
  private sinceUs = Number.POSITIVE_INFINITY;
  private endedAtUs = Number.NEGATIVE_INFINITY;

  see(event: HistoryEvent): void {
    // Whatever suffers only on its own node keeps no news from controllers but its own, which are the losses themselves.
    if (event.type !== "fault" || (event.hosts ?? event.targets).every((target) => ofNodes.test(target))) return;
    if (event.phase === "began") {
      if (this.active++ === 0 && event.atUs - this.endedAtUs > recoveryUs) this.sinceUs = event.atUs;
    } else if (--this.active === 0) this.endedAtUs = event.atUs;
  }

  /** A pod is healthy now or not; what is lost on purpose by those whose promise is judged is known to them. */
  note(id: string, isHealthy: boolean, isOwnDoing: boolean, atUs: number): void {
    const was = this.healthy.delete(id);
    if (isHealthy) this.healthy.add(id);
    if (isHealthy || isOwnDoing) this.lostAtUs.delete(id);
    else if (was) this.lostAtUs.set(id, atUs);
  }

  /** Until when everybody knows of what happened; of what came after it some may not. */
  knownUntil(nowUs: number): number {
    const recovering = this.active > 0 || nowUs - this.endedAtUs <= recoveryUs;
    return Math.min(nowUs - lagUs, recovering ? this.sinceUs : Number.POSITIVE_INFINITY);
  }

  /** Of the pods that are meant, how many are lost without anybody knowing. */
  unnoticed(isMeant: (id: string) => boolean, nowUs: number): number {
    const fromUs = this.knownUntil(nowUs);
    let count = 0;
    for (const [id, atUs] of this.lostAtUs) if (atUs >= fromUs && isMeant(id)) count++;
    return count;
  }
}
