import type { Address } from "../../protocol/address";
import type { Actor, AnyActor, Context } from "../../runtime/actor";
import { ApiClient, type Controller, ControllerHost, EventRecorder, LeaderElector, type Settings } from "../client";
import { readProgram, type Steps } from "./program";

/** What an operator is started with; a module whose default export is a function is called with it. */
export interface OperatorConfig {
  /** The name of the operator: of its Lease and in its events. */
  readonly name: string;
  /** Which program it runs. */
  readonly program: string;
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  /** Whether only the holder of the Lease of its name in `namespace` acts. */
  readonly leaderElection: boolean;
  readonly namespace: string;
  /** What the scenario file says under `with`. */
  readonly with: Readonly<Record<string, unknown>>;
  /** Times of leader election, kube-api-qps and the like, in milliseconds. */
  readonly knobs: Readonly<Record<string, number>>;
}

/**
 * Operators that users wrote, by the names of their programs. Each life evaluates its module anew, so that a crash takes what the module keeps in
 * variables, as the death of a process does.
 */
export function operatorActor(programs: ReadonlyMap<string, () => unknown>): AnyActor {
  /** By which steps a state goes on: a state is the program's own, and continuations are given it as it is. */
  const stepsOf = new WeakMap<object, Steps>();
  const actor: Actor<OperatorConfig, object> = {
    role: "operator",
    start(config, ctx, recovered) {
      const evaluate = programs.get(config.program);
      if (!evaluate) throw new Error(`there is no program "${config.program}"`);
      const read = readProgram(evaluate(), config);
      if (!read.ok) throw new Error(`${config.program}: ${read.wrong}`);
      const { program } = read;
      const steps = program.type === "actor" ? program.steps : (controlling(program.controllers) as unknown as Steps);
      const state = steps.start(config, ctx, recovered);
      if (typeof state !== "object" || state === null || state instanceof Promise)
        throw new Error(`${config.program}: expected start to answer with the actor's state, an object`);
      stepsOf.set(state, steps);
      return state;
    },
    receive(state, input, ctx) {
      return stepsOf.get(state)!.receive(state, input, ctx);
    },
  };
  return actor;
}

/** The state of an operator that is written as controllers. */
interface Controlling {
  readonly client: ApiClient<Controlling>;
  /** The controllers at work; undefined while another replica leads. */
  host: ControllerHost<Controlling> | undefined;
}

/** Controllers as an actor: informers, work queues and, where it is wanted, election of the one that acts. */
function controlling(controllers: readonly Controller[]): Actor<OperatorConfig, Controlling> {
  return {
    role: "operator",
    start(config, ctx) {
      const { name, namespace, apiServers, knobs } = config;
      const client = new ApiClient<Controlling>({ apiServers, userAgent: name });
      const recorder = new EventRecorder(client, { component: name });
      const settings: Settings = { knobs, clusterCidr: "", nodeCidrMaskSize: 24, rootCa: "" };
      const state: Controlling = { client, host: undefined };
      const begin = (later: Context<Controlling>): undefined => {
        state.host = new ControllerHost(client, () => recorder, settings, controllers);
        state.host.start(later);
      };
      if (!config.leaderElection) begin(ctx);
      else {
        const identity = `${ctx.self}_${ctx.uuid()}`;
        const onLost = (later: Context<Controlling>): undefined => {
          state.host?.stop(later);
          state.host = undefined;
        };
        new LeaderElector<Controlling>(client, { namespace, name, identity, knobs, onElected: begin, onLost }).start(ctx);
      }
      return state;
    },
    receive(state, input, ctx) {
      if (input.type === "timer") state.client.onTimer(input.name, ctx);
      else if (input.type === "request") ctx.refuse(input.request, "an operator answers nothing");
      else if (input.type === "opened") ctx.close(input.stream, "refused", "an operator answers nothing");
      return undefined;
    },
  };
}
