import type { ApiObject, JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import type { Manifest } from "../../manifests";
import type { Path } from "../../source";
import type { Note } from "../note";
import { partAt, type Workload, withPart, workloadOf } from "../workload";

/** Manifests on their way to a cluster that lacks some things, with what was left out or taken for granted. */
export interface Adapted {
  readonly manifests: readonly Manifest[];
  readonly notes: readonly Note[];
}

/** One reason for which manifests cannot be run as they are. One file each; index.ts says in which order they are taken. */
export type Adaptation = (manifests: readonly Manifest[], declared: Declared) => Adapted;

/** What somebody has declared of images. */
export interface Declared {
  isDeclared(image: string): boolean;
  /** Whether it was said what it answers when it is asked to admit something. */
  answersAdmission(image: string): boolean;
}

/** A note about a part of an object. */
export function noteOn(manifest: Manifest, path: Path, what: string, became: string): Note {
  return { file: manifest.file, line: manifest.lineOf(path), what, became };
}

/** The same manifest with another part; lines stay those of the original. */
export function changed(manifest: Manifest, path: Path, part: unknown): Manifest {
  return { ...manifest, object: withPart(manifest.object, path, part) };
}

/** Goes through all workloads; `adapt` answers with the manifest as it is to be. */
export function eachWorkload(
  manifests: readonly Manifest[],
  adapt: (workload: Workload, note: (path: Path, what: string, became: string) => void) => Manifest,
): Adapted {
  const notes: Note[] = [];
  const adapted = manifests.map((manifest) => {
    const workload = workloadOf(manifest);
    if (!workload) return manifest;
    return adapt(workload, (path, what, became) => notes.push(noteOn(manifest, path, `${workload.id}: ${what}`, became)));
  });
  return { manifests: adapted, notes };
}

/** An object that no manifest has and without which others cannot be applied. Its place is that of the object which wants it. */
export function standIn(wanting: Manifest, apiVersion: string, kind: string, metadata: JsonObject, rest: JsonObject = {}): Manifest {
  const object = { apiVersion, kind, metadata, ...rest } as unknown as ApiObject;
  return { file: wanting.file, line: wanting.line, kind: kindOf(apiVersion, kind)!, object, lineOf: () => wanting.line };
}

/** The list at a path of a manifest's object; empty where there is none. */
export function listAt<T>({ object }: Manifest, path: Path): readonly T[] {
  return (partAt(object, path) as readonly T[] | undefined) ?? [];
}
