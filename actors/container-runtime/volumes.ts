import type { CriCreateContainer, CriStatsListed } from "../../protocol/cri";
import { absolute, containerEntriesMax, type Files, type Mount, newFiles, nodeHosts, parentOf } from "./shell/files";
import type { State } from "./state";

/** A directory of the node that containers mount; it outlives them. */
export interface Volume {
  readonly files: Files;
  /** Of medium Memory: what lies in it takes memory, not disk. */
  readonly inMemory: boolean;
}

/** Volumes of one pod go with it: their keys begin with this. The others are the node's. */
export const podVolumesPrefix = (uid: string) => `pod/${uid}/`;

/** Where a container finds its volumes; those that nobody has mounted before begin to be. A directory below a volume is made where it is missing. */
export function mountsOf(state: State, asked: NonNullable<CriCreateContainer["mounts"]>, nowS: number): readonly Mount[] {
  return asked.map(({ path, volume, below = "", readOnly = false, mode = 0o755, inMemory = false }) => {
    const { files } = volume === "" ? { files: newFiles() } : volumeOf(state, volume, inMemory);
    const base = absolute(below);
    makeDirectories(files, base, mode, nowS);
    return { path: absolute(path), files, base, readOnly, mode };
  });
}

function volumeOf(state: State, key: string, inMemory: boolean): Volume {
  const known = state.volumes.get(key);
  if (known) return known;
  const made: Volume = { files: newFiles(), inMemory };
  if (key === nodeVolume) putHosts(made.files);
  state.volumes.set(key, made);
  return made;
}

/** The node's own directories, of which nothing is known but the file of its hosts. */
const nodeVolume = "host";

function putHosts(files: Files): void {
  const bytes = new TextEncoder().encode(nodeHosts);
  makeDirectories(files, "/etc", 0o755, 0);
  files.written.set("/etc/hosts", { is: "file", parts: [bytes], size: bytes.length, mode: 0o644, mtimeS: 0 });
  files.bytes += bytes.length;
}

function makeDirectories(files: Files, path: string, mode: number, mtimeS: number): void {
  const { written } = files;
  if (path === "/" || written.has(path) || written.size >= containerEntriesMax) return;
  makeDirectories(files, parentOf(path), mode, mtimeS);
  written.set(path, { is: "directory", mode, mtimeS });
}

/** A pod is gone from the node with all its sandboxes. */
export function forgetVolumes(state: State, uid: string): void {
  const prefix = podVolumesPrefix(uid);
  for (const key of state.volumes.keys()) if (key.startsWith(prefix)) state.volumes.delete(key);
}

/** What lies in the volumes of pods, where something does. */
export function volumeStats({ volumes }: State): Pick<CriStatsListed, "volumes"> {
  const taken = [...volumes].flatMap(([key, { files, inMemory }]) => {
    const [, podUid = "", name = ""] = /^pod\/([^/]+)\/(.+)$/.exec(key) ?? [];
    return files.bytes > 0 ? [{ podUid, name, bytes: files.bytes, inMemory }] : [];
  });
  return taken.length > 0 ? { volumes: taken } : {};
}
