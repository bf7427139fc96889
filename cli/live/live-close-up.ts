import type { LiveWorld } from "../../runtime/live/world";
import type { PacketTap } from "../../runtime/packet-tap";
import type { HistoryEvent } from "../../scenarios/history";
import { type CloseUp, CloseUpRecorder, type CloseView } from "../../scenarios/report/close-up";
import { Reactions } from "../../scenarios/report/reactions";
import type { LiveRunWorld } from "./live-run-world";

/**
 * Looks closely at a live run, which cannot be repeated: once where the cluster first reacts to a fault, and once where the first check is violated.
 * Messages to other processes are not seen to arrive and are left out.
 */
export class LiveCloseUp {
  private readonly atReaction: CloseUpRecorder;
  private readonly atViolation: CloseUpRecorder;
  private readonly reactions = new Reactions();
  /** How many reactions there were before the first fault. */
  private before: number | undefined;

  constructor(world: LiveWorld, view: LiveRunWorld) {
    const taps: PacketTap[] = [];
    world.wire.tap = {
      sent: (from, to, envelope) => {
        if (world.hosts.has(to)) for (const tap of taps) tap.sent(from, to, envelope);
      },
      hit: (rule, envelope) => {
        for (const tap of taps) tap.hit(rule, envelope);
      },
      arrived: (host, envelope) => {
        for (const tap of taps) tap.arrived(host, envelope);
      },
    };
    // How long a turn takes is not measured live.
    const close: CloseView = {
      now: () => view.now(),
      tap: (tap) => void taps.push(tap),
      addObserver: (observer) => view.addObserver(observer),
      tookUs: () => 1,
    };
    this.atReaction = new CloseUpRecorder(close);
    this.atViolation = new CloseUpRecorder(close);
  }

  see(event: HistoryEvent, isViolated: boolean): void {
    this.reactions.see(event);
    if (event.type === "fault" && event.phase === "began") this.before ??= this.reactions.all.length;
    if (this.before !== undefined && this.reactions.all.length > this.before) this.atReaction.look();
    if (isViolated) this.atViolation.look();
    this.atReaction.see(event);
    this.atViolation.see(event);
  }

  closeUp(isViolated: boolean): CloseUp {
    return (isViolated ? this.atViolation : this.atReaction).closeUp();
  }
}
