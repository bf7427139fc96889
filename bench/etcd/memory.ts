import { execFile } from "node:child_process";
import { extname, join } from "node:path";
import { ActorSide } from "./actor-side";
import { RealSide } from "./grpc-side";

export const keysMeasured = 1_000_000;
const keysPerTxn = 100;
const underWay = 8;
const value = Buffer.alloc(256, 3);

interface Filled {
  putAll(keys: readonly string[], value: Uint8Array): Promise<void>;
}

/** Puts so many keys as Kubernetes has them, with values of 256 bytes. */
async function fill(side: Filled): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let from = next; from < keysMeasured; from = next) {
      next += keysPerTxn;
      await side.putAll(
        Array.from({ length: keysPerTxn }, (_, i) => `/registry/pods/ns-${(from + i) % 100}/pod-${from + i}`),
        value,
      );
    }
  };
  await Promise.all(Array.from({ length: underWay }, work));
}

/** What the process of one real member holds in memory with all those keys. */
export async function realMemoryBytes(): Promise<number> {
  const side = await RealSide.start(1);
  try {
    await fill(side);
    return side.memoryBytes();
  } finally {
    await side.close();
  }
}

/** The same for a member of ours, alone in a process of its own. */
export function ourMemoryBytes(): Promise<number> {
  const program = extname(__filename) === ".ts" ? ["-r", "esbuild-register", __filename] : [join(__dirname, "memory.js")];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ["--expose-gc", ...program], (error, stdout) => (error ? reject(error) : resolve(Number(stdout))));
  });
}

async function printOwnMemory(): Promise<void> {
  const side = await new ActorSide(1).start();
  await fill(side);
  // What clients' garbage takes is not the member's.
  (globalThis as { gc?: () => void }).gc?.();
  process.stdout.write(String(process.memoryUsage().rss));
  await side.close();
}

if (require.main === module) void printOwnMemory().then(() => process.exit(0));
