import { parseDurationMs } from "../../protocol/kinds/duration";
import type { Stored } from "../../protocol/kinds/object";
import { glob, passes, type ValueTest, valueAt } from "../language/condition";
import { durationSchema } from "../schema";
import type { Check } from "./check";

/** When the objects are looked at; the terms are those of LitmusChaos' probes. */
const modes = ["start", "end", "edge", "continuous", "on-chaos"] as const;
type Mode = (typeof modes)[number];

const seconds = (us: number) => `${(us / 1e6).toFixed(1)} s`;

/** What a user calls the steady state of an object, asked before the storm, in it, or behind it. */
export const steadyState: Check = {
  name: "steady-state",
  claim:
    "Some object of the pattern is as the scenario says, at the moments that the mode names, and never for longer than allowed it is not.",
  source: "the objective is the scenario's own; the modes are those of LitmusChaos' probes (SoT, EoT, Edge, Continuous, OnChaos)",
  params: {
    object: { type: "string", pattern: "^\\S+ \\S+$", description: 'such as "Deployment shop/web"; a star stands for any letters' },
    field: { type: "string", description: 'such as "status.availableReplicas"' },
    is: { description: "what the field must be" },
    atLeast: { type: "number" },
    atMost: { type: "number" },
    exists: { type: "boolean", description: "whether there must be a value at all" },
    mode: {
      enum: [...modes],
      description:
        '"start": when the storm begins; "end": when the run ends; "edge": both; "continuous": from the one to the other, which is what counts where nothing is given; "on-chaos": as long as a fault lasts',
    },
    unless: {
      ...durationSchema,
      description: "of continuous and on-chaos: for so long without a break it may be otherwise; never where not given",
    },
  },
  required: ["object", "field"],
  acrossRestore: "spans",
  states: ({ object, field, is, atLeast, atMost, exists }) => ({ object, field, is, atLeast, atMost, exists }),
  begin(params) {
    const { object, field } = params;
    const mode = (params.mode ?? "continuous") as Mode;
    const allowedUs = params.unless === undefined ? 0 : parseDurationMs(String(params.unless))! * 1000;
    const test = params as ValueTest;
    const pattern = glob(String(object));
    const present = new Map<string, Stored>();
    let storm = false;
    let lasting = 0;
    let asked = 0;
    /** Since when it is asked for and is not so. */
    let otherwiseUs: number | undefined;
    let longestUs = 0;
    /** Whether it is so now. */
    let held = false;

    const holds = () => [...present.values()].some((one) => passes(valueAt(one, String(field)), test));
    const shown = () =>
      present.size === 0
        ? "there is none"
        : [...present].map(([id, one]) => `${id} has ${JSON.stringify(valueAt(one, String(field)) ?? null)}`).join(", ");
    const at = (moment: string) => {
      asked++;
      return held ? undefined : `${String(object)} is not as it should be ${moment}: of ${String(field)} ${shown()}`;
    };
    /** What has lasted too long by now. */
    const late = (atUs: number) => {
      if (otherwiseUs === undefined) return undefined;
      longestUs = Math.max(longestUs, atUs - otherwiseUs);
      if (atUs - otherwiseUs <= allowedUs && allowedUs > 0) return undefined;
      const since = allowedUs === 0 ? "" : ` for more than ${String(params.unless)}`;
      return `${String(object)} is not as it should be${since}: of ${String(field)} ${shown()}`;
    };
    return {
      see(event) {
        if (event.type === "object" && pattern.test(event.id)) {
          if (event.after) present.set(event.id, event.after);
          else present.delete(event.id);
          held = holds();
        }
        if (event.type === "fault") lasting += event.phase === "began" ? 1 : -1;
        const begins = event.type === "act" && event.act === "storm";
        if (begins) storm = true;
        if (begins && (mode === "start" || mode === "edge")) return at("when the storm begins");
        if (mode !== "continuous" && mode !== "on-chaos") return undefined;
        const wrong = late(event.atUs);
        const isAsked = storm && (mode === "continuous" || lasting > 0);
        if (isAsked) asked++;
        if (!isAsked || held) otherwiseUs = undefined;
        else otherwiseUs ??= event.atUs;
        return wrong ?? (allowedUs === 0 ? late(event.atUs) : undefined);
      },
      end({ atUs }) {
        const violation = mode === "end" || mode === "edge" ? at("when the run ends") : late(atUs);
        const otherwise = mode === "continuous" || mode === "on-chaos" ? `, otherwise for ${seconds(longestUs)} at most` : "";
        return {
          ...(violation === undefined ? {} : { violation }),
          detail: `${String(object)} looked at ${asked} times${otherwise}`,
          reached: asked,
        };
      },
    };
  },
};
