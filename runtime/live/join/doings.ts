import { isDeepStrictEqual } from "node:util";
import type { HostName } from "../../../protocol/address";
import { healthyLiveDisk } from "../condition";
import type { LiveWorld } from "../world";
import type { Control, DiskCount, RuleCount } from "./control";

/** Something that stands in the middle of hosts of this process. */
export interface Meddler {
  /** What it has done so far; "" for nothing. */
  did(): string;
  end(): void;
}

const tellEveryMs = 250;

/** Does in a joined process what its hub wants done in the middle of its hosts, and tells the hub what comes of that and of rules and disks. */
export class Doings {
  private readonly works = new Map<string, Meddler>();
  private readonly told = new Map<string, string>();
  private toldCounts: unknown;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly world: LiveWorld,
    private readonly hosts: () => readonly HostName[],
    private readonly make: ((what: unknown) => Meddler) | undefined,
    private readonly say: (message: Control) => void,
  ) {}

  begin(id: string, what: unknown): void {
    if (this.make === undefined || this.works.has(id)) return;
    this.works.set(id, this.make(what));
    this.look();
  }

  end(id: string): void {
    this.works.get(id)?.end();
    this.works.delete(id);
    this.told.delete(id);
  }

  /** The hub is out of sight: nobody else would heal. */
  endAll(): void {
    for (const id of [...this.works.keys()]) this.end(id);
    this.stop();
  }

  /** Tells the hub what has changed, now and as long as there is anything to be told of. */
  look(): void {
    for (const [id, work] of this.works) {
      const text = work.did();
      if (text === "" || this.told.get(id) === text) continue;
      this.told.set(id, text);
      this.say({ type: "did", id, text });
    }
    const rules = this.world.wire.rules.map(({ id }): RuleCount => [id, this.world.wire.ruleCounts.get(id) ?? 0]);
    const troubled = this.hosts().filter((host) => !isDeepStrictEqual(this.world.conditionOf(host).disk, healthyLiveDisk));
    const disks = troubled.map((host): DiskCount => {
      const { syncs, failedWrites } = this.world.diskCountsOf(host);
      return [host, syncs, failedWrites];
    });
    const counts = { rules: rules.filter(([, count]) => count > 0), disks };
    if ((counts.rules.length > 0 || disks.length > 0) && !isDeepStrictEqual(counts, this.toldCounts)) {
      this.toldCounts = counts;
      this.say({ type: "counted", ...counts });
    }
    if (this.works.size > 0 || rules.length > 0 || disks.length > 0) this.timer ??= setInterval(() => this.look(), tellEveryMs).unref();
    else this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.toldCounts = undefined;
  }
}
