import type { Simulation } from "../../runtime/simulated/simulation";
import type { CloseView } from "./close-up";

/** A simulation as a close-up looks at it. */
export function viewOf(simulation: Simulation): CloseView {
  return {
    now: () => simulation.now(),
    tap: (tap) => {
      simulation.wire.tap = tap;
    },
    addObserver: (observer) => simulation.addObserver(observer),
    tookUs: (host) => simulation.host(host).cpu.freeAtUs - simulation.now(),
  };
}
