import type { NetRequest, NetResponse } from "../../protocol/cluster";
import type { CriAnswer, CriContainer, CriLog, CriSandbox, CriUser, TerminationMessagePlace } from "../../protocol/cri";
import type { Context, RequestRef, StreamRef } from "../../runtime/actor";
import type { Cidr } from "../network/cidr";
import type { LogLine, LogSelection } from "./container-log";
import type { Dependency } from "./dependencies";
import type { ExecSync } from "./exec-sync";
import type { behaviourOf, ImageBehaviour } from "./image-behaviour";
import type { Files, GivenFiles, Mount } from "./shell/files";
import type { Session } from "./shell/session";
import type { Tunnel } from "./tunnels";
import type { Volume } from "./volumes";

export interface ContainerRuntimeConfig {
  readonly node: string;
  readonly behaviours: readonly ImageBehaviour[];
}

/** What a node's container runtime has in memory; it is all lost when the host goes down. Times named `...Us` without more are monotonic. */
export interface State {
  readonly config: ContainerRuntimeConfig;
  podCidr: Cidr | undefined;
  lastAddress: number | undefined;
  readonly sandboxes: Map<string, Sandbox>;
  readonly containers: Map<string, Container>;
  /** What containers mount, by the name that those who share it have for it. */
  readonly volumes: Map<string, Volume>;
  /** Image to its size. */
  readonly images: Map<string, number>;
  /** Pulls under way, each with those who wait for it. */
  readonly pulls: Map<string, RequestRef[]>;
  /** Requests that are being worked on, by their timer. */
  readonly requests: Map<string, PendingRequest>;
  /** Commands whose end is waited for, by their timer. */
  readonly execs: Map<string, ExecSync>;
  /** What has been opened into containers and sandboxes, by its stream. */
  readonly tunnels: Map<string, Tunnel>;
  /** Who listens to container events. */
  readonly listeners: Set<StreamRef>;
  nextRequest: number;
  /** What takes memory and disk on the machine besides containers and images, in bytes. */
  load: { readonly memoryBytes: number; readonly diskBytes: number };
}

export interface Sandbox extends CriSandbox {
  readonly hostname: string;
  /** As a number; undefined in the host's network. */
  readonly address: number | undefined;
  readonly containers: Set<string>;
}

export interface PendingRequest {
  readonly request: RequestRef;
  readonly asked: NetRequest;
  readonly containerId: string;
  readonly code: number;
  readonly body: string;
  /** The Services that are asked once its own latency has passed; how many have not answered yet; and what went wrong with one that is needed. */
  readonly dependencies: readonly Dependency[];
  open: number;
  failure: string;
}

export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  /** "namespace/name". */
  readonly pod: string;
  readonly name: string;
  readonly image: string;
  readonly attempt: number;
  readonly createdWallUs: number;
  readonly behaviour: ReturnType<typeof behaviourOf>;
  readonly ports: readonly number[];
  memoryLimit: number;
  readonly command: readonly string[];
  /** Its command says how it behaves, not its image. */
  readonly isUnderstood: boolean;
  /** What its image sets is not known; this is what the pod sets. */
  readonly environment: readonly (readonly [string, string])[];
  /** Its main process reads only from the first who attaches. */
  readonly stdinOnce: boolean;
  /** Its main process, where that is a shell or a program that the simulated shell has. */
  readonly session: Session | undefined;
  /** What has been written into it. */
  readonly files: Files;
  /** What its volumes show, by path. */
  given: GivenFiles;
  /** The directories of its volumes, and whether nothing else can be written. */
  mounts: readonly Mount[];
  readonly readOnlyRoot: boolean;
  readonly user: CriUser | undefined;
  readonly termination: TerminationMessagePlace;
  readonly log: LogLine[];
  /** What the main process has written since the last line end. */
  partialLine: string;
  /** Who is attached. */
  readonly attached: Map<string, StreamRef>;
  readonly followers: Map<string, { readonly stream: StreamRef; readonly selection: LogSelection }>;
  served: number;
  life: Life;
}

export type Life =
  | { readonly is: "created" }
  | { readonly is: "starting"; readonly start: RequestRef; readonly atUs: number }
  | Running
  | {
      readonly is: "exited";
      readonly startedWallUs: number;
      readonly finishedWallUs: number;
      readonly exitCode: number;
      readonly reason: string;
      readonly message: string;
    };

export interface Running {
  readonly is: "running";
  readonly startedWallUs: number;
  /** From when it answers, and from when it answers only 500. */
  readonly readyAtUs: number;
  readonly unhealthyAtUs: number;
  /** Its own end, if it has one. */
  readonly end: Ending | undefined;
  /** SIGTERM has been sent: nothing new is accepted after `acceptsUntilUs`, and `waiters` hear of the end. */
  readonly stopping: { readonly acceptsUntilUs: number; readonly end: Ending; readonly waiters: readonly RequestRef[] } | undefined;
}

export interface Ending {
  readonly atUs: number;
  readonly exitCode: number;
  readonly reason: string;
}

/** Which of the two ends comes first. */
export function endOf(running: Running): Ending | undefined {
  const { end, stopping } = running;
  if (!stopping) return end;
  return end && end.atUs < stopping.end.atUs ? end : stopping.end;
}

/** How the runtime describes a container to the kubelet. */
export function describe(container: Container): CriContainer {
  const { life } = container;
  const base = {
    id: container.id,
    sandboxId: container.sandboxId,
    podUid: container.podUid,
    name: container.name,
    image: container.image,
    imageRef: imageRefOf(container.image),
    attempt: container.attempt,
    createdUs: container.createdWallUs,
    startedUs: 0,
    finishedUs: 0,
    exitCode: 0,
    reason: "",
    message: "",
  };
  switch (life.is) {
    case "created":
    case "starting":
      return { ...base, state: "created" };
    case "running":
      return { ...base, state: "running", startedUs: life.startedWallUs };
    case "exited":
      return {
        ...base,
        state: "exited",
        startedUs: life.startedWallUs,
        finishedUs: life.finishedWallUs,
        exitCode: life.exitCode,
        reason: life.reason,
        message: life.message,
      };
  }
}

/** A digest that stands for the image's content: the same for the same name everywhere. */
export function imageRefOf(image: string): string {
  const plain = image.split("@")[0]!;
  const colon = plain.lastIndexOf(":");
  const repository = colon > plain.lastIndexOf("/") ? plain.slice(0, colon) : plain;
  return `${repository}@sha256:${digestOf(image)}`;
}

function digestOf(text: string): string {
  let digest = "";
  let hash = 0x811c9dc5;
  for (let part = 0; part < 8; part += 1) {
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ (text.charCodeAt(at) + part), 0x01000193);
    digest += (hash >>> 0).toString(16).padStart(8, "0");
  }
  return digest;
}

/** Answers a request; here so that the compiler knows what answers there are. */
export function answer(ctx: Context<State>, request: RequestRef, body: CriAnswer | NetResponse): void {
  ctx.reply(request, body);
}

/** Passes a piece of a log on to somebody who follows it. */
export function pushLog(ctx: Context<State>, stream: StreamRef, bytes: Uint8Array): void {
  const piece: CriLog = { kind: "cri.log", bytes };
  ctx.push(stream, piece);
}
