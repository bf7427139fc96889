import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";

/** The library as its users import it. It is published as ES modules of a thousand files, so it is bundled into one that can be required. */
export function clientNode(): typeof import("@kubernetes/client-node") {
  const outfile = join(mkdtempSync(join(tmpdir(), "wavetank-client-node-")), "library.js");
  buildSync({
    entryPoints: [require.resolve("@kubernetes/client-node", { paths: [join(__dirname, "../..")] })],
    ...{ bundle: true, platform: "node", format: "cjs", outfile, logLevel: "error", keepNames: true },
  });
  return require(outfile);
}
