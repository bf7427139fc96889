/** A setting of a component under the name of the real component's flag or configuration field, with the real default. */
export interface Knob {
  /** "etcd.heartbeat-interval": the component, a dot, and the flag's name. */
  readonly name: string;
  /** Durations are written as "30s" in files and handed over in milliseconds. */
  readonly unit: "duration" | "number";
  /** As it would be written. */
  readonly default: string;
  readonly what: string;
}

/** Every knob of every component, in the order in which a request meets the components. */
export const knobs: readonly Knob[] = [];

export function knobNamed(name: string): Knob | undefined {
  return knobs.find((knob) => knob.name === name);
}
