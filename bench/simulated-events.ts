import { type Address, address } from "../protocol/address";
import type { Actor } from "../runtime/actor";
import { Simulation } from "../runtime/simulated/simulation";

/** Two actors on two hosts that send a datagram back and forth; what the runtime itself costs per event, with encoding, trace and faults' hooks. */
export function simulatedEventsPerSecond(virtualMs = 60_000): {
  readonly events: number;
  readonly wallMs: number;
  readonly perSecond: number;
} {
  const pinger: Actor<{ readonly peer: Address; readonly begins: boolean }, { readonly peer: Address; count: number }> = {
    role: "pinger",
    start(config, ctx) {
      if (config.begins) ctx.send(config.peer, { kind: "ping" });
      return { peer: config.peer, count: 0 };
    },
    receive(state, input, ctx) {
      if (input.type !== "message") return;
      state.count++;
      ctx.send(state.peer, { kind: "ping", count: state.count, payload: "x".repeat(200) } as never);
    },
  };
  const simulation = new Simulation({ seed: 1, actors: [pinger] });
  const one = address("pinger", 1);
  const two = address("pinger", 2);
  for (const [host, actor, peer, begins] of [
    ["one", one, two, true],
    ["two", two, one, false],
  ] as const) {
    simulation.addHost({ name: host, zone: "z" });
    simulation.place(host, actor, { peer, begins });
  }
  simulation.start();
  const started = performance.now();
  simulation.runFor(virtualMs);
  const wallMs = performance.now() - started;
  return { events: simulation.heap.count, wallMs, perSecond: (simulation.heap.count / wallMs) * 1000 };
}
