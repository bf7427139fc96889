import type { CriUser } from "../../../protocol/cri";
import { type Files, FileView, type GivenFiles, type Mount, nodeHosts } from "./files";

/** Where a command runs: what it can find out about its container. */
export interface Place {
  /** The pod's name, if it says no other. */
  readonly hostname: string;
  readonly namespace: string;
  readonly ip: string;
  /** Then its hosts are the node's. */
  readonly inHostNetwork?: boolean;
  /** The command line of process 1. */
  readonly mainCommand: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** What has been written into the container. */
  readonly files: Files;
  /** What its volumes show. */
  readonly given: GivenFiles;
  readonly mounts?: readonly Mount[];
  /** Nothing can be written but these, and the file of its termination message. */
  readonly readOnlyRoot?: boolean;
  readonly terminationPath?: string;
  /** As whom processes run: root, unless told. */
  readonly user?: CriUser;
}

/** What a program does: it writes and ends, or it waits for something first. */
export type ProgramResult =
  | { readonly is: "ended"; readonly out: string | Uint8Array; readonly err: string; readonly code: number }
  | { readonly is: "sleeping"; readonly ms: number }
  /** Takes what there is to read, until it or its input ends. */
  | { readonly is: "reading"; readonly reader: Reader }
  /** Ends the shell. */
  | { readonly is: "leaving"; readonly code: number }
  /** Sends a signal to the container's main process. */
  | { readonly is: "signalling"; readonly signal: number }
  /** Asks somebody in the cluster's network, and goes on with the answer. */
  | { readonly is: "asking"; readonly ask: NetworkAsk; readonly then: (answer: NetworkAnswer) => ProgramResult };

/** What a process sends into the network: a look-up of a name, or a request to an address. */
export type NetworkAsk =
  | { readonly is: "lookUp"; readonly host: string; readonly timeoutMs: number }
  | {
      readonly is: "request";
      readonly ip: string;
      readonly port: number;
      readonly protocol: "TCP" | "UDP";
      /** An HTTP method, or "CONNECT" for a connection alone. */
      readonly method: string;
      readonly path: string;
      readonly body: Uint8Array;
      readonly timeoutMs: number;
    };

/** What comes back of it: the addresses of a name stand in `text`, as `{"name":"web.shop.svc.cluster.local","addresses":["10.96.0.7"]}`. */
export interface NetworkAnswer {
  readonly outcome: "answered" | "refused" | "timeout" | "unreachable";
  readonly code: number;
  readonly text: string;
}

/** A program that reads its input; `next` is what it does when it has read enough. */
export interface Reader {
  /** The next bytes; `ended` says that no more come. Once it answers with a code it is over. */
  take(
    bytes: Uint8Array,
    ended: boolean,
  ): { readonly out?: string | Uint8Array; readonly err?: string; readonly code?: number; readonly next?: ProgramResult };
}

export type Program = (words: readonly string[], place: Place, environment: Map<string, string>, status: number) => ProgramResult;

export const ended = (out: string | Uint8Array, code = 0, err = ""): ProgramResult => ({ is: "ended", out, err, code });
export const failed = (err: string, code = 1): ProgramResult => ended("", code, err);

/** What the pod gives every container. */
function givenFiles({ hostname, namespace, ip, inHostNetwork, mainCommand, given }: Place): GivenFiles {
  const always: readonly (readonly [string, string])[] = [
    ["/etc/hostname", `${hostname}\n`],
    [
      "/etc/hosts",
      inHostNetwork
        ? `# Kubernetes-managed hosts file (host network).\n${nodeHosts}`
        : `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n${ip}\t${hostname}\n`,
    ],
    ["/etc/resolv.conf", `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n`],
    ["/proc/1/cmdline", mainCommand.map((word) => `${word}\0`).join("")],
  ];
  return new Map([...always.map(([path, content]) => [path, { content, mode: 0o644, readOnly: false }] as const), ...given]);
}

export function filesAt(place: Place): FileView {
  const { files, mounts = [], readOnlyRoot, terminationPath, nowMs } = place;
  // What a runtime always mounts there is in memory.
  const writable = readOnlyRoot ? ["/dev", ...(terminationPath === undefined ? [] : [terminationPath])] : undefined;
  return new FileView(files, givenFiles(place), Math.floor(nowMs / 1000), mounts, writable);
}
