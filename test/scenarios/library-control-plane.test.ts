import { holdAndRepeat, library, ofControlPlane } from "./library-twice";

describe("scenarios in which the control plane breaks", () => {
  it("are all in the library", () => {
    expect([...ofControlPlane].filter((name) => !library.some((scenario) => scenario.name === name))).toEqual([]);
  });

  holdAndRepeat(library.filter(({ name }) => ofControlPlane.has(name)));
});
