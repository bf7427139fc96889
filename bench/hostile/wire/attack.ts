import type { Draws } from "../draws";

/** What a client sends on one connection, byte by byte its own making. */
export interface Attack {
  readonly name: string;
  readonly alpn: "http/1.1" | "h2";
  /** Sent one after the other, each once something was answered to the one before, or a moment later. */
  readonly pieces: readonly Uint8Array[];
  /** A ConfigMap of this name may be there afterwards only if a request for it was accepted: where `mayWrite` is false, never. */
  readonly writes: string;
  readonly mayWrite: boolean;
}

/** Where an attack goes: a pod that runs in the namespace, whose ConfigMaps are written. */
export interface Target {
  readonly namespace: string;
  readonly pod: string;
}

export type MakeAttack = (draws: Draws, target: Target, writes: string) => Attack;

/** Bytes without meaning. */
export function noise(draws: Draws, most: number): Buffer {
  const bytes = Buffer.alloc(draws.below(most + 1));
  for (let i = 0; i < bytes.length; i++) bytes[i] = draws.below(256);
  return bytes;
}

export const configMapOf = (name: string) => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
