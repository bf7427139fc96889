import { spawnSync } from "node:child_process";

/** Real clients and servers that tests compare with, and Debian's packages that hold them; `.ci/run` installs these. */
const packages = { kubectl: "kubernetes-client", etcd: "etcd-server", etcdctl: "etcd-client", chromium: "chromium" } as const;
export type Program = keyof typeof packages;

const missing = (program: Program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0;

/**
 * `describe` for tests that need real programs. Where one is not installed they are skipped, under a name that says what to install, so that
 * `npm test` passes with Node and npm alone; in CI they must be there.
 */
export function describeWith(programs: readonly Program[], name: string, tests: () => void): void {
  const lacking = programs.filter(missing);
  if (lacking.length === 0 || process.env.CI) describe(name, tests);
  else describe.skip(`${name} (needs ${lacking.map((program) => `${program}: Debian's ${packages[program]}`).join(", ")})`, tests);
}
