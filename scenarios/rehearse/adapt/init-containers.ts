import { interpretCommand } from "../../../actors/container-runtime/command";
import { type Adaptation, changed, eachWorkload } from "./adaptation";

/** What an init container does is in its image, and an image that nobody declared would run for ever. */
export const initContainers: Adaptation = (manifests, { isDeclared }) =>
  eachWorkload(manifests, ({ manifest, podPath, podSpec }, note) => {
    let result = manifest;
    for (const [i, { name, image = "", restartPolicy, command = [], args = [] }] of (podSpec.initContainers ?? []).entries()) {
      const understood = command.length > 0 && interpretCommand([...command, ...args]) !== undefined;
      if (restartPolicy === "Always" || isDeclared(image) || understood) continue;
      const path = [...podPath, "initContainers", i];
      note(path, `init container ${name}`, "taken for granted: it succeeds after one second, whatever it waits for");
      result = changed(changed(result, [...path, "command"], ["sleep", "1"]), [...path, "args"], undefined);
    }
    return result;
  });
