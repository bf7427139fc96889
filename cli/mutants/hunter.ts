import type { ChildProcess } from "node:child_process";
import { extname, join } from "node:path";
import { Interrupted } from "../exit";
import type { Bundle } from "../load";
import type { HunterAsks, HunterSays } from "./hunter-process";
import type { Planted } from "./planted";
import { forkModule } from "./planted-process";

type Ran = Extract<HunterSays, { readonly type: "ran" }>;

/** So long a run may take on the wall clock, however busy the machine; what goes on longer never ends. */
const runMaxMs = 15 * 60_000;
const module_ = join(__dirname, `hunter-process${extname(__filename)}`);

/** A process of its own that runs seeds of some scenarios, with a bug in it or without. */
export class Hunter {
  private readonly child: ChildProcess;

  constructor(planted: Planted | undefined) {
    this.child = forkModule(module_, planted);
  }

  /** Gives it the scenarios that `run` names by their places. Throws Interrupted when it was ended meanwhile. */
  async load(bundles: readonly Bundle[]): Promise<void> {
    await this.ask({ type: "load", bundles });
  }

  /** Runs one seed of one scenario until its end or the first violation. Throws Interrupted when it was ended meanwhile. */
  async run(scenario: number, seed: number): Promise<Ran> {
    return (await this.ask({ type: "run", scenario, seed })) as Ran;
  }

  end(): void {
    this.child.kill("SIGKILL");
  }

  private ask(asked: HunterAsks): Promise<HunterSays> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.end(), runMaxMs);
      const settle = () => {
        clearTimeout(timer);
        child.off("message", hear);
        child.off("error", fail);
        child.off("exit", ended);
      };
      const hear = (said: unknown) => {
        settle();
        resolve(said as HunterSays);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const ended = (code: number | null) => {
        settle();
        reject(code === null ? new Interrupted() : new Error(`the process that runs the seeds ended with status ${code}`));
      };
      child.on("message", hear);
      child.on("error", fail);
      child.on("exit", ended);
      child.send(asked);
    });
  }
}
