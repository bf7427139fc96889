import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Interrupted } from "../exit";
import type { Bundle } from "../load";
import type { HunterAsks, HunterSays } from "./hunter-process";
import type { Planted } from "./planted";
import { forkModule } from "./planted-process";

type Ran = Extract<HunterSays, { readonly type: "ran" }>;

/** So much processor time a run may take, and so long on the wall clock where that cannot be seen: a turn of an actor that does not end is seen by nobody else. */
const runMaxCpuMs = 4 * 60_000;
const runMaxMs = 30 * 60_000;
const lookMs = 2_000;
const module_ = join(__dirname, `hunter-process${extname(__filename)}`);

/** A process of its own that runs seeds of some scenarios, with a bug in it or without. */
export class Hunter {
  private child: ChildProcess;
  private bundles: readonly Bundle[] = [];
  private ended = false;

  constructor(private readonly planted: Planted | undefined) {
    this.child = forkModule(module_, planted);
  }

  /** Gives it the scenarios that `run` names by their places. Throws Interrupted when it was ended meanwhile. */
  async load(bundles: readonly Bundle[]): Promise<void> {
    this.bundles = bundles;
    await this.ask({ type: "load", bundles });
  }

  /**
   * Runs one seed of one scenario until its end or the first violation; one that does not end is a violation of its own, and the process another from then on.
   * Throws Interrupted when it was ended meanwhile.
   */
  async run(scenario: number, seed: number): Promise<Ran> {
    const said = await this.ask({ type: "run", scenario, seed });
    if (said !== "endless") return said as Ran;
    this.child = forkModule(module_, this.planted);
    await this.load(this.bundles);
    const detail = `${runMaxCpuMs / 60_000} minutes of processor time did not end the run: a turn of an actor goes on for ever`;
    return { type: "ran", violations: [{ check: "finite", detail, atUs: 0 }], virtualMs: 0, cpuMs: runMaxCpuMs };
  }

  end(): void {
    this.ended = true;
    this.child.kill("SIGKILL");
  }

  private ask(asked: HunterAsks): Promise<HunterSays | "endless"> {
    const { child } = this;
    const [startedMs, startedCpuMs] = [performance.now(), cpuMsOf(child.pid)];
    return new Promise((resolve, reject) => {
      let endless = false;
      const timer = setInterval(() => {
        const used = cpuMsOf(child.pid);
        endless =
          used === undefined || startedCpuMs === undefined ? performance.now() - startedMs > runMaxMs : used - startedCpuMs > runMaxCpuMs;
        if (endless) child.kill("SIGKILL");
      }, lookMs);
      const settle = () => {
        clearInterval(timer);
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
      const ended = (code: number | null, signal: string | null) => {
        settle();
        if (this.ended) reject(new Interrupted());
        else if (endless) resolve("endless");
        else reject(new Error(`the process that runs the seeds ended with ${code === null ? `signal ${signal}` : `status ${code}`}`));
      };
      child.on("message", hear);
      child.on("error", fail);
      child.on("exit", ended);
      child.send(asked);
    });
  }
}

/** In hundredths of a second, as the kernel counts for /proc on every machine that has it. */
const tickMs = 10;

/** The processor time that a process has used; undefined where the system does not say. */
function cpuMsOf(pid: number | undefined): number | undefined {
  try {
    // After the name, which may hold anything but is in brackets: the 12th and 13th field are the user's and the system's time.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return undefined;
  }
}
