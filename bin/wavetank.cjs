#!/usr/bin/env node
// The command `wavetank`: runs what was compiled, after compiling it the first time, and when this file has changed.
const fs = require("node:fs");
const path = require("node:path");

const dist = path.join(__dirname, "../dist");
const changedMs = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
// This file and what is compiled must be of one version: after a `git pull` that brought another, the modules named below may not be there yet.
if (changedMs(path.join(dist, ".built")) < changedMs(__filename)) require("./prepare.cjs");
const command = process.argv[2] ?? "help";
if (["run", "rehearse", "replay", "shrink", "diff", "mutants"].includes(command)) require(path.join(dist, "cli/engine.js")).optimizeLater();
if (/^[a-z]+$/.test(command)) require(path.join(dist, "cli/code-cache.js")).useCodeCache(command, path.join(dist, "code-cache"));
require(path.join(dist, "cli/main.js"));
