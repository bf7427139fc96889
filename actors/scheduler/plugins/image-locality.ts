import { maxNodeScore, type Plugin } from "../framework";

const mebibyte = 1024 * 1024;
const smallestBytes = 23 * mebibyte;
const largestBytesPerContainer = 1000 * mebibyte;

/** "nginx" as the container runtime lists it. */
function normalizedImageName(name: string): string {
  return name.lastIndexOf(":") <= name.lastIndexOf("/") ? `${name}:latest` : name;
}

/** Prefers nodes that have the pod's images; an image counts less while few nodes have it, so that not every pod follows the first. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  events: [],
  score(pod, snapshot, feasible) {
    const containers = [...(pod.pod.spec?.initContainers ?? []), ...(pod.pod.spec?.containers ?? [])];
    const images = containers.map(({ image }) => normalizedImageName(image ?? ""));
    if (images.length === 0 || !feasible.some((node) => node.images.size > 0)) return undefined;
    const holders = new Map(images.map((image) => [image, snapshot.nodes.filter((node) => node.images.has(image)).length]));
    const largest = largestBytesPerContainer * images.length;
    return feasible.map((node) => {
      let bytes = 0;
      for (const image of images) bytes += Math.floor((node.images.get(image) ?? 0) * ((holders.get(image) ?? 0) / snapshot.nodes.length));
      const within = Math.min(Math.max(bytes, smallestBytes), largest);
      return Math.floor((maxNodeScore * (within - smallestBytes)) / (largest - smallestBytes));
    });
  },
};
