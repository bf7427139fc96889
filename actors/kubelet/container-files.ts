import type { CriCreateContainer, CriMount } from "../../protocol/cri";
import type { Container, Pod, Volume } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { absolute } from "../../protocol/paths";
import { expandReferences } from "./environment";

/** What of a container's files its specification decides beside what its volumes show: where they are mounted, where it can write, and where it says why it ended. */
export function containerPlaces(
  container: Container,
  pod: Stored<Pod>,
  environment: readonly (readonly [string, string])[],
  withToken: boolean,
): Pick<CriCreateContainer, "mounts" | "readOnlyRoot" | "terminationMessage" | "user"> {
  const { securityContext, terminationMessagePath, terminationMessagePolicy } = container;
  const mounts = mountsOf(container, pod, environment, withToken);
  const path = terminationMessagePath || "/dev/termination-log";
  const fallsBackToLogs = terminationMessagePolicy === "FallbackToLogsOnError";
  return {
    ...(mounts.length > 0 ? { mounts } : {}),
    ...userOf(container, pod),
    ...(securityContext?.readOnlyRootFilesystem === true ? { readOnlyRoot: true } : {}),
    ...(path !== "/dev/termination-log" || fallsBackToLogs ? { terminationMessage: { path, fallsBackToLogs } } : {}),
  };
}

/** As whom it runs, where anything is said of that: a container's word counts before its pod's. Source: "Configure a Security Context for a Pod or Container". */
function userOf({ securityContext: own }: Container, { spec }: Pod): Pick<CriCreateContainer, "user"> {
  const ofPod = spec?.securityContext;
  const uid = own?.runAsUser ?? ofPod?.runAsUser;
  const gid = own?.runAsGroup ?? ofPod?.runAsGroup;
  const groups = [...(ofPod?.fsGroup === undefined ? [] : [ofPod.fsGroup]), ...(ofPod?.supplementalGroups ?? [])];
  return uid === undefined && gid === undefined && groups.length === 0 ? {} : { user: { uid: uid ?? 0, gid: gid ?? 0, groups } };
}

/**
 * Where a container finds its pod's volumes: an emptyDir is one for all containers of the pod and goes with it, a hostPath is the node's, and a claim's directory stays on the
 * node for whoever mounts the claim next. `withToken` has the volume with the pod's token in it, which is there once it is filled.
 */
export function mountsOf(
  { volumeMounts = [] }: Container,
  pod: Stored<Pod>,
  environment: readonly (readonly [string, string])[],
  withToken: boolean,
): readonly CriMount[] {
  if (volumeMounts.length === 0) return [];
  const variables = new Map(environment);
  return volumeMounts.flatMap((mount): CriMount[] => {
    const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
    if (!volume) return [];
    const sub = mount.subPathExpr === undefined ? (mount.subPath ?? "") : expandReferences(mount.subPathExpr, variables);
    const path = absolute(mount.mountPath);
    const { configMap, secret, downwardAPI, projected, hostPath, emptyDir, persistentVolumeClaim: claim } = volume;
    if (configMap || secret || downwardAPI || projected)
      return sub !== "" || (holdsToken(volume) && !withToken) ? [] : [{ path, volume: "", readOnly: true }];
    const below = hostPath ? `${hostPath.path}/${sub}` : sub;
    return [
      {
        path,
        volume: hostPath ? "host" : claim ? `claim/${pod.metadata.namespace}/${claim.claimName}` : `pod/${pod.metadata.uid}/${mount.name}`,
        ...(below === "" ? {} : { below: absolute(below) }),
        ...(mount.readOnly === true || claim?.readOnly === true ? { readOnly: true } : {}),
        ...(hostPath ? {} : { mode: 0o777 }),
        ...(emptyDir?.medium === "Memory" ? { inMemory: true } : {}),
      },
    ];
  });
}

/** The volume with the pod's own token, which is asked for when somebody may read it. */
export const holdsToken = ({ projected }: Volume) => projected?.sources?.some((source) => source.serviceAccountToken) ?? false;

/** Bytes that the messages of all of a pod's containers have together; each has its share. Source: "Determine the Reason for Pod Failure". */
const messageBytesMax = 12 * 1024;

/** A message within a container's share of what its pod's status may say. */
export function boundedMessage(message: string, { spec }: Pod): string {
  const count = (spec?.containers.length ?? 0) + (spec?.initContainers?.length ?? 0) + (spec?.ephemeralContainers?.length ?? 0);
  const share = Math.floor(messageBytesMax / Math.max(1, count));
  if (message.length * 3 <= share) return message;
  const bytes = new TextEncoder().encode(message);
  return bytes.length <= share ? message : new TextDecoder().decode(bytes.subarray(0, share)).replace(/\uFFFD$/, "");
}
