import type { PersistentVolumeClaim, Volume } from "../../../protocol/kinds/generated";
import { type Adaptation, changed, eachWorkload, listAt } from "./adaptation";

/** Claims are never bound here, and a pod would wait for them for ever: volumes that hold something become empty ones. */
export const volumes: Adaptation = (manifests) =>
  eachWorkload(manifests, ({ manifest, podPath, podSpec, kind }, note) => {
    const became = "replaced by an empty volume: nothing is kept, attached or moved, and no zone binds the pod";
    let result = manifest;
    for (const [i, volume] of (podSpec.volumes ?? []).entries()) {
      const path = [...podPath, "volumes", i];
      const source = sourceOf(volume);
      if (source === undefined) continue;
      note(path, `volume ${volume.name} (${source})`, became);
      result = changed(result, path, { name: volume.name, emptyDir: {} });
    }
    if (kind !== "StatefulSet") return result;
    const templates = listAt<PersistentVolumeClaim>(manifest, ["spec", "volumeClaimTemplates"]);
    for (const [i, { metadata }] of templates.entries())
      note(["spec", "volumeClaimTemplates", i], `volume ${metadata?.name ?? i} (volumeClaimTemplates)`, became);
    if (templates.length === 0) return result;
    const empty = templates.map(({ metadata }): Volume => ({ name: metadata?.name ?? "", emptyDir: {} }));
    // A claim takes the place of a volume of its name, as in the pods that the StatefulSet's controller makes.
    const others = listAt<Volume>(result, [...podPath, "volumes"]).filter(({ name }) => !empty.some((claim) => claim.name === name));
    result = changed(result, [...podPath, "volumes"], [...others, ...empty]);
    return changed(result, ["spec", "volumeClaimTemplates"], undefined);
  });

/** Volumes that are filled from the API, or are empty from the beginning, work as they are. */
const harmless: ReadonlySet<string> = new Set(["emptyDir", "configMap", "secret", "projected", "downwardAPI"]);

function sourceOf(volume: Volume): string | undefined {
  return Object.keys(volume).find((field) => field !== "name" && !harmless.has(field));
}
