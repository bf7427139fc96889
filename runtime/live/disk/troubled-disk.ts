import type { Address } from "../../../protocol/address";
import type { DiskOperation, Recovered } from "../../actor";
import type { Clock, Disk, Random } from "../../world";
import { healthyLiveDisk, type LiveDiskCounts, type LiveDiskTrouble } from "../condition";

interface Waiting {
  readonly begin: () => void;
}

/** The least that a write takes that is to be slowed: a disk in memory has no time that could be multiplied. */
const slowedFromUs = 500;

/**
 * A host's disk behind what faults do to it: writes that are refused, late or held. What is late or held stays in order, and nothing that was refused
 * reaches the disk behind.
 */
export class TroubledDisk implements Disk {
  readonly counts: LiveDiskCounts = { syncs: 0, failedWrites: 0 };
  private trouble = healthyLiveDisk;
  private stalled: Waiting[] = [];
  /** By actor: when the last answer is due, so that later ones do not overtake it. */
  private readonly dueUs = new Map<Address, number>();
  private draws = 0;

  /** `disk` is asked each time: a host that starts again has another one. */
  constructor(
    private readonly name: string,
    private readonly disk: () => Disk,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  suffer(trouble: LiveDiskTrouble): void {
    this.trouble = trouble;
    if (trouble.slowdown === Number.POSITIVE_INFINITY) return;
    for (const { begin } of this.stalled.splice(0)) begin();
  }

  /** The host went down: what it still waited for is of no interest. */
  forget(): void {
    this.stalled = [];
    this.dueUs.clear();
  }

  recover(actor: Address, done: (recovered: Recovered) => void, failed: (detail: string) => void): void {
    this.disk().recover(actor, done, failed);
  }

  write(actor: Address, operations: readonly DiskOperation[], done: () => void, failed: (detail: string) => void): void {
    const refuse = (detail: string) => {
      this.counts.failedWrites++;
      // A completion within the turn that asked would be a thing that no real disk does.
      this.clock.after(0, () => failed(detail));
    };
    if (this.trouble.full) return refuse("ENOSPC: no space left on device, write (a fault)");
    if (this.trouble.errorProbability > 0 && this.random.draw(this.name, "failing disk", this.draws++) < this.trouble.errorProbability)
      return refuse("EIO: i/o error, write (a fault)");
    const begin = () => {
      const begunUs = this.clock.monotonicUs();
      this.disk().write(
        actor,
        operations,
        () => {
          this.counts.syncs++;
          this.whenDue(actor, begunUs, done);
        },
        failed,
      );
    };
    if (this.trouble.slowdown === Number.POSITIVE_INFINITY || this.stalled.length > 0) this.stalled.push({ begin });
    else begin();
  }

  private whenDue(actor: Address, begunUs: number, done: () => void): void {
    const { slowdown } = this.trouble;
    const nowUs = this.clock.monotonicUs();
    const last = this.dueUs.get(actor) ?? 0;
    const factor = slowdown === Number.POSITIVE_INFINITY ? 1 : slowdown;
    if (factor === 1 && last <= nowUs) return done();
    const dueUs = Math.max(last, begunUs + Math.max(slowedFromUs, nowUs - begunUs) * factor);
    this.dueUs.set(actor, dueUs);
    this.clock.after(Math.max(0, dueUs - nowUs), done);
  }
}
