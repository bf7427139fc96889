import type { HostName } from "../protocol/address";
import type { Stored } from "../protocol/kinds/object";

/** What the tank has to be told, because only whoever watches the world knows it. */
export interface TankKnowledge {
  /** Whether something on a host is a leader at this moment. */
  leads(host: HostName): boolean;
  objects(): ReadonlyMap<string, Stored>;
}
