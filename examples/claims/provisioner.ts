// A provisioner: for each claim of its class a volume of its own, to which the claim is bound. That takes three writes. Each look compares all three with what
// should be, so it goes on wherever a crash has cut it short.
import {
  type Controller,
  create,
  keyOf,
  nothingToDo,
  type PersistentVolume,
  type PersistentVolumeClaim,
  patch,
  patchStatus,
  persistentVolumeClaims,
  persistentVolumes,
  type Step,
  type Stored,
  watch,
} from "wavetank";

const className = "shelf";

function volumeOf({ metadata, spec }: Stored<PersistentVolumeClaim>): PersistentVolume {
  return {
    metadata: { name: volumeName(metadata.uid) },
    spec: {
      storageClassName: className,
      capacity: spec?.resources?.requests ?? {},
      accessModes: spec?.accessModes ?? [],
      persistentVolumeReclaimPolicy: "Delete",
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: metadata.namespace!, name: metadata.name, uid: metadata.uid },
      hostPath: { path: `/shelf/${metadata.uid}` },
    },
  };
}

const volumeName = (uid: string) => `shelf-${uid}`;

const controller: Controller = {
  name: "provisioner",
  watches: [
    watch(persistentVolumeClaims, (claim) => [keyOf(claim)]),
    watch(persistentVolumes, ({ spec }) => (spec?.claimRef ? [`${spec.claimRef.namespace}/${spec.claimRef.name}`] : [])),
  ],
  reconcile(key, view) {
    const claim = view.of(persistentVolumeClaims).get(key);
    if (!claim || claim.metadata.deletionTimestamp || claim.spec?.storageClassName !== className) return nothingToDo;
    const wanted = volumeOf(claim);
    const { name } = wanted.metadata!;
    const volume = view.of(persistentVolumes).get(name!);
    const steps: Step[] = [];
    if (!volume) steps.push(create(persistentVolumes, wanted, { ignore: ["AlreadyExists"] }));
    if (claim.spec.volumeName !== name) steps.push(patch(persistentVolumeClaims, claim, "merge", { spec: { volumeName: name } }));
    if (claim.status?.phase !== "Bound")
      steps.push(patchStatus(persistentVolumeClaims, claim, "merge", { status: { phase: "Bound", capacity: wanted.spec!.capacity } }));
    return { steps };
  },
};

export default controller;
