/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

const config: Config = {
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  testEnvironment: "<rootDir>/test/environment.cjs",
  testSequencer: "<rootDir>/test/sequencer.cjs",
  transform: {
    "^.+\\.[tj]s$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs", lazy: true }, sourceMaps: "inline" },
    ],
  },
  // The one library of the tests that is published as ES modules only.
  transformIgnorePatterns: ["/node_modules/(?!@marcbachmann/)"],
  // One more than the two cores there are at least: tests of live clusters wait a good part of their time.
  maxWorkers: 3,
  testTimeout: 60_000,
};

export default config;
