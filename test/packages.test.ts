import { readFileSync } from "node:fs";

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;

describe("package-lock.json", () => {
  // `npm ci` refuses a lock that lacks even one of another platform's packages, and then a fresh checkout does not start.
  it("has the packages of every platform, not only of the one that it was written on", () => {
    const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map((name) => ({ name, places: [`${path}/node_modules/${name}`, `node_modules/${name}`] })),
    );
    expect(wanted.length).toBeGreaterThan(50);
    expect(wanted.filter(({ places }) => !places.some((place) => packages[place])).map(({ name }) => name)).toEqual([]);
  });
});
