import type { Plugin } from "../framework";

/** A pod waits until every claim it names is there and bound; claims that are bound are good for every node. Source: "Persistent Volumes". */
export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  weight: 0,
  events: ["ClaimChange", "PodUpdate"],
  preFilter(pod, snapshot) {
    for (const { persistentVolumeClaim, ephemeral, name: volume } of pod.pod.spec?.volumes ?? []) {
      const name = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod.name}-${volume}` : undefined);
      if (name === undefined) continue;
      const claim = snapshot.claim(pod.namespace, name);
      if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
      if (claim.metadata?.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
      if (claim.status?.phase === "Lost")
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ""}"`;
      if (claim.status?.phase !== "Bound") return "pod has unbound immediate PersistentVolumeClaims";
    }
    return undefined;
  },
};
