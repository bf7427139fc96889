import { interpretCommand } from "../../../actors/container-runtime/command";
import { runsToItsEnd } from "../workload";
import { type Adaptation, changed, eachWorkload } from "./adaptation";

/** What a Job does is in its image, and an image that nobody declared would run for ever. */
export const jobs: Adaptation = (manifests, { isDeclared }) =>
  eachWorkload(manifests, (workload, note) => {
    let result = workload.manifest;
    if (!runsToItsEnd(workload)) return result;
    for (const [i, { name, image = "", command = [], args = [] }] of workload.podSpec.containers.entries()) {
      if (isDeclared(image) || (command.length > 0 && interpretCommand([...command, ...args]) !== undefined)) continue;
      const path = [...workload.podPath, "containers", i];
      note(path, `container ${name}`, "taken for granted: it succeeds after three seconds");
      result = changed(changed(result, [...path, "command"], ["sleep", "3"]), [...path, "args"], undefined);
    }
    return result;
  });
