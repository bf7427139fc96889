import type { RuntimeEvent } from "../../runtime/world";
import type { Condition } from "./condition";
import { type Expectation, expectationOf, looksAtMessages, type Observation, type Standing } from "./expectation";

/** A breakpoint: waits from the begin of a run for a condition and remembers that it held. */
export class StopCondition {
  reached = false;
  private readonly expectation: Expectation;
  private readonly readsMessages: boolean;

  constructor(condition: Condition, standing: Standing) {
    this.expectation = expectationOf(condition, standing);
    this.readsMessages = looksAtMessages(condition);
  }

  see(observation: Observation): void {
    if (this.reached) return;
    this.expectation.see(observation);
    this.reached = this.expectation.holds();
  }

  seeRuntime(event: RuntimeEvent): void {
    if (this.readsMessages && event.type === "deliver") this.see({ type: "delivery", envelope: event.envelope });
  }
}
