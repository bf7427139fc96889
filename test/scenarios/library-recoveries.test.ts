import { holdAndRepeat, partOf } from "./library-twice";

describe("scenarios in which something comes back, and everybody with it", () => {
  holdAndRepeat(partOf("recoveries"));
});
