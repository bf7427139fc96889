import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from "../../../protocol/kinds/generated";
import { age, flag, integer, name, type Printer, text, wide } from "./column";
import { unset } from "./phrases";

/** The access modes in the order and the letters in which kubectl prints them. */
const accessModes: readonly (readonly [string, string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

function accessModesText(modes: readonly string[] | undefined): string {
  return accessModes
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

/** Before storage classes had a field of their own they were named in this annotation, which still wins. */
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export const persistentVolumePrinter: Printer<PersistentVolume> = {
  columns: [
    name(),
    text("Capacity", "Its size.", (v) => String(v.spec?.capacity?.storage ?? "0")),
    text("Access Modes", "How many nodes may mount it, and how.", (v) => accessModesText(v.spec?.accessModes)),
    text("Reclaim Policy", "What becomes of it when its claim is gone.", (v) => v.spec?.persistentVolumeReclaimPolicy ?? ""),
    text("Status", "Whether it is bound to a claim.", (v) => (v.metadata?.deletionTimestamp ? "Terminating" : (v.status?.phase ?? ""))),
    text("Claim", "The claim it is bound to.", (v) => {
      const claim = v.spec?.claimRef;
      return claim === undefined ? "" : `${claim.namespace ?? ""}/${claim.name ?? ""}`;
    }),
    text("StorageClass", "Its class.", (v) => v.metadata?.annotations?.[classAnnotation] ?? v.spec?.storageClassName ?? ""),
    text("VolumeAttributesClass", "The class of its changeable attributes.", (v) => v.spec?.volumeAttributesClassName ?? unset),
    text("Reason", "Why it failed.", (v) => v.status?.reason ?? ""),
    age(),
    wide(text("VolumeMode", "A filesystem or a raw block device.", (v) => v.spec?.volumeMode ?? unset)),
  ],
};

export const persistentVolumeClaimPrinter: Printer<PersistentVolumeClaim> = {
  columns: [
    name(),
    text("Status", "Whether it is bound to a volume.", (c) => (c.metadata?.deletionTimestamp ? "Terminating" : (c.status?.phase ?? ""))),
    text("Volume", "The volume it is bound to.", (c) => c.spec?.volumeName ?? ""),
    text("Capacity", "The size it got.", (c) => (c.spec?.volumeName ? String(c.status?.capacity?.storage ?? "0") : "")),
    text("Access Modes", "How many nodes may mount it, and how.", (c) =>
      c.spec?.volumeName ? accessModesText(c.status?.accessModes) : "",
    ),
    text("StorageClass", "The class it asks for.", (c) => c.metadata?.annotations?.[classAnnotation] ?? c.spec?.storageClassName ?? ""),
    text("VolumeAttributesClass", "The class of its changeable attributes.", (c) => c.spec?.volumeAttributesClassName ?? unset),
    age(),
    wide(text("VolumeMode", "A filesystem or a raw block device.", (c) => c.spec?.volumeMode ?? unset)),
  ],
};

export const storageClassPrinter: Printer<StorageClass> = {
  columns: [
    {
      ...name<StorageClass>(),
      cell: (c) => {
        const isDefault = c.metadata?.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true";
        return isDefault ? `${c.metadata?.name ?? ""} (default)` : (c.metadata?.name ?? "");
      },
    },
    text("Provisioner", "Who makes its volumes.", (c) => c.provisioner),
    text("ReclaimPolicy", "What becomes of a volume when its claim is gone.", (c) => c.reclaimPolicy ?? "Delete"),
    text("VolumeBindingMode", "Whether a claim is bound at once or when a Pod uses it.", (c) => c.volumeBindingMode ?? "Immediate"),
    flag("AllowVolumeExpansion", "Whether its volumes may grow.", (c) => c.allowVolumeExpansion ?? false),
    age(),
  ],
};

export const volumeAttributesClassPrinter: Printer<VolumeAttributesClass> = {
  columns: [name(), text("DriverName", "The CSI driver that understands it.", (c) => c.driverName), age()],
};

export const volumeAttachmentPrinter: Printer<VolumeAttachment> = {
  columns: [
    name(),
    text("Attacher", "The CSI driver that attaches the volume.", (a) => a.spec.attacher),
    text("PV", "The volume.", (a) => a.spec.source.persistentVolumeName ?? ""),
    text("Node", "The node it is attached to.", (a) => a.spec.nodeName),
    flag("Attached", "Whether it is attached.", (a) => a.status?.attached ?? false),
    age(),
  ],
};

export const csiNodePrinter: Printer<CSINode> = {
  columns: [name(), integer("Drivers", "Number of CSI drivers on the node.", (n) => n.spec.drivers.length), age()],
};

export const csiDriverPrinter: Printer<CSIDriver> = {
  columns: [
    name(),
    flag("AttachRequired", "Whether volumes must be attached before they are mounted.", (d) => d.spec.attachRequired ?? true),
    flag("PodInfoOnMount", "Whether the driver is told about the Pod.", (d) => d.spec.podInfoOnMount ?? false),
    flag("StorageCapacity", "Whether the scheduler looks at its capacity.", (d) => d.spec.storageCapacity ?? false),
    text("TokenRequests", "Audiences of the tokens it gets.", (d) => {
      return d.spec.tokenRequests === undefined ? unset : d.spec.tokenRequests.map((t) => t.audience).join(",");
    }),
    flag("RequiresRepublish", "Whether it wants to be called again and again.", (d) => d.spec.requiresRepublish ?? false),
    text("Modes", "Kinds of volumes it serves.", (d) => (d.spec.volumeLifecycleModes ?? ["Persistent"]).join(",")),
    age(),
  ],
};

export const csiStorageCapacityPrinter: Printer<CSIStorageCapacity> = {
  columns: [
    name(),
    text("StorageClassName", "The storage class that was measured.", (c) => c.storageClassName),
    text("Capacity", "What is left.", (c) => (c.capacity === undefined ? unset : String(c.capacity))),
  ],
};
