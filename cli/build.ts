import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folders of code that decides what a run does. */
const folders = ["protocol", "runtime", "actors", "scenarios", "cli"];

let known: string | undefined;

/**
 * Tells builds of one version apart: a hash of all code that runs here. A trace repeats itself with the same build, which two checkouts of one commit have in
 * common; with another it need not.
 */
export function buildId(): string {
  known ??= hashOfCode();
  return known;
}

function hashOfCode(): string {
  const root = dirname(__dirname);
  const hash = createHash("sha256");
  for (const folder of folders) if (existsSync(join(root, folder))) addFolder(hash, root, folder);
  return hash.digest("hex").slice(0, 12);
}

function addFolder(hash: ReturnType<typeof createHash>, root: string, folder: string): void {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) addFolder(hash, root, path);
    else if (/\.(js|ts|json)$/.test(entry.name)) hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
}
