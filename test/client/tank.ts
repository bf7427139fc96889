import { ApiClient } from "../../actors/client";
import { address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Actor, AnyActor, Context } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";
import { type FakeConfig, FakeStore, fakeApiServer } from "./fake-api-server";

/** The state of a test's actor: a client, and whatever the test keeps. */
export interface Tester {
  readonly client: ApiClient<Tester>;
}

/** An actor that does at its start what a test says, and routes its timers to its client. */
export function tester(name: string, begin: (client: ApiClient<Tester>, ctx: Context<Tester>) => void): Actor<null, Tester, Message> {
  const apiServers = [address("apiserver", 0), address("apiserver", 1)];
  return {
    role: name,
    start(_config, ctx) {
      const client = new ApiClient<Tester>({ apiServers, userAgent: name });
      begin(client, ctx);
      return { client };
    },
    receive(state, input, ctx) {
      if (input.type === "timer") state.client.onTimer(input.name, ctx);
      return undefined;
    },
  };
}

/** Two fake API servers over one store, and the given actors each on a host of its own. */
export function tank(
  actors: readonly AnyActor[],
  options: Partial<FakeConfig> & { readonly seed?: number; readonly configs?: ReadonlyMap<string, unknown> } = {},
) {
  const store = options.store ?? new FakeStore();
  const simulation = new Simulation({ seed: options.seed ?? 1, actors: [fakeApiServer, ...actors] });
  const config: FakeConfig = { store, ...options };
  for (const index of [0, 1]) {
    simulation.addHost({ name: `apiserver-${index}`, zone: "a" });
    simulation.place(`apiserver-${index}`, address("apiserver", index), config);
  }
  for (const actor of actors) {
    const names = [...(options.configs?.keys() ?? [`${actor.role}/0`])].filter((name) => name.startsWith(`${actor.role}/`));
    for (const name of names) {
      const host = name.replace("/", "-");
      simulation.addHost({ name: host, zone: "a" });
      simulation.place(host, name as never, options.configs?.get(name) ?? null);
    }
  }
  simulation.start();
  return { simulation, store };
}
