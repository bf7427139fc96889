import type { Frame, FrameOutput } from "./control";
import { absolute, containerBytesMax } from "./files";
import { filesAt, type Place } from "./program";
import type { Step } from "./script";
import type { Session, SessionEffect } from "./session";
import { expand } from "./words";

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytesOf = (said: string | Uint8Array) => (typeof said === "string" ? encoder.encode(said) : said);

/** Where the commands of a session read and write: files, pipes, the groups that they stand in, and the session's own outputs as effects. */
export class Streams {
  readonly effects: SessionEffect[] = [];

  constructor(
    private readonly session: Session,
    private readonly place: Place,
  ) {}

  /** Makes the files to which a step writes, and reads the one from which it reads: its bytes, or "own" where there is none. */
  openFiles({ outputs, input, here }: Step): Uint8Array | "own" | undefined {
    const { session } = this;
    const files = filesAt(this.place);
    const fail = (message: string) => {
      this.say("stderr", `sh: ${message}\n`);
      session.status = 1;
      session.failed = true;
      return undefined;
    };
    for (const output of new Set([outputs?.out, outputs?.err])) {
      if (typeof output !== "object") continue;
      const path = expand(output.file, session);
      const wrong = files.write(absolute(path), nothing, { append: output.append });
      if (wrong !== undefined) return fail(`can't create ${path}: ${wrong}`);
    }
    if (here) return encoder.encode(expand(here, session));
    if (input === undefined) return "own";
    const path = expand(input, session);
    const bytes = files.read(absolute(path));
    return typeof bytes === "string" ? fail(`can't open ${path}: ${bytes}`) : bytes;
  }

  /** Says something where the step's outputs go. */
  sayFrom(step: Step, type: "stdout" | "stderr", said: string | Uint8Array): void {
    const { session } = this;
    if (said.length === 0) return;
    const to = type === "stdout" ? (step.outputs?.out ?? "stdout") : (step.outputs?.err ?? "stderr");
    if (typeof to === "object") this.write(expand(to.file, session), said);
    else if (to === "stdout" && step.pipes && session.piped) {
      const held = session.piped.reduce((sum, one) => sum + one.length, 0);
      if (held + said.length <= containerBytesMax) session.piped.push(bytesOf(said));
    } else if (to !== "nowhere") this.say(to, said);
  }

  private write(path: string, said: string | Uint8Array): void {
    const wrong = filesAt(this.place).write(absolute(path), bytesOf(said), { append: true });
    if (wrong === undefined) return;
    this.say("stderr", `sh: write error: ${wrong}\n`);
    this.session.status = 1;
  }

  /** Says something where the groups around send it. */
  say(type: "stdout" | "stderr", said: string | Uint8Array): void {
    if (said.length === 0) return;
    let to: FrameOutput = type;
    for (let at = this.session.frames.length - 1; at >= 0; at--) {
      const frame: Frame = this.session.frames[at]!;
      to = to === "stderr" ? frame.err : frame.out;
      if (to === "held" && frame.heldBytes + said.length <= containerBytesMax) {
        frame.held.push(bytesOf(said));
        frame.heldBytes += said.length;
      }
      if (to === "held" || to === "nowhere") return;
      if (typeof to === "object") {
        const { path } = to;
        return void filesAt(this.place).write(absolute(path), bytesOf(said), { append: true });
      }
    }
    const text = (bytes: string | Uint8Array) => (typeof bytes === "string" ? bytes : decoder.decode(bytes));
    this.effects.push({
      type: to as "stdout" | "stderr",
      bytes: bytesOf(this.session.terminal ? text(said).replaceAll("\n", "\r\n") : said),
    });
  }

  /** What the nearest redirected group has to read for whoever reads it all. */
  takeFrameInput(): Uint8Array | undefined {
    const frame = this.session.frames.findLast(({ input }) => input !== undefined);
    const input = frame?.input;
    if (frame) frame.input = nothing;
    return input;
  }
}
