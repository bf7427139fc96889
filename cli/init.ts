import { existsSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "./exit";

const template = `# A scenario of Wavetank: your manifests, a storm, and what must hold all the same.
#   npx wavetank run FILE
# \`npx wavetank list faults\` (or actions, checks, workloads, knobs) shows what can stand here; \`npx wavetank describe NAME\` explains it.

# To kubectl this file is a List of nothing, so it can lie in a folder that is applied.
apiVersion: v1
kind: List
items: []

name: first-storm
title: One node is lost, and etcd's leader

cluster: { etcd: 3, apiServers: 2, controllers: 2, nodes: 3, zones: 3 }

# Files and folders, relative to this one. A folder is read as kubectl apply -f FOLDER does.
manifests: [.]

# How your images behave when they run; what is not said here is pulled in a second, is ready soon and answers 200 in a few milliseconds.
# images:
#   - { image: example.com/shop/web, readyAfterMs: { min: 500, max: 2000 }, latencyMs: 5 }

# Requests through a Service of yours:
# load:
#   - { service: default/web, requestsPerSecond: 20 }

# Times count from the moment when everything is up.
storm:
  - { at: 5s, fault: crash, target: { role: etcd, is: leader }, for: 20s }
  - { at: 30s, fault: isolate, target: { role: node }, for: 60s }

# Then all is healed, and the cluster has to come to rest.
calm: { within: 3m, stay: 30s }

expect:
  - raft-election-safety
  - raft-committed
  - store-agreement
  - acknowledged-writes
  - pod-bound-once
  - node-capacity
  - convergence
#  - { check: service-availability, service: default/web, atLeast: 99%, longestOutage: 5s }
`;

/** `wavetank init [FILE]` */
export function addInit(program: Command): void {
  program
    .command("init")
    .description("writes a scenario to start from")
    .argument("[file]", "where to", "storm.yaml")
    .option("--json", "print one JSON object")
    .action((file: string, options: { readonly json?: boolean }) => {
      if (existsSync(file)) throw new InputError(`${file} exists already`);
      try {
        writeFileSync(file, template);
      } catch (error) {
        throw new InputError(`${file}: ${(error as Error).message}`);
      }
      process.stdout.write(options.json ? `${JSON.stringify({ file })}\n` : `wrote ${file}; now: npx wavetank run ${file}\n`);
    });
}
