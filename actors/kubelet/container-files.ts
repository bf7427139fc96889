import type { CriCreateContainer } from "../../protocol/cri";
import type { Container, Pod } from "../../protocol/kinds/generated";
import { absolute } from "../../protocol/paths";

/** What of a container's files its specification decides beside what its volumes show: where it can write, and where it says why it ended. */
export function containerPlaces(
  { volumeMounts = [], securityContext, terminationMessagePath, terminationMessagePolicy }: Container,
  pod: Pod,
): Pick<CriCreateContainer, "mounts" | "readOnlyRoot" | "terminationMessage"> {
  const holdsFiles = new Set(
    pod.spec?.volumes?.filter((one) => one.configMap || one.secret || one.downwardAPI || one.projected).map(({ name }) => name),
  );
  const mounts = volumeMounts
    .filter(({ name, readOnly }) => readOnly !== true && !holdsFiles.has(name))
    .map(({ mountPath }) => absolute(mountPath));
  const path = terminationMessagePath || "/dev/termination-log";
  const fallsBackToLogs = terminationMessagePolicy === "FallbackToLogsOnError";
  return {
    ...(mounts.length > 0 ? { mounts } : {}),
    ...(securityContext?.readOnlyRootFilesystem === true ? { readOnlyRoot: true } : {}),
    ...(path !== "/dev/termination-log" || fallsBackToLogs ? { terminationMessage: { path, fallsBackToLogs } } : {}),
  };
}

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
