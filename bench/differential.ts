import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "../..");

/**
 * Compares at most that many random sequences with the real etcd server of this machine (test/etcd/differential.test.ts, which says what may differ).
 * Answers with what was found, and how to find it again.
 */
export function differentialSequences(seed: number, sequences: number, withinMs: number): Promise<readonly string[]> {
  const said = { WAVETANK_SEED: String(seed), WAVETANK_SEQUENCES: String(sequences), WAVETANK_WITHIN_MS: String(withinMs) };
  const jest = [join(root, "node_modules/jest/bin/jest.js"), "test/etcd/differential.test.ts"];
  const child = spawn(process.execPath, jest, { cwd: root, env: { ...process.env, ...said }, stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => {
      if (status === 0) return resolve([]);
      const where = /Counterexample: .*/.exec(told)?.[0] ?? told.slice(-2000);
      resolve([`WAVETANK_SEED=${seed} WAVETANK_SEQUENCES=${sequences} npx jest test/etcd/differential.test.ts: ${where}`]);
    });
  });
}
