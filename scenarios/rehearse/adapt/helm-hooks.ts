import { objectId } from "../../history";
import type { Manifest } from "../../manifests";
import { type Adaptation, noteOn } from "./adaptation";

const annotation = "helm.sh/hook";
/** The hooks that Helm takes part in an installation; "crd-install" is Helm 2's. */
const installing: ReadonlySet<string> = new Set(["pre-install", "post-install", "crd-install"]);

/** `helm template` prints the objects of all hooks; those of tests, upgrades and deletions are not there when a release was installed. */
export const helmHooks: Adaptation = (manifests) => ({
  manifests: manifests.filter((manifest) => foreignHook(manifest) === undefined),
  notes: manifests.flatMap((manifest) => {
    const hook = foreignHook(manifest);
    if (hook === undefined) return [];
    const became = `left out: a hook of Helm's (${hook}), which an installation does not run`;
    return [noteOn(manifest, ["metadata", "annotations", annotation], objectId(manifest.object), became)];
  }),
});

/** The hooks for which alone an object is there, where none of them is of an installation. */
function foreignHook({ object }: Manifest): string | undefined {
  const hooks = (object.metadata.annotations?.[annotation] ?? "")
    .split(",")
    .map((hook) => hook.trim())
    .filter((hook) => hook !== "");
  return hooks.length === 0 || hooks.some((hook) => installing.has(hook)) ? undefined : hooks.join(", ");
}
