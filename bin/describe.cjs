#!/usr/bin/env node
// Writes dist/actors/api-server/openapi/descriptions.json: what `kubectl explain` says of the API's types and fields. The texts are those of
// Kubernetes, taken from the declarations of @kubernetes/client-node where that package is installed; they are made at build time and not committed.
const fs = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..");
const models = path.join(root, "node_modules/@kubernetes/client-node/dist/gen/models");
const target = path.join(root, "dist/actors/api-server/openapi/descriptions.json");
const definitions = JSON.parse(fs.readFileSync(path.join(root, "protocol/kinds/data/definitions.json"), "utf8"));

const pascal = (text) => text[0].toUpperCase() + text.slice(1);

/** The classes that may stand for a type: "V1Pod", or "CoreV1Event" where several groups have one of that name. */
function classesOf(definition) {
  const [group, version, name] = definition.split(".").slice(-3);
  return [`${pascal(group)}${pascal(version)}${name}`, `${pascal(version)}${name}`];
}

function clean(text) {
  const lines = text.split("\n").map((line) => line.replace(/^\s*\*\s?/, "").trimEnd());
  return lines
    .join("\n")
    .trim()
    .replace(/\\(["'])/g, "$1")
    .replaceAll("*_/", "*/");
}

/** The text before the class, and those before its properties. */
function textsOf(source) {
  const ofClass = /\/\*\*\n([\s\S]*?)\*\/\s*export declare class/.exec(source.slice(source.indexOf("Do not edit the class manually")));
  const fields = {};
  for (const [, text, name] of source.matchAll(/\/\*\*\n((?:(?!\*\/)[\s\S])*?)\*\/\s*'([^']+)'\??:/g)) fields[name] = clean(text);
  // Without a text of its own a class is preceded by the head of the file, which is none.
  const own = ofClass && !ofClass[1].includes("*/") ? clean(ofClass[1]) : "";
  return { own, fields };
}

module.exports = { textsOf };

if (require.main === module) {
  const found = {};
  for (const definition of fs.existsSync(models) ? Object.keys(definitions) : []) {
    const file = classesOf(definition)
      .map((name) => path.join(models, `${name}.d.ts`))
      .find((candidate) => fs.existsSync(candidate));
    if (file === undefined) continue;
    const { own, fields } = textsOf(fs.readFileSync(file, "utf8"));
    // The generator gives names of its own to what JavaScript could not have.
    const named = Object.entries(fields).map(([name, text]) => [name.replace(/^_(?=[a-z$])/, ""), text]);
    found[definition] = { "": own, ...Object.fromEntries(named) };
  }
  fs.writeFileSync(target, JSON.stringify(found));
}
