import { often, type StandardStorm } from "./storm";

export const calm: StandardStorm = {
  name: "calm",
  what: "Nothing happens: the manifests come up, and their Services answer.",
  standard: true,
  cases: () => [{ about: "", happened: "nothing happened", lost: [], steps: [], seconds: 15, requestsPerSecond: often }],
};
