/** @jest-config-loader esbuild-register */
import type { Config } from "jest";

const config: Config = {
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  testEnvironment: "node",
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" }, sourceMaps: "inline" },
    ],
  },
  maxWorkers: 2,
  testTimeout: 60_000,
};

export default config;
