import { holdAndRepeat, partOf } from "./library-twice";

describe("scenarios about one kind of workload each", () => {
  holdAndRepeat(partOf("workloads"));
});
