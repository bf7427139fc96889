import { objectId } from "../../history";
import { unmodelledOf } from "../not-modelled";
import { type Adaptation, noteOn } from "./adaptation";

/** Objects that would only be in the way are left out, and whatever has less than its effect is said. */
export const kinds: Adaptation = (manifests) => ({
  manifests: manifests.filter((manifest) => unmodelledOf(manifest)?.applied !== false),
  notes: manifests.flatMap((manifest) => {
    const found = unmodelledOf(manifest);
    return found ? [noteOn(manifest, [], objectId(manifest.object), found.became)] : [];
  }),
});
