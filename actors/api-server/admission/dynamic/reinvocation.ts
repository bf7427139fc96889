import type { JsonObject } from "../../../../protocol/kinds/object";
import { semanticallyEqual } from "../../objects/equality";

/**
 * Who is asked a second time: those who want it and had their say before somebody else changed the object.
 * Source: "Reinvocation policy" in the documentation of dynamic admission control.
 */
export class Reinvocation {
  round = 0;
  /** Whether somebody changed the object, so that there is a second round. */
  isNeeded = false;
}

/** The part of it that is kept for webhooks, and another for policies. */
export class Reinvocable {
  private readonly before = new Set<string>();
  private readonly again = new Set<string>();
  private last: JsonObject | undefined;

  /** To be called when a round begins: what plug-ins of the server changed since counts as well. */
  begin(round: number, object: JsonObject | undefined): void {
    if (round > 0 && !semanticallyEqual(object, this.last)) this.requireAgain();
  }
  end(object: JsonObject | undefined): void {
    this.last = object;
  }
  /** Whether it is asked in this round; nobody is asked for the first time in a second one. */
  isAsked(round: number, uid: string): boolean {
    return round === 0 || this.again.has(uid);
  }
  changed(reinvocation: Reinvocation): void {
    this.requireAgain();
    reinvocation.isNeeded = true;
  }
  /** To be called after each one that wants to be asked again. */
  wants(uid: string): void {
    this.before.add(uid);
  }
  private requireAgain(): void {
    for (const uid of this.before) this.again.add(uid);
    this.before.clear();
  }
}
