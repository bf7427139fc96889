import type { Address, HostName } from "../protocol/address";
import type { Message } from "../protocol/codec";
import type { Answer } from "../runtime/actor";
import type { Cancel, Random, RuntimeEvent } from "../runtime/world";

/**
 * The world of a run, as whoever directs and watches it needs it: the simulation, or a live cluster. Times are whole microseconds since the run began.
 * Callbacks come outside of all turns of actors.
 */
export interface RunWorld {
  readonly random: Random;
  now(): number;
  schedule(delayUs: number, callback: () => void): Cancel;
  /** The same at a time, before everything that happens then in the world itself; among its like in the order of these numbers. */
  scheduleFirst(atUs: number, order: number, callback: () => void): Cancel;
  /** Asks an actor from outside of the cluster; answered exactly once. */
  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void;
  /** Notes something in the trace, where there is one. */
  note(text: string): void;
  addObserver(observer: (nowUs: number, host: HostName, event: RuntimeEvent) => void): void;
  /** The state of a running actor, for checks that use ground truth; undefined while it is down. Not to be changed. */
  stateOf<State>(actor: Address): State | undefined;
  /** How far hosts' wall clocks are off, in microseconds. */
  clockOffsetsUs(): ReadonlyMap<HostName, number>;
}
