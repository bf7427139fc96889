import { type Address, address } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Answer, AnyActor, StreamInput } from "../../runtime/actor";
import { NoSecrets } from "../../runtime/live/secrets";
import { type HostPlan, LiveWorld } from "../../runtime/live/world";
import type { Portal, PortalStream } from "../../runtime/portal";
import type { WireRule } from "../../runtime/rules";
import { serve } from "../../runtime/serving";
import { Simulation } from "../../runtime/simulated/simulation";
import type { RuntimeEvent } from "../../runtime/world";

/** An ask under way: `answers` gets what comes back, so that a second answer would be seen. */
export interface Asked {
  readonly answers: Answer[];
}

/** A stream under way, with all that came on it. */
export interface Opened extends PortalStream {
  readonly inputs: StreamInput[];
}

/** A world in which the same behaviour must hold, whichever twin it is made of. */
export abstract class TestWorld {
  readonly events: RuntimeEvent[] = [];

  abstract portal(): Portal;
  /** Lets the world go on until the condition holds; fails after long enough. */
  abstract until(condition: () => boolean): Promise<void>;
  abstract crashActor(actor: Address): void;
  abstract crashHost(host: string): Promise<void>;
  abstract startHost(host: string): void;
  abstract addRule(rule: WireRule): void;
  abstract removeRule(id: string): void;
  abstract nowUs(): number;
  abstract close(): Promise<void>;

  ask(to: Address, body: Message, deadlineMs = 5_000): Asked {
    const answers: Answer[] = [];
    this.portal().ask(to, body, deadlineMs, (answer) => answers.push(answer));
    return { answers };
  }

  /** Asks and waits for the answer. */
  async answer(to: Address, body: Message, deadlineMs = 5_000): Promise<Answer> {
    const asked = this.ask(to, body, deadlineMs);
    await this.until(() => asked.answers.length > 0);
    return asked.answers[0]!;
  }

  open(to: Address, body: Message): Opened {
    const inputs: StreamInput[] = [];
    const stream = this.portal().open(to, body, (input) => inputs.push(input));
    return { inputs, push: stream.push, close: stream.close };
  }

  eventsOf<T extends RuntimeEvent["type"]>(type: T): Extract<RuntimeEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<RuntimeEvent, { type: T }>[];
  }
}

class SimulatedTestWorld extends TestWorld {
  private readonly simulation: Simulation;

  constructor(actors: readonly AnyActor[], plans: readonly HostPlan[]) {
    super();
    this.simulation = new Simulation({ seed: 7, actors, observers: [(_now, _host, event) => this.events.push(event)] });
    for (const plan of plans) {
      this.simulation.addHost(plan);
      for (const { address, config } of plan.actors) this.simulation.place(plan.name, address, config);
      for (const { address, service } of plan.services ?? []) serve(this.simulation.host(plan.name).host, address, service);
    }
    this.simulation.start();
  }

  portal = () => this.simulation.portal();
  nowUs = () => this.simulation.now();
  crashActor = (actor: Address) => this.simulation.crashActor(actor);
  startHost = (host: string) => this.simulation.startHost(host);
  addRule = (rule: WireRule) => this.simulation.addRule(rule);
  removeRule = (id: string) => this.simulation.removeRule(id);
  async crashHost(host: string): Promise<void> {
    this.simulation.crashHost(host);
  }
  async until(condition: () => boolean): Promise<void> {
    if (!condition()) this.simulation.runFor(120_000, condition);
    if (!condition()) throw new Error("the condition did not come true within 120 virtual seconds");
  }
  async close(): Promise<void> {}
}

class LiveTestWorld extends TestWorld {
  private readonly world: LiveWorld;

  constructor(actors: readonly AnyActor[], plans: readonly HostPlan[]) {
    super();
    this.world = new LiveWorld({ actors, secrets: new NoSecrets(), observers: [(_host, event) => this.events.push(event)] });
    for (const plan of plans) this.world.addHost(plan);
    this.world.start();
  }

  portal = () => this.world.outsidePortal();
  nowUs = () => this.world.clock.monotonicUs();
  crashActor = (actor: Address) => this.world.crashActor(actor);
  startHost = (host: string) => this.world.startHost(host);
  crashHost = (host: string) => this.world.crashHost(host);
  addRule = (rule: WireRule) => this.world.addRule(rule);
  removeRule = (id: string) => this.world.removeRule(id);
  until = (condition: () => boolean) => eventually(condition);
  close = () => this.world.close();
}

/** Lets real time pass until the condition holds. */
export async function eventually(condition: () => boolean, withinMs = 40_000): Promise<void> {
  const startedMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedMs > withinMs) throw new Error(`the condition did not come true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export type MakeWorld = (actors: readonly AnyActor[], plans: readonly HostPlan[]) => TestWorld;

/** Both twins, for describe.each. */
export const worlds: readonly (readonly [string, MakeWorld])[] = [
  ["simulated", (actors, plans) => new SimulatedTestWorld(actors, plans)],
  ["live", (actors, plans) => new LiveTestWorld(actors, plans)],
];

/** One host for each actor, named as the actor with "-" for "/". */
export function hostEach(...actors: readonly (readonly [role: string, name: string | number, config?: unknown])[]): HostPlan[] {
  return actors.map(([role, name, config]) => ({
    name: `${role}-${name}`,
    zone: "a",
    actors: [{ address: address(role, name), config: config ?? null }],
  }));
}
