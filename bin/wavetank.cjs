#!/usr/bin/env node
// The command `wavetank`: runs what was compiled, after compiling it the first time.
const fs = require("node:fs");
const path = require("node:path");

const dist = path.join(__dirname, "../dist");
if (!fs.existsSync(path.join(dist, "cli/main.js"))) require("./prepare.cjs");
const command = process.argv[2] ?? "help";
if (["run", "rehearse", "replay", "shrink", "diff", "mutants"].includes(command)) require(path.join(dist, "cli/engine.js")).optimizeLater();
if (/^[a-z]+$/.test(command)) require(path.join(dist, "cli/code-cache.js")).useCodeCache(command, path.join(dist, "code-cache"));
require(path.join(dist, "cli/main.js"));
