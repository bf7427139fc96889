import type { Planted } from "./planted";

// Preloaded (`node --require`) into a process, and so into each of its worker threads, in which a bug is to be planted: when the module is loaded, the code
// with the bug takes its place. Everything else is loaded as it is.

const text = process.env.WAVETANK_MUTANT;
if (text !== undefined) {
  const { path, code } = JSON.parse(text) as Planted;
  const load = require.extensions[".js"]!;
  require.extensions[".js"] = (loaded, filename) => {
    if (filename !== path) return load(loaded, filename);
    (loaded as NodeModule & { _compile(code: string, filename: string): void })._compile(code, filename);
  };
}
