import type { TerminationMessagePlace } from "../../protocol/cri";
import { type LogLine, selectLog } from "./container-log";

/** Bytes of the file, from its end; lines of the log, and bytes of those. Source: "Determine the Reason for Pod Failure"; what of a larger file is kept: the kubelet's own. */
const fileBytesMax = 4096;
const logLinesMax = 80;
const logBytesMax = 2048;

export const ordinaryPlace: TerminationMessagePlace = { path: "/dev/termination-log", fallsBackToLogs: false };

/** What a container leaves behind to say how it ended: what its file holds or, where it failed without a word there and its pod wants that, the end of its log. */
export function terminationMessage(
  { fallsBackToLogs }: TerminationMessagePlace,
  file: Uint8Array,
  log: readonly LogLine[],
  exitCode: number,
): string {
  if (file.length > 0) return decoder.decode(file.subarray(Math.max(0, file.length - fileBytesMax)));
  if (!fallsBackToLogs || exitCode === 0) return "";
  const tail = selectLog(log, { timestamps: false, tailLines: logLinesMax, limitBytes: -1, sinceUs: 0 });
  return decoder.decode(tail.subarray(Math.max(0, tail.length - logBytesMax)));
}

const decoder = new TextDecoder();
