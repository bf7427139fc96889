#!/usr/bin/env node
// The command `wavetank`: runs what was compiled, after compiling it the first time.
const fs = require("node:fs");
const path = require("node:path");

const main = path.join(__dirname, "../dist/cli/main.js");
if (!fs.existsSync(main)) require("./prepare.cjs");
require(main);
