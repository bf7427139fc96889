import type { Check } from "./check";

/** The text with which begins why a fault crashes an actor; any other crash is the actor's own. */
export const onPurpose = "crashed on purpose";

/** No actor met the impossible: assertions stay on in every run. */
export const noPanics: Check = {
  name: "no-panics",
  claim: "No actor crashes by itself, and no request meets a bug of its API server.",
  source: "an expected failure is a value; the impossible is an assertion that ends the run",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    let lives = 0;
    let badDisks = 0;
    return {
      see(event) {
        if (event.type === "fault" && /disk/.test(event.fault)) badDisks += event.phase === "began" ? 1 : -1;
        if (event.type === "fact" && event.fact.kind === "apiserver.panic")
          return `${event.actor} met a bug of its own in ${event.fact.request}: ${event.fact.error}`;
        if (event.type !== "life") return undefined;
        if (event.alive) lives++;
        // Whoever cannot persist must stop.
        else if (/the disk failed|^disk: /.test(event.error) && badDisks > 0) return undefined;
        else if (event.error !== "" && !event.error.startsWith(onPurpose)) return `${event.actor} crashed: ${event.error}`;
        return undefined;
      },
      end: () => ({ detail: `${lives} lives of actors`, reached: lives }),
    };
  },
};
