import { firstStepAt, firstStepSeconds, hostsOf, often, type StandardStorm } from "./storm";

/** How long one drain may take before it is given up and the next node has its turn. */
export const drainSeconds = 45;

export const drain: StandardStorm = {
  name: "drain",
  what: "Each node in turn is drained, respecting budgets, and let back in before the next one, as an upgrade of the nodes does.",
  standard: true,
  cases: (_subjects, plan) => {
    const nodes = hostsOf(plan, "node").map(({ name }) => name);
    return [
      {
        about: "",
        happened: "the nodes were drained one after the other",
        lost: [],
        steps: [
          {
            serial: [
              { after: firstStepAt, action: "drain-in-turn", nodes, timeout: `${drainSeconds}s` },
              // The storm lasts until the last drain is over and a bit: this does nothing that has not been done.
              { after: "8s", action: "uncordon", node: nodes.at(-1) },
            ],
          },
        ],
        seconds: firstStepSeconds,
        requestsPerSecond: often,
      },
    ];
  },
};
