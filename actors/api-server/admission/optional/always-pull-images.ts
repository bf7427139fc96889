import type { Container, Pod } from "../../../../protocol/kinds/generated";
import type { ApiObject } from "../../../../protocol/kinds/object";
import type { Admission, Plugin } from "../admission";

/** Every start of a container asks the registry, so that nobody runs an image that only others may pull. Source: "Admission Control", AlwaysPullImages. */
export const alwaysPullImages: Plugin = {
  name: "AlwaysPullImages",
  mutate(admission) {
    if (!concerns(admission)) return admission.object;
    const pod = admission.object as ApiObject & Pod;
    const { spec } = pod;
    if (!spec) return pod;
    const pulled = <C extends Pick<Container, "imagePullPolicy">>(list: readonly C[] | undefined) =>
      list?.map((container): C => ({ ...container, imagePullPolicy: "Always" }));
    const [inits, ephemerals] = [pulled(spec.initContainers), pulled(spec.ephemeralContainers)];
    const volumes = spec.volumes?.map((volume) =>
      volume.image ? { ...volume, image: { ...volume.image, pullPolicy: "Always" } } : volume,
    );
    return {
      ...pod,
      spec: {
        ...spec,
        containers: pulled(spec.containers) ?? [],
        ...(inits ? { initContainers: inits } : {}),
        ...(ephemerals ? { ephemeralContainers: ephemerals } : {}),
        ...(volumes ? { volumes } : {}),
      },
    } as ApiObject;
  },
};

/** New Pods, and updates that name other images. */
function concerns({ operation, kind, subresource, object, old }: Admission): boolean {
  if (kind.group !== "" || kind.plural !== "pods" || (subresource !== "" && subresource !== "ephemeralcontainers")) return false;
  if (operation === "CREATE") return true;
  if (operation !== "UPDATE") return false;
  const imagesOf = ({ spec }: Pod) =>
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])].map(({ image }) => image);
  const known = new Set(imagesOf((old ?? {}) as Pod));
  return imagesOf(object as Pod).some((image) => !known.has(image));
}
