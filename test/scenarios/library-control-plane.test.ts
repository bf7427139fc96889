import { holdAndRepeat, library, partOf, parts } from "./library-twice";

describe("scenarios in which the control plane breaks", () => {
  it("are all in the library, as those of the other parts", () => {
    const missing = Object.values(parts).flatMap((names) => names.filter((name) => !library.some((scenario) => scenario.name === name)));
    expect(missing).toEqual([]);
  });

  holdAndRepeat(partOf("controlPlane"));
});
